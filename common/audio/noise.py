"""Puts recordings into noise and into rooms.

Shapes in this file:
    S samples of a recording, R of an impulse response.
"""

import json
from pathlib import Path

import numpy as np

from common.audio.augment import check_range
from common.audio.reading import decode_audio, read_header, resample
from common.data.transform import Transform
from common.errors import ConfigError, DataError, DataIssue
from common.files import read_lines

SOUNDS = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au"}
SIXTY_DB = np.log(1000.0)  # an amplitude falls to a thousandth


class AddNoise(Transform):
    """Adds a part of a recording of noise, drawn from a folder or a manifest.

    Args:
        noises (str): a folder, searched with those in it, or a manifest of JSON lines with `audio_filepath`.
        min_snr (float): least ratio of the powers of speech and noise, in decibels.
        max_snr (float): most.
        probability (float): of noise being added.
    """

    augments = True

    def __init__(self, noises, min_snr=0.0, max_snr=30.0, probability=1.0):
        check_range("min_snr", min_snr, "max_snr", max_snr)
        check_probability(probability)
        self.paths = sound_files(noises)
        self.min_snr, self.max_snr, self.probability = min_snr, max_snr, probability

    def __call__(self, sample, rng):
        if rng.random() < self.probability:
            path = self.paths[rng.integers(len(self.paths))]
            noise = part_of(path, len(sample["audio"]), sample["rate"], rng)
            sample["audio"] = mixed(sample["audio"], noise, rng.uniform(self.min_snr, self.max_snr))
        return sample


class AddWhiteNoise(Transform):
    """Adds noise of equal power at all frequencies.

    Args:
        min_snr (float): least ratio of the powers of speech and noise, in decibels.
        max_snr (float): most.
        probability (float): of noise being added.
    """

    augments = True

    def __init__(self, min_snr=10.0, max_snr=40.0, probability=1.0):
        check_range("min_snr", min_snr, "max_snr", max_snr)
        check_probability(probability)
        self.min_snr, self.max_snr, self.probability = min_snr, max_snr, probability

    def __call__(self, sample, rng):
        if rng.random() < self.probability:
            noise = rng.standard_normal(len(sample["audio"]), np.float32)
            sample["audio"] = mixed(sample["audio"], noise, rng.uniform(self.min_snr, self.max_snr))
        return sample


class Reverberate(Transform):
    """Puts a recording into a room, by an impulse response drawn from a folder or a manifest.

    Args:
        impulses (str): a folder, searched with those in it, or a manifest of JSON lines with `audio_filepath`.
        probability (float): of a recording being put into one.
    """

    augments = True

    def __init__(self, impulses, probability=1.0):
        check_probability(probability)
        self.paths, self.probability = sound_files(impulses), probability

    def __call__(self, sample, rng):
        if rng.random() < self.probability:
            impulse, rate = decode_audio(self.paths[rng.integers(len(self.paths))])
            sample["audio"] = reverberated(sample["audio"], resample(impulse, rate, sample["rate"]))
        return sample


class ReverberateSynthetic(Transform):
    """Puts a recording into a made-up room: a direct sound, and noise behind it that decays exponentially.

    Args:
        min_t60 (float): least time in seconds in which the reverberation falls by 60 decibels.
        max_t60 (float): most.
        min_direct_db (float): least ratio of the energies of the direct sound and the reverberation, in decibels.
        max_direct_db (float): most.
        probability (float): of a recording being put into one.
    """

    augments = True

    def __init__(self, min_t60=0.1, max_t60=0.6, min_direct_db=0.0, max_direct_db=15.0, probability=1.0):
        check_range("min_t60", min_t60, "max_t60", max_t60)
        check_range("min_direct_db", min_direct_db, "max_direct_db", max_direct_db)
        check_probability(probability)
        if min_t60 <= 0:
            raise ConfigError(f"min_t60 is {min_t60}; it is more than 0")
        self.min_t60, self.max_t60 = min_t60, max_t60
        self.min_direct_db, self.max_direct_db, self.probability = min_direct_db, max_direct_db, probability

    def __call__(self, sample, rng):
        if rng.random() < self.probability:
            t60, direct = rng.uniform(self.min_t60, self.max_t60), rng.uniform(self.min_direct_db, self.max_direct_db)
            noise = rng.standard_normal(max(1, int(t60 * sample["rate"])))
            sample["audio"] = reverberated(sample["audio"], decaying(noise, t60, direct, sample["rate"]))
        return sample


def mixed(audio, noise, snr):
    """Speech [S] and noise [S] together, where the power of the first is `snr` decibels above that of the second.

    A sum beyond full scale is scaled down to it, which leaves the ratio. Where either is silent the speech stays.
    """
    powers = [float(np.mean(np.square(sound, dtype=np.float64))) for sound in (audio, noise)]
    if not all(powers):
        return audio
    return fitted(audio + np.float32(np.sqrt(powers[0] / powers[1]) * 10 ** (-snr / 20)) * noise)


def reverberated(audio, impulse):
    """The convolution of speech [S] with an impulse response [R], float32 [S], at the power it had.

    Its loudest sample is taken as the direct sound, which stays where it is in time.
    """
    audio, direct = audio.astype(np.float64), int(np.abs(impulse).argmax())
    size = 1 << (len(audio) + len(impulse) - 2).bit_length()
    wet = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(impulse, size), size)[direct : direct + len(audio)]
    power = np.mean(wet**2)
    if power == 0:
        return audio.astype(np.float32)
    return fitted((wet * np.sqrt(np.mean(audio**2) / power)).astype(np.float32))


def decaying(noise, t60, direct_db, rate):
    """An impulse response [R + 1]: 1, then noise [R] whose amplitude falls to a thousandth in `t60` seconds.

    The energy of the first is `direct_db` decibels above that of the rest.
    """
    tail = noise * np.exp(-SIXTY_DB * np.arange(1, len(noise) + 1) / (t60 * rate))
    energy = float(np.sum(tail**2))
    return np.concatenate([[1.0], tail * np.sqrt(10 ** (-direct_db / 10) / energy) if energy else tail])


def fitted(audio):
    """The samples, scaled down where they go beyond full scale."""
    loudest = float(np.abs(audio).max(initial=0.0))
    return audio / np.float32(loudest) if loudest > 1 else audio


def part_of(path, count, rate, rng):
    """`count` samples of a sound at a rate, from a random place on; a short one is repeated."""
    header = read_header(path)
    wanted = count / rate
    if header.seconds <= wanted + 0.1:
        audio, found = decode_audio(path)
        audio = resample(audio, found, rate)
        return np.resize(np.roll(audio, -int(rng.integers(len(audio)))), count)
    start = rng.uniform(0, header.seconds - wanted - 0.1)
    audio, found = decode_audio(path, start=start, seconds=wanted + 0.05)
    return resample(audio, found, rate)[:count]


def sound_files(place):
    """The sounds of a folder, in order, or those that a manifest names (list of paths).

    Raises:
        DataError: there is none, or a line of the manifest names none.
    """
    place = Path(place)
    if place.is_dir():
        found = sorted(str(path) for path in place.rglob("*") if path.suffix.lower() in SOUNDS)
    else:
        found = [listed_sound(line, number, place) for number, line in enumerate(read_lines(place), 1) if line.strip()]
    if not found:
        raise DataError(str(DataIssue("D117", "error", str(place), f"no sound ({', '.join(sorted(SOUNDS))})")))
    return found


def listed_sound(line, number, manifest):
    """The path that a line of a manifest names."""
    try:
        return str(manifest.parent / json.loads(line)["audio_filepath"])
    except (ValueError, KeyError, TypeError):
        message = 'not an object with "audio_filepath"'
        raise DataError(str(DataIssue("D118", "error", str(manifest), message, f"line {number}", line[:60]))) from None


def check_probability(value):
    """Refuses what is no probability."""
    if not 0 <= value <= 1:
        raise ConfigError(f"probability is {value}; it is 0 to 1")
