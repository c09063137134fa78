"""Writes librosa.npz, what librosa 0.11.0 makes of a sound; run it where that is installed: python make_librosa.py"""

import pathlib

import librosa
import numpy as np

RATE = 8000
HERE = pathlib.Path(__file__).parent


def sound():
    """A gliding tone in noise, float32 [4000]."""
    time = np.arange(4000) / RATE
    noise = np.random.default_rng(0).standard_normal(4000)
    return (0.3 * np.sin(2 * np.pi * (200 + 1500 * time) * time) + 0.02 * noise).astype(np.float32)


if __name__ == "__main__":
    audio = sound()
    sizes = {"n_fft": 256, "hop_length": 100}
    spectrum = np.abs(librosa.stft(audio.astype(np.float64), win_length=200, **sizes)) ** 2
    mel = {
        name: librosa.feature.melspectrogram(
            y=audio, sr=RATE, n_mels=24, fmin=50, win_length=200, htk=name == "htk", norm=norm, **sizes
        ).T
        for name, norm in (("slaney", "slaney"), ("htk", None))
    }
    mfcc = librosa.feature.mfcc(y=audio, sr=RATE, n_mfcc=13, n_mels=24, win_length=200, **sizes).T
    arrays = {
        "audio": audio,
        "stft_power": spectrum.T,
        "mel_slaney": mel["slaney"],
        "mel_htk": mel["htk"],
        "mfcc": mfcc,
    }
    np.savez_compressed(HERE / "librosa.npz", **{name: value.astype(np.float32) for name, value in arrays.items()})
