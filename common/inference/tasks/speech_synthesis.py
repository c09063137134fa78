"""Speech synthesis: the sound of each text, which Griffin-Lim makes of the spectrogram that a model gives."""

import base64

import numpy as np

from common.audio.speech_spectra import SpeechSpectra, spectrum_to_audio, wav_bytes
from common.inference.task import Task


class SpeechSynthesis(Task):
    """Speaks each text.

    Args:
        rate (int): sample rate in Hz.
        n_fft (int): FFT size, with the following as in SpeechSpectra.
        stride (int): samples from frame to frame.
        preemphasis (float): coefficient of the emphasis, which is undone.
        min_db (float): level 0 of a spectrogram, relative to `ref_db`.
        ref_db (float): level 1, in decibels.
        power (float): sharpens the magnitudes.
        iterations (int): of Griffin-Lim.
    """

    input = "text"
    columns = {"seconds": "seconds", "rate": "rate", "complete": "complete", "wav": "wav"}
    writes = (".wav",)

    def __init__(
        self, rate=22050, n_fft=1024, stride=256, preemphasis=0.97, min_db=-100.0, ref_db=20.0, power=1.4,
        iterations=32,
    ):  # fmt: skip
        if rate < 1 or power <= 0 or iterations < 0:
            raise ValueError(
                f"rate is {rate}, power {power}, iterations {iterations}; allowed: from 1, above 0, from 0"
            )
        self.spectra = SpeechSpectra(n_fft=n_fft, stride=stride, preemphasis=preemphasis, min_db=min_db, ref_db=ref_db)
        self.rate, self.power, self.iterations = rate, power, iterations

    def records(self, outputs, samples, labels, threshold):
        """The sound of each text.

        Args:
            outputs (dict[str, ndarray]): `linear` float32 [N, T, K], levels from 0 to 1; `frames` int64 [N];
                `complete` bool [N], false where the model did not find the end.
            samples (list[dict]): of the batch.
            labels (list[str] | None): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each text one record: `seconds`, `rate` in Hz, `complete`, and `wav`, a WAV file of
                16 bits in base64.
        """
        rows = zip(outputs["linear"], outputs["frames"], outputs["complete"])
        return [[self.record(levels[: int(count)], complete)] for (levels, count, complete), _ in zip(rows, samples)]

    def record(self, levels, complete):
        """The record of levels float32 [T, K]."""
        audio = spectrum_to_audio(levels, self.spectra, self.power, self.iterations)
        wav = base64.b64encode(wav_bytes(audio, self.rate)).decode("ascii")
        seconds = round(len(audio) / self.rate, 3)
        return {"seconds": seconds, "rate": self.rate, "complete": bool(np.asarray(complete)), "wav": wav}

    def file_of(self, records):
        """The bytes of the WAV file of a text."""
        return base64.b64decode(records[0]["wav"])

    def line(self, sample, records):
        """The text and the duration of its sound; --out writes it."""
        if not records:
            return ""
        end = "" if records[0]["complete"] else ", cut off: the model did not find the end"
        return f"{sample.get('text_a', '')}: {records[0]['seconds']:.2f} s of speech{end}"
