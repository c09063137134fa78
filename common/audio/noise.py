"""Additive noise and reverberation augmentation.

Shapes in this file:
    S samples of a recording, R samples of an impulse response.
"""

import json
from pathlib import Path

import numpy as np

from common.audio.augment import check_order
from common.audio.reading import decode_audio, read_header, resample
from common.data.transform import Transform
from common.errors import ConfigError, DataError, DataIssue
from common.files import read_lines

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au"}
SIXTY_DB = np.log(1000.0)  # 60 dB as a natural logarithm of the amplitude ratio


class AddNoise(Transform):
    """Adds a random segment of a noise recording from a folder or a manifest.

    Args:
        noises (str): a folder, searched recursively, or a manifest of JSON lines with `audio_filepath`.
        min_snr (float): minimum signal-to-noise ratio in decibels.
        max_snr (float): maximum signal-to-noise ratio in decibels.
        probability (float): probability of adding noise.
    """

    augments = True

    def __init__(self, noises, min_snr=0.0, max_snr=30.0, probability=1.0):
        check_order("min_snr", min_snr, "max_snr", max_snr)
        check_probability(probability)
        self.paths = list_audio_files(noises)
        self.min_snr, self.max_snr, self.probability = min_snr, max_snr, probability

    def __call__(self, sample, rng):
        if rng.random() < self.probability:
            path = self.paths[rng.integers(len(self.paths))]
            noise = random_segment(path, len(sample["audio"]), sample["rate"], rng)
            sample["audio"] = mix_at_snr(sample["audio"], noise, rng.uniform(self.min_snr, self.max_snr))
        return sample


class AddWhiteNoise(Transform):
    """Adds white noise.

    Args:
        min_snr (float): minimum signal-to-noise ratio in decibels.
        max_snr (float): maximum signal-to-noise ratio in decibels.
        probability (float): probability of adding noise.
    """

    augments = True

    def __init__(self, min_snr=10.0, max_snr=40.0, probability=1.0):
        check_order("min_snr", min_snr, "max_snr", max_snr)
        check_probability(probability)
        self.min_snr, self.max_snr, self.probability = min_snr, max_snr, probability

    def __call__(self, sample, rng):
        if rng.random() < self.probability:
            noise = rng.standard_normal(len(sample["audio"]), np.float32)
            sample["audio"] = mix_at_snr(sample["audio"], noise, rng.uniform(self.min_snr, self.max_snr))
        return sample


class Reverberate(Transform):
    """Reverberation with a room impulse response from a folder or a manifest.

    Args:
        impulses (str): a folder, searched recursively, or a manifest of JSON lines with `audio_filepath`.
        probability (float): probability of applying it.
    """

    augments = True

    def __init__(self, impulses, probability=1.0):
        check_probability(probability)
        self.paths, self.probability = list_audio_files(impulses), probability

    def __call__(self, sample, rng):
        if rng.random() < self.probability:
            impulse, rate = decode_audio(self.paths[rng.integers(len(self.paths))])
            sample["audio"] = convolve_impulse(sample["audio"], resample(impulse, rate, sample["rate"]))
        return sample


class ReverberateSynthetic(Transform):
    """Reverberation with a synthetic room impulse response: direct sound and exponentially decaying noise.

    Args:
        min_t60 (float): minimum reverberation time (T60) in seconds.
        max_t60 (float): maximum reverberation time in seconds.
        min_direct_db (float): minimum direct-to-reverberant energy ratio in decibels.
        max_direct_db (float): maximum direct-to-reverberant energy ratio in decibels.
        probability (float): probability of applying it.
    """

    augments = True

    def __init__(self, min_t60=0.1, max_t60=0.6, min_direct_db=0.0, max_direct_db=15.0, probability=1.0):
        check_order("min_t60", min_t60, "max_t60", max_t60)
        check_order("min_direct_db", min_direct_db, "max_direct_db", max_direct_db)
        check_probability(probability)
        if min_t60 <= 0:
            raise ConfigError(f"min_t60 is {min_t60}; it must be above 0")
        self.min_t60, self.max_t60 = min_t60, max_t60
        self.min_direct_db, self.max_direct_db, self.probability = min_direct_db, max_direct_db, probability

    def __call__(self, sample, rng):
        if rng.random() < self.probability:
            t60, direct = rng.uniform(self.min_t60, self.max_t60), rng.uniform(self.min_direct_db, self.max_direct_db)
            noise = rng.standard_normal(max(1, int(t60 * sample["rate"])))
            sample["audio"] = convolve_impulse(sample["audio"], synthesize_impulse(noise, t60, direct, sample["rate"]))
        return sample


def mix_at_snr(audio, noise, snr):
    """Mixes speech [S] and noise [S] at a signal-to-noise ratio in decibels.

    A sum beyond full scale is scaled down, which preserves the ratio. If either is silent, the speech is returned.
    """
    powers = [float(np.mean(np.square(signal, dtype=np.float64))) for signal in (audio, noise)]
    if not all(powers):
        return audio
    return scale_to_range(audio + np.float32(np.sqrt(powers[0] / powers[1]) * 10 ** (-snr / 20)) * noise)


def convolve_impulse(audio, impulse):
    """Convolves speech [S] with an impulse response [R] and restores its power; float32 [S].

    The loudest sample of the response is the direct sound, whose delay is removed.
    """
    audio, direct = audio.astype(np.float64), int(np.abs(impulse).argmax())
    size = 1 << (len(audio) + len(impulse) - 2).bit_length()
    wet = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(impulse, size), size)[direct : direct + len(audio)]
    power = np.mean(wet**2)
    if power == 0:
        return audio.astype(np.float32)
    return scale_to_range((wet * np.sqrt(np.mean(audio**2) / power)).astype(np.float32))


def synthesize_impulse(noise, t60, direct_db, rate):
    """A synthetic impulse response [R + 1]: 1, followed by noise [R] that decays by 60 dB in `t60` seconds.

    `direct_db` is the direct-to-reverberant energy ratio in decibels.
    """
    tail = noise * np.exp(-SIXTY_DB * np.arange(1, len(noise) + 1) / (t60 * rate))
    energy = float(np.sum(tail**2))
    return np.concatenate([[1.0], tail * np.sqrt(10 ** (-direct_db / 10) / energy) if energy else tail])


def scale_to_range(audio):
    """Scales audio down to full scale if it exceeds it."""
    loudest = float(np.abs(audio).max(initial=0.0))
    return audio / np.float32(loudest) if loudest > 1 else audio


def random_segment(path, count, rate, rng):
    """A random segment of `count` samples of a file at a sample rate; a short file is repeated."""
    header = read_header(path)
    wanted = count / rate
    if header.seconds <= wanted + 0.1:
        audio, found = decode_audio(path)
        audio = resample(audio, found, rate)
        return np.resize(np.roll(audio, -int(rng.integers(len(audio)))), count)
    start = rng.uniform(0, header.seconds - wanted - 0.1)
    audio, found = decode_audio(path, start=start, seconds=wanted + 0.05)
    return resample(audio, found, rate)[:count]


def list_audio_files(place):
    """The audio files of a folder, sorted, or those of a manifest (list of paths).

    Raises:
        DataError: there are no audio files, or a line of the manifest is malformed.
    """
    place = Path(place)
    if place.is_dir():
        found = sorted(str(path) for path in place.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    else:
        found = [manifest_path(line, number, place) for number, line in enumerate(read_lines(place), 1) if line.strip()]
    if not found:
        message = f"no audio files ({', '.join(sorted(AUDIO_SUFFIXES))})"
        raise DataError(str(DataIssue("D117", "error", str(place), message)))
    return found


def manifest_path(line, number, manifest):
    """The path in a line of a manifest."""
    try:
        return str(manifest.parent / json.loads(line)["audio_filepath"])
    except (ValueError, KeyError, TypeError):
        message = 'not an object with "audio_filepath"'
        raise DataError(str(DataIssue("D118", "error", str(manifest), message, f"line {number}", line[:60]))) from None


def check_probability(value):
    """Refuses a value outside [0, 1]."""
    if not 0 <= value <= 1:
        raise ConfigError(f"probability is {value}; it must be 0 to 1")
