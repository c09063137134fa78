"""Audio decoding: from a file or bytes to float32 samples in [-1, 1], resampling, with specific errors for bad files.

Shapes in this file:
    S samples of one channel.

Issues raised here (`BadSample`):
    D104  no such file, a folder, or no permission
    D140  empty, not an audio file, or without samples
    D141  truncated or corrupt
    D142  samples not finite, or far outside [-1, 1]
    D143  implausible sample rate
    D144  too many channels, or a channel that does not exist
    D145  too long or too short, according to the header, before decoding
"""

import contextlib
import dataclasses
import io

import numpy as np

from common.data.refusals import bad_file, first_bytes, unreadable_file
from common.errors import EnvironmentProblem
from common.regular import check_regular

MOST_CHANNELS = 32
MOST_FRAMES = 2**48  # libsndfile reports more for a FLAC that was written to a pipe
RATES = (1000, 1_000_000)  # Hz
LOUDEST = 8.0  # 18 dB over full scale; unscaled integer samples are far above
TOLERANCE = 0.02  # seconds by which a duration may differ: manifests round them
UNKNOWN = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # sizes in a WAV that was written to a pipe


@dataclasses.dataclass(frozen=True)
class Header:
    """The header of an audio file.

    Args:
        frames (int): S, samples per channel.
        rate (int): sample rate in Hz.
        channels (int): number of channels.
        format (str): WAV, FLAC, OGG, ...
    """

    frames: int
    rate: int
    channels: int
    format: str

    @property
    def seconds(self):
        """The duration in seconds."""
        return self.frames / self.rate


def read_header(source, name=None):
    """Reads the header of an audio file, without decoding.

    Args:
        source (str | bytes): a path, or the content of a file.
        name (str): name of the file for messages; null for the path.

    Returns:
        Header: the header.

    Raises:
        BadSample: D104, D140, D141 or D144.
        EnvironmentProblem: soundfile is not installed.
    """
    with open_audio(source, name) as (_, header):
        return header


def decode_audio(source, name=None, channel="mix", start=0.0, seconds=None, max_seconds=3600.0, max_samples=2**30):
    """Decodes an audio file or a segment of it.

    The format is detected from the content. Integers of n bits are divided by 2^(n-1); floats slightly outside [-1, 1]
    are clipped.

    Args:
        source (str | bytes): a path, or the content of a file: WAV, FLAC, OGG, MP3, ...
        name (str): name of the file for messages; null for the path.
        channel (str | int | None): `mix` averages all channels; a number selects one, from 0; null returns all channels
            unscaled, for DecodeAudio.
        start (float): start of the segment in seconds.
        seconds (float): duration of the segment; null reads to the end.
        max_seconds (float): maximum duration, checked against the header.
        max_samples (int): maximum number of samples of all channels, checked against the header.

    Returns:
        tuple[ndarray, int]: float32 [S], or [S, channels] for null, and the sample rate.

    Raises:
        BadSample: D104, D140 to D142, D144 or D145.
        EnvironmentProblem: soundfile is not installed.
    """
    name = name or (source if not isinstance(source, bytes) else "<bytes>")
    with open_audio(source, name) as (file, header):
        first = round(start * header.rate)
        wanted = header.frames - first if seconds is None else round(seconds * header.rate)
        if wanted - (header.frames - first) <= TOLERANCE * header.rate:
            wanted = min(wanted, header.frames - first)
        if first < 0 or wanted < 1 or first + wanted > header.frames:
            part = f"{start:g} s to {start + (seconds or 0):g} s" if seconds is not None else f"{start:g} s to its end"
            raise bad_file("D141", name, f"the duration is {header.seconds:.3f} s, requested was {part}")
        if wanted > max_seconds * header.rate:
            message = f"{wanted / header.rate:.1f} s long, the maximum is {max_seconds:g} s"
            raise bad_file("D145", name, message, fix="cut it, or increase max_seconds")
        if wanted * header.channels > max_samples:
            message = f"{wanted} samples of {header.channels} channels, the maximum is {max_samples} in total"
            raise bad_file("D145", name, message)
        values = read_frames(file, first, wanted, name, header)
    return (values if channel is None else clip_samples(select_channel(values, channel, name), name)), header.rate


def select_channel(values, channel, name):
    """One channel [S] of audio [S, channels], or the mean of all; raises BadSample D144 if it does not exist."""
    if channel == "mix":
        return values.mean(1)
    if channel >= values.shape[1]:
        raise bad_file("D144", name, f"has {values.shape[1]} channels, numbered from 0; there is no channel {channel}")
    return np.ascontiguousarray(values[:, channel])


def read_frames(file, first, wanted, name, header):
    """Reads float32 [wanted, channels] from an open file; raises BadSample D141 if it is truncated or corrupt."""
    import soundfile

    try:
        if first:
            file.seek(first)
        values = file.read(wanted, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        message = f"damaged: {libsndfile_message(error)}"
        raise bad_file("D141", name, message, fix="download it again, or remove it") from None
    if len(values) < wanted:
        message = f"ends after {(first + len(values)) / header.rate:.3f} s, {header.seconds:.3f} s in the header"
        raise bad_file("D141", name, message, fix="download it again, or remove it")
    return values


def clip_samples(values, name):
    """Clips samples [S] to [-1, 1]; raises BadSample D142 if they are not finite or far outside."""
    broken = ~np.isfinite(values)
    if broken.any():
        place = int(np.flatnonzero(broken)[0])
        raise bad_file("D142", name, f"{int(broken.sum())} samples are not finite numbers, the first is number {place}")
    loudest = float(np.abs(values).max(initial=0.0))
    if loudest > LOUDEST:
        fix = "divide the samples by the largest number of their type before saving floats"
        raise bad_file("D142", name, f"samples reach {loudest:g}; floating-point audio must be in [-1, 1]", fix=fix)
    return np.clip(values, -1.0, 1.0)


@contextlib.contextmanager
def open_audio(source, name=None):
    """Context manager of an open audio file: (SoundFile, Header); raises like :func:`read_header`."""
    soundfile = load_soundfile()
    name = name or (source if not isinstance(source, bytes) else "<bytes>")
    with open_binary(source, name) as data:
        start = data.read(16)
        if not start:
            raise bad_file(
                "D140", name, "the file is empty (0 bytes)", fix="download it again, or remove it from the manifest"
            )
        check_wav_size(data, start, name)
        data.seek(0)
        try:
            file = soundfile.SoundFile(ClampedFile(data))
        except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
            message = f"not an audio file ({first_bytes(start)}): {libsndfile_message(error)}"
            raise bad_file("D140", name, message, fix="supported formats: WAV, FLAC, OGG, MP3, AIFF, AU") from None
        with file:
            header = Header(file.frames, file.samplerate, file.channels, file.format)
            if header.frames < 1:
                raise bad_file("D140", name, "the file has no audio samples")
            if header.frames > MOST_FRAMES:
                fix = "write it to a file, not to a pipe: ffmpeg -i it.flac whole.flac"
                raise bad_file("D141", name, "the duration is missing in the header", fix=fix)
            if not RATES[0] <= header.rate <= RATES[1]:
                message = f"the sample rate is {header.rate} Hz; supported are {RATES[0]} to {RATES[1]} Hz"
                raise bad_file("D143", name, message)
            if header.channels > MOST_CHANNELS:
                message = f"{header.channels} channels, the maximum is {MOST_CHANNELS}"
                raise bad_file("D144", name, message, fix="keep only the channels with speech")
            yield file, header


class ClampedFile:
    """A binary file whose `seek` clamps negative positions to 0.

    libsndfile seeks to negative positions in damaged files; soundfile prints Python's exception instead of raising it.

    Args:
        file (BinaryIO): open for reading.
    """

    def __init__(self, file):
        self.file, self.tell, self.read, self.readinto = file, file.tell, file.read, file.readinto

    def seek(self, offset, whence=io.SEEK_SET):
        """Seeks and returns the new position."""
        before = {io.SEEK_SET: 0, io.SEEK_CUR: self.file.tell()}.get(whence)
        if before is None:
            before = self.file.seek(0, io.SEEK_END)
        return self.file.seek(max(0, before + offset))


def open_binary(source, name):
    """Opens a path or bytes as a binary file; raises BadSample D104."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        check_regular(source)
        return open(source, "rb")
    except (OSError, ValueError) as error:
        raise unreadable_file(error, source, "an audio file", name) from None


def check_wav_size(file, start, name):
    """Raises BadSample D141 for a truncated WAV file, which libsndfile would read silently."""
    if start[:4] not in (b"RIFF", b"RF64") or start[8:12] != b"WAVE":
        return
    end, offset = file.seek(0, io.SEEK_END), 12
    while offset + 8 <= end:
        file.seek(offset)
        head = file.read(8)
        size = int.from_bytes(head[4:], "little")
        offset += 8
        if head[:4] == b"data":
            if size not in UNKNOWN and size > end - offset:
                message = f"truncated: the header announces {size} bytes of audio, the file has {end - offset}"
                raise bad_file("D141", name, message, fix="download it again, or remove it")
            return
        offset += size + size % 2


def resample(audio, before, after):
    """Resamples audio [S] with soxr (high quality); float32 [about S * after / before] in [-1, 1].

    Args:
        audio (ndarray): float32 [S].
        before (float): sample rate of `audio`.
        after (float): sample rate of the result.

    Raises:
        EnvironmentProblem: soxr is not installed.
    """
    if before == after:
        return audio
    return np.clip(load_soxr().resample(audio, before, after), -1.0, 1.0).astype(np.float32, copy=False)


def load_soundfile():
    """Imports the package soundfile."""
    try:
        import soundfile
    except (ImportError, OSError):
        raise EnvironmentProblem("reading audio needs the package soundfile: pip install soundfile") from None
    return soundfile


def load_soxr():
    """Imports the package soxr."""
    try:
        import soxr
    except ImportError:
        raise EnvironmentProblem("resampling needs the package soxr: pip install soxr") from None
    return soxr


def libsndfile_message(error):
    """The error message of libsndfile without the file name."""
    return str(getattr(error, "error_string", "") or error).strip().rstrip(".")[:120]
