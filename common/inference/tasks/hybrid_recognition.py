"""Speech recognition by the states of a hidden Markov model: Viterbi decoding of log probabilities of states."""

import numpy as np

from common.audio.word_decoder import WordDecoder, read_priors
from common.inference.task import check_threshold
from common.inference.tasks.speech_recognition import SpeechRecognition


class HybridRecognition(SpeechRecognition):
    """Hybrid speech recognition: the words of each recording with a score.

    Args:
        lexicon (str): `WORD STATE STATE ...` a line; null writes the best state of each frame, repetitions once.
        priors (str): counts of the frames of each state in the training data; null for equal priors.
        lm (str): a language model of words (ARPA), of which bigrams are used at most.
        scale (float): weight of the acoustic scores.
        alpha (float): weight of the language model.
        beta (float): added for each word.
        threshold (float): texts that score less are left out.
    """

    files = ("lexicon", "priors", "lm")
    parts = ()

    def __init__(self, lexicon=None, priors=None, lm=None, scale=1.0, alpha=1.0, beta=0.0, threshold=0.0):
        if not scale > 0:
            raise ValueError(f"scale is {scale}; it must be above 0")
        self.lexicon, self.lm, self.scale, self.alpha, self.beta = lexicon, lm, scale, alpha, beta
        self.priors, self.threshold = read_priors(priors) if priors else None, check_threshold(threshold)
        self.decoder = self.labels = None

    def records(self, outputs, samples, labels, threshold):
        """The text of each recording.

        Args:
            outputs (dict[str, ndarray]): `log_probs` float32 [N, T, C] and `length` int [N].
            samples (list[dict]): not used.
            labels (list[str] | None): names of the states; None for their numbers.
            threshold (float): texts that score less are left out.

        Returns:
            list[list[dict]]: for each recording `text` and `score`, the geometric mean over the frames of the
                probabilities of the states of the best path.
        """
        found = []
        for rows, length in zip(np.asarray(outputs["log_probs"]), outputs["length"], strict=True):
            text, score = self.text_and_score(rows[: int(length)], labels)
            found.append([{"text": text, "score": round(score, 4)}] if score >= threshold else [])
        return found

    def text_and_score(self, log_probs, labels):
        """The text of log probabilities float [T, C], and its score."""
        if self.lexicon is None:
            best = log_probs.argmax(1)
            changes = np.flatnonzero(np.diff(best, prepend=-1))
            text = " ".join(labels[k] if labels else str(k) for k in best[changes].tolist())
            return text, float(np.exp(log_probs.max(1).astype(np.float64).mean()))
        if self.decoder is None or self.labels != labels:
            self.labels = labels
            self.decoder = WordDecoder(self.lexicon, labels, self.lm, self.alpha, self.beta)
        words, score = self.decoder.decode(log_probs, self.priors, self.scale)
        return " ".join(words), score
