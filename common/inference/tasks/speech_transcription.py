"""Speech transcription: the text of each recording, by a model that writes tokens of windows of sound."""

import numpy as np

from common.inference.task import check_threshold
from common.inference.tasks.speech_recognition import SpeechRecognition
from common.text.byte_pairs import BytePairs

QUIET, UNSURE = 0.6, np.exp(-1.0)  # more silence and less probability of the text: nobody speaks (Whisper, section 4.5)
POWER_SECONDS = 0.2  # over which the loudness at a cut is measured


class SpeechTranscription(SpeechRecognition):
    """Speech transcription: the text of each window of a recording with its score.

    Args:
        tokenizer (str): a `tokenizer.json`, whose tokens the model writes; null for their numbers as text.
        seconds (float): of a window; a longer recording is cut.
        search (float): seconds before the end of a window in which the quietest place is the cut.
        threshold (float): texts that score less are left out.
    """

    files = ("tokenizer",)
    parts = ()
    columns = {"text": "text", "score": "score", "start": "start"}

    def __init__(self, tokenizer=None, seconds=30.0, search=5.0, threshold=0.0):
        if not 0 < search < seconds:
            raise ValueError(f"seconds is {seconds} and search {search}; search is above 0 and less than seconds")
        self.tokenizer, self.seconds, self.search = tokenizer, seconds, search
        self.pairs, self.threshold = BytePairs(tokenizer) if tokenizer else None, check_threshold(threshold)

    def beside(self, labels):
        """A row per window."""
        return 0

    def split(self, sample):
        """The windows of a recording, each with the `start` of its sound in seconds."""
        audio, rate, found, start = sample["audio"], sample["rate"], [], 0
        while True:
            size = self.window(audio[start:], rate)
            found.append(sample | {"audio": audio[start : start + size], "window_start": start / rate})
            start += size
            if start >= len(audio):
                return found

    def window(self, audio, rate):
        """The length of the next window of audio [S]: all of it, or up to the quietest place near its end."""
        size, search, wide = int(self.seconds * rate), int(self.search * rate), max(1, int(POWER_SECONDS * rate))
        if len(audio) <= size:
            return len(audio)
        power = np.convolve(np.square(audio[size - search : size].astype(np.float64)), np.ones(wide), "valid")
        return size - search + int(power.argmin()) + wide // 2 if len(power) <= search else size

    def text_of(self, numbers, labels):
        """The text of token numbers."""
        return self.pairs.decode(numbers).strip() if self.pairs else " ".join(str(int(number)) for number in numbers)

    def records(self, outputs, samples, labels, threshold):
        """The text of each window.

        Args:
            outputs (dict[str, ndarray]): `ids` int [N, U], tokens, those of the vocabulary are written; `score` [N];
                `no_speech` [N], the probability that nobody speaks.
            samples (list[dict]): with `window_start`, if they come from :meth:`split`.
            labels (list[str]): not used.
            threshold (float): texts that score less are left out.

        Returns:
            list[list[dict]]: for each window `text`, `score`, the geometric mean of the probabilities of the tokens,
                and `start`, seconds; nothing where nobody speaks.
        """
        found = []
        for k, (numbers, score, silence) in enumerate(
            zip(np.asarray(outputs["ids"]).tolist(), outputs["score"], outputs["no_speech"], strict=True)
        ):
            text, score = self.text_of(numbers, labels), float(score)
            spoken = text and score >= threshold and not (silence > QUIET and score < UNSURE)
            start = samples[k].get("window_start", 0.0) if k < len(samples) else 0.0
            found.append([{"text": text, "score": round(score, 4), "start": round(start, 3)}] if spoken else [])
        return found

    def line(self, sample, records):
        """The name of the recording, a tab, and the texts of its windows."""
        return f"{sample['name']}\t{' '.join(record['text'] for record in records)}"
