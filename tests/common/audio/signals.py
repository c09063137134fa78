"""Audio signals and files for tests."""

import wave

import numpy as np


def tone(frequency, rate, seconds=1.0, amplitude=0.5):
    """A sine, float32 [rate * seconds]."""
    time = np.arange(int(rate * seconds)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def wav(path, audio, rate):
    """Writes samples [S] or [S, channels] in [-1, 1] as 16-bit audio; returns the quantized samples."""
    samples = np.clip(np.round(np.asarray(audio) * 32768), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1] if samples.ndim == 2 else 1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return samples.astype(np.float32) / 32768
