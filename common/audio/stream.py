"""Features of a recording that comes in pieces: from a microphone, a connection, or a file too long to hold.

Shapes in this file:
    S samples of a piece, t frames that it completes, F features of a frame.
"""

import numpy as np

from common.audio.frames import cut_frames
from common.audio.reading import heard, load_soxr, opened, read_frames, within_scale
from common.data.refusals import bad_file
from common.errors import ConfigError


class FeatureStream:
    """Gives, piece by piece, exactly the frames that the whole recording would give.

    Args:
        transform (Features): whose frames do not depend on one another: LinearSpectrogram, FilterBank.
        rate (int): samples a second of the pieces.

    Raises:
        ConfigError: the features depend on more than their frame.
    """

    def __init__(self, transform, rate):
        name = type(transform).__name__
        if not hasattr(transform, "of_frames"):
            raise ConfigError(f"{name} looks beyond the frame; a stream takes LinearSpectrogram or FilterBank")
        if getattr(transform, "dither", 0) or not getattr(transform, "snip_edges", True):
            raise ConfigError(f"a stream takes {name} with dither: 0 and snip_edges: true")
        self.transform, self.rate = transform, rate
        self.window, self.stride = transform.geometry(rate)
        self.reset()

    def reset(self):
        """Goes to the start of another recording."""
        self.kept, self.skip = np.zeros(0, np.float32), 0  # samples of frames to come; samples between frames

    def feed(self, audio):
        """The features float32 [t, F] of the frames that these samples, float32 [S] in [-1, 1], complete; t may be 0.

        Raises:
            BadSample: D142, a sample is not finite or far outside [-1, 1].
        """
        audio = within_scale(np.asarray(audio, np.float32).reshape(-1), "the stream")
        self.kept = np.concatenate([self.kept, audio])
        gone = min(self.skip, len(self.kept))
        self.kept, self.skip = self.kept[gone:], self.skip - gone
        frames = cut_frames(self.kept, self.window, self.stride)
        features = self.transform.of_frames(frames, self.rate)
        used = len(frames) * self.stride
        self.skip += max(0, used - len(self.kept))
        self.kept = self.kept[used:]
        return features


def sound_chunks(source, seconds, rate, name=None, channel="mix"):
    """Pieces of a recording, as they would come from a microphone.

    Args:
        source (str | bytes): a path, or the bytes of the whole file.
        seconds (float): length of a piece; the last one is shorter.
        rate (int): samples a second of what is given; other rates are converted on the way.
        name (str): what messages call it; null takes the path.
        channel (str | int): see :func:`common.audio.reading.decode_audio`.

    Yields:
        ndarray: float32 [S] in [-1, 1]; after a conversion of the rate pieces differ a little in length.

    Raises:
        BadSample: as :func:`common.audio.reading.decode_audio`.
        EnvironmentProblem: soundfile or soxr is not installed.
    """
    if seconds <= 0:
        raise ConfigError(f"seconds is {seconds}; a piece is longer than 0")
    name = name or (source if not isinstance(source, bytes) else "<bytes>")
    with opened(source, name) as (file, header):
        size = max(1, round(seconds * header.rate))
        converter = None if header.rate == rate else load_soxr().ResampleStream(header.rate, rate, 1, dtype="float32")
        for first in range(0, header.frames, size):
            wanted = min(size, header.frames - first)
            audio = within_scale(heard(read_frames(file, 0, wanted, name, header), channel, name), name)
            if converter is not None:
                audio = np.clip(converter.resample_chunk(audio, last=first + wanted == header.frames), -1.0, 1.0)
            if len(audio):
                yield audio


def microphone_chunk(data, channels=1):
    """Samples float32 [S] in [-1, 1] of raw little-endian 16-bit samples, all channels mixed.

    Args:
        data (bytes): as `arecord -f S16_LE` and most sound cards give them.
        channels (int): whose samples take turns.

    Raises:
        BadSample: D141, a sample is cut in two.
    """
    if len(data) % (2 * channels):
        raise bad_file(
            "D141", "the stream", f"{len(data)} bytes are not whole samples of {channels} channels of 16 bits"
        )
    return (np.frombuffer(data, "<i2").reshape(-1, channels).astype(np.float32) / 32768.0).mean(1, dtype=np.float32)
