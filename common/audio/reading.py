"""From a sound file or a request's bytes to float32 samples in [-1, 1], and refusals that name what is wrong.

Shapes in this file:
    S samples of one channel.

Issues raised here (`BadSample`):
    D104  no such file, a folder, or no permission
    D140  empty, not a sound, or a sound without a sample
    D141  the file ends before its header says so, or is damaged
    D142  samples that are not finite, or far outside [-1, 1]
    D143  a rate that no sound has
    D144  more channels than are mixed down, or a channel that is not there
    D145  longer or shorter than allowed, told from the header before anything is decoded
"""

import contextlib
import dataclasses
import io

import numpy as np

from common.data.refusals import bad_file, first_bytes, unreadable_file
from common.errors import EnvironmentProblem

MOST_CHANNELS = 32
MOST_FRAMES = 2**48  # more is how libsndfile spells a FLAC that was written to a pipe
RATES = (1000, 1_000_000)  # samples a second
LOUDEST = 8.0  # 18 dB over full scale; samples of integers that nobody has divided lie far above
TOLERANCE = 0.02  # seconds by which a duration may differ: manifests have few digits
UNKNOWN = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # sizes of a WAV that was written to a pipe


@dataclasses.dataclass(frozen=True)
class Header:
    """What the header of a sound file says.

    Args:
        frames (int): S, samples of each channel.
        rate (int): samples a second.
        channels (int): number of channels.
        format (str): WAV, FLAC, OGG, ...
    """

    frames: int
    rate: int
    channels: int
    format: str

    @property
    def seconds(self):
        """The length in seconds."""
        return self.frames / self.rate


def read_header(source, name=None):
    """The header of a sound file.

    Args:
        source (str | bytes): a path, or the bytes of the whole file.
        name (str): what messages call it; null takes the path.

    Returns:
        Header: nothing is decoded.

    Raises:
        BadSample: D104, D140, D141 or D144.
        EnvironmentProblem: soundfile is not installed.
    """
    with opened(source, name) as (_, header):
        return header


def decode_audio(source, name=None, channel="mix", start=0.0, seconds=None, max_seconds=3600.0, max_samples=2**30):
    """Reads a sound, or a part of it.

    The format is told from the content. Integers of n bits are divided by 2^(n-1); floats a little outside [-1, 1]
    are cut off there.

    Args:
        source (str | bytes): a path, or the bytes of the whole file: WAV, FLAC, OGG, MP3, ...
        name (str): what messages call it; null takes the path.
        channel (str | int | None): `mix` is the mean of all channels; a number takes one, from 0; null leaves all, as
            they are stored, for DecodeAudio to choose.
        start (float): seconds into the file at which to begin.
        seconds (float): how much is read; null reads to the end.
        max_seconds (float): more is refused from the header.
        max_samples (int): of all channels; more are refused from the header.

    Returns:
        tuple[ndarray, int]: float32 [S], or [S, channels] for null, and the samples a second.

    Raises:
        BadSample: D104, D140 to D142, D144 or D145.
        EnvironmentProblem: soundfile is not installed.
    """
    name = name or (source if not isinstance(source, bytes) else "<bytes>")
    with opened(source, name) as (file, header):
        first = round(start * header.rate)
        wanted = header.frames - first if seconds is None else round(seconds * header.rate)
        if wanted - (header.frames - first) <= TOLERANCE * header.rate:
            wanted = min(wanted, header.frames - first)
        if first < 0 or wanted < 1 or first + wanted > header.frames:
            part = f"{start:g} s to {start + (seconds or 0):g} s" if seconds is not None else f"{start:g} s to its end"
            raise bad_file("D141", name, f"holds {header.seconds:.3f} s, not those from {part}")
        if wanted > max_seconds * header.rate:
            message = f"{wanted / header.rate:.1f} s long, {max_seconds:g} s are allowed"
            raise bad_file("D145", name, message, fix="cut it, or raise max_seconds")
        if wanted * header.channels > max_samples:
            message = f"{wanted} samples of {header.channels} channels, {max_samples} are allowed together"
            raise bad_file("D145", name, message)
        values = read_frames(file, first, wanted, name, header)
    return (values if channel is None else within_scale(heard(values, channel, name), name)), header.rate


def heard(values, channel, name):
    """The samples [S] of one of [S, channels], or the mean of all; raises BadSample D144 where it is not there."""
    if channel == "mix":
        return values.mean(1)
    if channel >= values.shape[1]:
        raise bad_file("D144", name, f"has {values.shape[1]} channels, numbered from 0; channel {channel} is not there")
    return np.ascontiguousarray(values[:, channel])


def read_frames(file, first, wanted, name, header):
    """float32 [wanted, channels] of an opened file; raises BadSample D141 where it ends or breaks off before."""
    import soundfile

    try:
        if first:
            file.seek(first)
        values = file.read(wanted, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise bad_file("D141", name, f"damaged: {reason(error)}", fix="fetch it again, or leave it out") from None
    if len(values) < wanted:
        message = f"ends after {(first + len(values)) / header.rate:.3f} s; its header says {header.seconds:.3f} s"
        raise bad_file("D141", name, message, fix="fetch it again, or leave it out")
    return values


def within_scale(values, name):
    """The samples [S] cut off at -1 and 1; raises BadSample D142 where they are no such samples."""
    broken = ~np.isfinite(values)
    if broken.any():
        place = int(np.flatnonzero(broken)[0])
        raise bad_file("D142", name, f"{int(broken.sum())} samples are not finite numbers, the first is number {place}")
    loudest = float(np.abs(values).max(initial=0.0))
    if loudest > LOUDEST:
        fix = "divide the samples by the largest number of their type before saving floats"
        raise bad_file("D142", name, f"samples reach {loudest:g}; floats of a sound lie within -1 and 1", fix=fix)
    return np.clip(values, -1.0, 1.0)


@contextlib.contextmanager
def opened(source, name=None):
    """Around what is done with an opened sound: (SoundFile, Header); raises as :func:`read_header`."""
    soundfile = load_soundfile()
    name = name or (source if not isinstance(source, bytes) else "<bytes>")
    with open_bytes(source, name) as data:
        start = data.read(16)
        if not start:
            raise bad_file(
                "D140", name, "the file is empty (0 bytes)", fix="fetch it again, or remove it from the manifest"
            )
        refuse_short_wav(data, start, name)
        data.seek(0)
        try:
            file = soundfile.SoundFile(Forgiving(data))
        except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
            message = f"not a sound ({first_bytes(start)}): {reason(error)}"
            raise bad_file("D140", name, message, fix="formats read: WAV, FLAC, OGG, MP3, AIFF, AU") from None
        with file:
            header = Header(file.frames, file.samplerate, file.channels, file.format)
            if header.frames < 1:
                raise bad_file("D140", name, "the sound has no sample")
            if header.frames > MOST_FRAMES:
                fix = "write it to a file, not to a pipe: ffmpeg -i it.flac whole.flac"
                raise bad_file("D141", name, "its header does not say how long it is", fix=fix)
            if not RATES[0] <= header.rate <= RATES[1]:
                raise bad_file("D143", name, f"{header.rate} samples a second; {RATES[0]} to {RATES[1]} are read")
            if header.channels > MOST_CHANNELS:
                message = f"{header.channels} channels, at most {MOST_CHANNELS} are mixed down"
                raise bad_file("D144", name, message, fix="keep the channels that hold speech")
            yield file, header


class Forgiving:
    """A binary file in which a place before its beginning is its beginning.

    libsndfile asks for such places in damaged files; what Python raises then is printed, not raised, by soundfile.

    Args:
        file (BinaryIO): opened to read.
    """

    def __init__(self, file):
        self.file, self.tell, self.read, self.readinto = file, file.tell, file.read, file.readinto

    def seek(self, offset, whence=io.SEEK_SET):
        """Goes to a place; returns it."""
        before = {io.SEEK_SET: 0, io.SEEK_CUR: self.file.tell()}.get(whence)
        if before is None:
            before = self.file.seek(0, io.SEEK_END)
        return self.file.seek(max(0, before + offset))


def open_bytes(source, name):
    """A binary file of a path or of bytes; raises BadSample D104."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return open(source, "rb")
    except (OSError, ValueError) as error:
        raise unreadable_file(error, source, "a sound", name) from None


def refuse_short_wav(file, start, name):
    """Raises BadSample D141 where the data of a WAV are fewer than it says: libsndfile reads such a file silently."""
    if start[:4] not in (b"RIFF", b"RF64") or start[8:12] != b"WAVE":
        return
    end, place = file.seek(0, io.SEEK_END), 12
    while place + 8 <= end:
        file.seek(place)
        head = file.read(8)
        size = int.from_bytes(head[4:], "little")
        place += 8
        if head[:4] == b"data":
            if size not in UNKNOWN and size > end - place:
                message = f"ends early: {size} bytes of samples are announced, {end - place} are there"
                raise bad_file("D141", name, message, fix="fetch it again, or leave it out")
            return
        place += size + size % 2


def resample(audio, before, after):
    """The samples [S] at another rate, by soxr in its high quality; float32 [about S * after / before], within [-1, 1].

    Args:
        audio (ndarray): float32 [S].
        before (float): samples a second of `audio`.
        after (float): samples a second of the answer.

    Raises:
        EnvironmentProblem: soxr is not installed.
    """
    if before == after:
        return audio
    return np.clip(load_soxr().resample(audio, before, after), -1.0, 1.0).astype(np.float32, copy=False)


def load_soundfile():
    """The package soundfile."""
    try:
        import soundfile
    except (ImportError, OSError):
        raise EnvironmentProblem("sounds are read by the package soundfile: pip install soundfile") from None
    return soundfile


def load_soxr():
    """The package soxr."""
    try:
        import soxr
    except ImportError:
        raise EnvironmentProblem("rates are converted by the package soxr: pip install soxr") from None
    return soxr


def reason(error):
    """What libsndfile says, without its name for the file."""
    return str(getattr(error, "error_string", "") or error).strip().rstrip(".")[:120]
