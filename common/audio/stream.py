"""Streaming feature extraction from chunks of audio: from a microphone, a connection, or a long file.

Shapes in this file:
    S samples of a chunk, t frames that it completes, F features per frame.
"""

import numpy as np

from common.audio.frames import cut_frames
from common.audio.reading import clip_samples, load_soxr, open_audio, read_frames, select_channel
from common.data.refusals import bad_file
from common.errors import ConfigError


class FeatureStream:
    """Computes features chunk by chunk, identical to those of the whole recording.

    Args:
        transform (Features): a transform with independent frames: LinearSpectrogram, FilterBank.
        rate (int): sample rate in Hz.

    Raises:
        ConfigError: the features depend on more than one frame.
    """

    def __init__(self, transform, rate):
        name = type(transform).__name__
        if not hasattr(transform, "of_frames"):
            raise ConfigError(
                f"{name} cannot be streamed; use LinearSpectrogram or FilterBank, whose frames are independent"
            )
        if getattr(transform, "dither", 0) or not getattr(transform, "snip_edges", True):
            raise ConfigError(f"streaming needs {name} with dither: 0 and snip_edges: true")
        self.transform, self.rate = transform, rate
        self.window, self.stride = transform.geometry(rate)
        self.reset()

    def reset(self):
        """Resets the state for a new recording."""
        self.pending, self.skip = np.zeros(0, np.float32), 0  # samples of incomplete frames; samples to skip

    def feed(self, audio):
        """Features float32 [t, F] of the frames completed by a chunk, float32 [S] in [-1, 1]; t may be 0.

        Raises:
            BadSample: D142, a sample is not finite or far outside [-1, 1].
        """
        audio = clip_samples(np.asarray(audio, np.float32).reshape(-1), "the stream")
        self.pending = np.concatenate([self.pending, audio])
        skipped = min(self.skip, len(self.pending))
        self.pending, self.skip = self.pending[skipped:], self.skip - skipped
        frames = cut_frames(self.pending, self.window, self.stride)
        features = self.transform.of_frames(frames, self.rate)
        used = len(frames) * self.stride
        self.skip += max(0, used - len(self.pending))
        self.pending = self.pending[used:]
        return features


def audio_chunks(source, seconds, rate, name=None, channel="mix"):
    """Yields the chunks of an audio file, as they would arrive from a microphone.

    Args:
        source (str | bytes): a path, or the content of a file.
        seconds (float): duration of a chunk; the last one is shorter.
        rate (int): sample rate of the chunks; other rates are resampled.
        name (str): name of the file for messages; null for the path.
        channel (str | int): see :func:`common.audio.reading.decode_audio`.

    Yields:
        ndarray: float32 [S] in [-1, 1]; resampled chunks differ slightly in length.

    Raises:
        BadSample: as :func:`common.audio.reading.decode_audio`.
        EnvironmentProblem: soundfile or soxr is not installed.
    """
    if seconds <= 0:
        raise ConfigError(f"seconds is {seconds}; the duration of a chunk must be above 0")
    name = name or (source if not isinstance(source, bytes) else "<bytes>")
    with open_audio(source, name) as (file, header):
        size = max(1, round(seconds * header.rate))
        converter = None if header.rate == rate else load_soxr().ResampleStream(header.rate, rate, 1, dtype="float32")
        for first in range(0, header.frames, size):
            wanted = min(size, header.frames - first)
            audio = clip_samples(select_channel(read_frames(file, 0, wanted, name, header), channel, name), name)
            if converter is not None:
                audio = np.clip(converter.resample_chunk(audio, last=first + wanted == header.frames), -1.0, 1.0)
            if len(audio):
                yield audio


def decode_pcm16(data, channels=1):
    """Decodes raw little-endian 16-bit PCM to float32 [S] in [-1, 1], averaging all channels.

    Args:
        data (bytes): as produced by `arecord -f S16_LE` and most sound cards.
        channels (int): number of interleaved channels.

    Raises:
        BadSample: D141, an incomplete sample.
    """
    if len(data) % (2 * channels):
        raise bad_file(
            "D141", "the stream", f"{len(data)} bytes are not whole samples of {channels} channels of 16 bits"
        )
    return (np.frombuffer(data, "<i2").reshape(-1, channels).astype(np.float32) / 32768.0).mean(1, dtype=np.float32)
