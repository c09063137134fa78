"""The audio decoding transform: reads a recording and resamples it to the sample rate of the model."""

import numpy as np

from common.audio.reading import TOLERANCE, clip_samples, decode_audio, resample, select_channel
from common.data.refusals import add_list_line, bad_file
from common.data.transform import Transform
from common.errors import BadSample, ConfigError
from common.log import logger


class DecodeAudio(Transform):
    """Decodes the audio at `path`, or `duration` seconds of it from `start` if the sample has a `start`.

    Existing `audio` (float32 [S], or [S, channels]) of a sample with its `rate` is converted as well. Sets `audio`
    float32 [S] in [-1, 1], `rate` int and `duration` float, in seconds. A sample with `features` is left as it is.
    :func:`common.audio.reading.decode_audio` describes the supported formats.

    Args:
        rate (int): sample rate of the output, in Hz.
        channel (str | int): `mix` averages all channels; a number selects one, from 0.
        convert (bool): resamples audio of other sample rates; otherwise it is refused.
        min_seconds (float): minimum duration.
        max_seconds (float): maximum duration, checked against the header.

    Raises:
        ConfigError: a number is out of range.
    """

    alike = ("rate", "channel")

    def __init__(self, rate, channel="mix", convert=True, min_seconds=0.0, max_seconds=600.0):
        if rate < 1:
            raise ConfigError(f"rate is {rate}; it must be a sample rate in Hz, at least 1")
        if not (channel == "mix" or (isinstance(channel, int) and channel >= 0)):
            raise ConfigError(f"channel is {channel!r}; it must be mix, or a number from 0")
        if not 0 <= min_seconds < max_seconds:
            raise ConfigError(f"min_seconds is {min_seconds}, max_seconds {max_seconds}; the first must be smaller")
        self.rate, self.channel, self.convert = rate, channel, convert
        self.min_seconds, self.max_seconds = min_seconds, max_seconds
        self.warned = False

    def __call__(self, sample, rng):
        if "features" in sample:
            return sample
        name = sample.get("path", "a recording")
        try:
            audio, rate = self.given(sample, name) if "audio" in sample else self.read(sample, name)
            if rate != self.rate and not self.convert:
                message = f"the sample rate is {rate} Hz, expected {self.rate} Hz"
                fix = f"convert it, or set rate: {rate} or convert: true of DecodeAudio"
                raise bad_file("D143", name, message, fix=fix)
        except BadSample as error:
            raise add_list_line(error, sample) from None
        if rate != self.rate:
            if not self.warned:
                logger.warning("%s: resampled from %d Hz to %d Hz, like all such recordings", name, rate, self.rate)
                self.warned = True
            audio = resample(audio, rate, self.rate)
        if len(audio) < max(1, self.min_seconds * self.rate):
            message = f"{len(audio) / self.rate:.3f} s long, the minimum is {self.min_seconds:g} s"
            raise add_list_line(bad_file("D145", name, message, fix="remove it"), sample)
        sample |= {"audio": audio, "rate": self.rate, "duration": len(audio) / self.rate}
        return sample

    def read(self, sample, name):
        """Reads the file: (audio, sample rate)."""
        part = {"seconds": sample["duration"], "start": sample.pop("start")} if "start" in sample else {}
        audio, rate = decode_audio(sample["path"], name, self.channel, max_seconds=self.max_seconds, **part)
        if not part:
            check_duration(sample, len(audio) / rate)
        return audio, rate

    def given(self, sample, name):
        """Converts the existing audio of the sample: (audio, sample rate)."""
        audio, rate = np.asarray(sample["audio"], np.float32), sample["rate"]
        if audio.ndim == 2:
            audio = select_channel(audio, self.channel, name)
        if len(audio) > self.max_seconds * rate:
            raise bad_file("D145", name, f"{len(audio) / rate:.1f} s long, the maximum is {self.max_seconds:g} s")
        return clip_samples(audio, name), rate


def check_duration(sample, seconds):
    """Raises BadSample D141 if the duration of a file does not match its manifest."""
    name, duration = sample["path"], sample.get("duration")
    if duration is None:
        return
    begins = sample.get("start")
    if begins is None and abs(duration - seconds) > TOLERANCE:
        message = f"the duration is {seconds:.3f} s, {duration:.3f} s in the manifest"
        raise bad_file("D141", name, message, fix="download it again, or correct the duration")
    if begins is not None and begins + duration > seconds + TOLERANCE:
        message = f"the duration is {seconds:.3f} s; the manifest has {begins:.3f} s to {begins + duration:.3f} s"
        raise bad_file("D141", name, message, fix="correct offset and duration")
