"""The first transform of a recording: its samples at the rate of the model."""

import dataclasses

import numpy as np

from common.audio.reading import TOLERANCE, decode_audio, heard, resample, within_scale
from common.data.refusals import bad_file
from common.data.transform import Transform
from common.errors import BadSample, ConfigError
from common.log import logger


class DecodeAudio(Transform):
    """Reads the recording at `path`, from `start` for `duration` seconds where the sample says so.

    A sample that already holds `audio` (float32 [S], or [S, channels]) and its `rate` keeps it, converted.
    Sets `audio` float32 [S] in [-1, 1], `rate` int and `duration` float, in seconds.
    See :func:`common.audio.reading.decode_audio` for what becomes of the kinds of files.

    Args:
        rate (int): samples a second of what comes out.
        channel (str | int): `mix` is the mean of all channels; a number takes one, from 0.
        convert (bool): converts recordings of other rates; else they are refused.
        min_seconds (float): less is refused.
        max_seconds (float): more is refused, from the header.

    Raises:
        ConfigError: a number is out of range.
    """

    def __init__(self, rate, channel="mix", convert=True, min_seconds=0.0, max_seconds=600.0):
        if rate < 1:
            raise ConfigError(f"rate is {rate}; it is a number of samples a second")
        if not (channel == "mix" or (isinstance(channel, int) and channel >= 0)):
            raise ConfigError(f"channel is {channel!r}; it is mix, or a number from 0")
        if not 0 <= min_seconds < max_seconds:
            raise ConfigError(f"min_seconds is {min_seconds}, max_seconds {max_seconds}; the first must be less")
        self.rate, self.channel, self.convert = rate, channel, convert
        self.min_seconds, self.max_seconds = min_seconds, max_seconds
        self.said = False

    def __call__(self, sample, rng):
        name = sample.get("path", "a recording")
        try:
            audio, rate = self.given(sample, name) if "audio" in sample else self.read(sample, name)
            if rate != self.rate and not self.convert:
                message = f"{rate} samples a second where {self.rate} are expected"
                raise bad_file(
                    "D143", name, message, fix=f"convert it, or DecodeAudio takes rate: {rate} or convert: true"
                )
        except BadSample as error:
            raise placed(error, sample) from None
        if rate != self.rate:
            if not self.said:
                logger.warning("%s: converted from %d samples a second to %d, like all such", name, rate, self.rate)
                self.said = True
            audio = resample(audio, rate, self.rate)
        if len(audio) < max(1, self.min_seconds * self.rate):
            message = f"{len(audio) / self.rate:.3f} s long, {self.min_seconds:g} s is the least"
            raise placed(bad_file("D145", name, message, fix="leave it out"), sample)
        sample |= {"audio": audio, "rate": self.rate, "duration": len(audio) / self.rate}
        return sample

    def read(self, sample, name):
        """(samples, rate) of the file."""
        part = {"seconds": sample["duration"], "start": sample.pop("start")} if "start" in sample else {}
        audio, rate = decode_audio(sample["path"], name, self.channel, max_seconds=self.max_seconds, **part)
        if not part:
            refuse_other_duration(sample, len(audio) / rate)
        return audio, rate

    def given(self, sample, name):
        """(samples, rate) that the sample holds."""
        audio, rate = np.asarray(sample["audio"], np.float32), sample["rate"]
        if audio.ndim == 2:
            audio = heard(audio, self.channel, name)
        if len(audio) > self.max_seconds * rate:
            raise bad_file("D145", name, f"{len(audio) / rate:.1f} s long, {self.max_seconds:g} s are allowed")
        return within_scale(audio, name), rate


def refuse_other_duration(sample, seconds):
    """Raises BadSample D141 where a file of so many seconds is not what its manifest says."""
    name, duration = sample["path"], sample.get("duration")
    if duration is None:
        return
    begins = sample.get("start")
    if begins is None and abs(duration - seconds) > TOLERANCE:
        message = f"lasts {seconds:.3f} s; its manifest says {duration:.3f} s"
        raise bad_file("D141", name, message, fix="fetch it again, or correct the duration")
    if begins is not None and begins + duration > seconds + TOLERANCE:
        message = f"lasts {seconds:.3f} s; its manifest takes {begins:.3f} s to {begins + duration:.3f} s"
        raise bad_file("D141", name, message, fix="correct offset and duration")


def placed(error, sample):
    """The BadSample with the line of the manifest that names the recording."""
    place = sample.get("place", "")
    if not place or error.issue.place:
        return error
    where = f"{sample['manifest']}: {place}" if "manifest" in sample else place
    return BadSample(dataclasses.replace(error.issue, place=where))
