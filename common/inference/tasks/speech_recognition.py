"""Speech recognition: the text of each recording, along the best path or by beam search."""

import functools

import numpy as np

from common.audio.ctc_beam_search import BeamSearch, CharacterScorer, IncrementalBeam, WordScorer
from common.audio.language_model import BEGIN, END, UNKNOWN, NgramModel
from common.errors import DataError
from common.inference.task import Task, check_threshold
from common.text.characters import labels_to_text, token_text

LEAST_KNOWN = 0.5  # share of the alphabet that a language model and the speech model must have in common
SCORERS = {"word": WordScorer, "character": CharacterScorer}


class SpeechRecognition(Task):
    """Speech recognition: the text of each recording with its score.

    Args:
        decoder (BeamSearch): how log probabilities become a text; null takes the best path.
        threshold (float): texts that score less are left out.
    """

    input = "audio"
    parts = (BeamSearch,)
    columns = {"text": "text", "score": "score"}

    def __init__(self, decoder=None, threshold=0.0):
        self.decoder = decoder if decoder is not None and decoder.beam_size else None
        self.threshold = check_threshold(threshold)

    def beside(self, labels):
        """The one record of a sample is in its row."""
        return 1

    def records(self, outputs, samples, labels, threshold):
        """The text of each recording.

        Args:
            outputs (dict[str, ndarray]): `ids` int [N, U], the numbers of the characters filled with 0, the blank, and
                `score` float32 [N]; for a beam search `log_probs` float32 [N, T, C] and `length` int [N].
            samples (list[dict]): not used.
            labels (list[str]): the blank and the characters, in the order of their numbers.
            threshold (float): texts that score less are left out.

        Returns:
            list[list[dict]]: for each recording `text` and `score`, the geometric mean over the frames of the
                probability of the best path, or of the text that a beam search found.
        """
        scores = np.asarray(outputs["score"], np.float64).reshape(-1).tolist()
        if self.decoder is None:
            texts = [labels_to_text(row, labels) for row in np.asarray(outputs["ids"]).tolist()]
            found = zip(texts, scores, strict=True)
        else:
            frames = [rows[: int(n)] for rows, n in zip(np.asarray(outputs["log_probs"]), outputs["length"])]
            found = [search(rows, labels, self.decoder) for rows in frames]
        return [[{"text": text, "score": round(score, 4)}] if score >= threshold else [] for text, score in found]

    def text_of(self, numbers, labels):
        """The text of label ids, such as those of a reference."""
        return labels_to_text(numbers, labels)

    def line(self, sample, records):
        """The name of the recording, a tab, and its text."""
        return f"{sample['name']}\t{records[0]['text'] if records else ''}"


def search(log_probs, labels, decoder):
    """(text, score) of log probabilities float [T, C].

    Args:
        log_probs (ndarray): of one recording.
        labels (list[str]): the blank and the characters.
        decoder (BeamSearch): the settings.
    """
    beam = beam_of(decoder, labels)
    beam.feed(log_probs)
    tokens, _, acoustic = beam.texts()[0]
    return " ".join(labels_to_text(tokens, labels).split()), float(np.exp(acoustic / len(log_probs)))


def beam_of(decoder, labels):
    """A beam before the first frame; a language model is read once.

    Args:
        decoder (BeamSearch): the settings.
        labels (list[str]): the blank and the characters.
    """
    tokens = tuple(token_text(label) for label in labels)
    model = language_model(decoder.lm, decoder.unit, tokens) if decoder.lm else None
    scorer = SCORERS[decoder.unit](model, tokens, decoder.alpha, decoder.beta)
    return IncrementalBeam(scorer, decoder.beam_size, decoder.cutoff, decoder.most)


@functools.lru_cache(maxsize=4)
def language_model(path, unit, tokens):
    """The model of an ARPA file for a decoder of these units over these tokens (tuple[str], the blank first).

    Raises:
        DataError: it is malformed, or of another alphabet: it would penalize every hypothesis alike.
    """
    model, known = NgramModel(path), set(tokens[1:])
    words = [gram[0] for gram in model.grams if len(gram) == 1 and gram[0] not in (BEGIN, END, UNKNOWN)]
    if unit == "character":
        asked, what = [token for token in known if token.strip()], "characters of the speech model"
        found = [token for token in asked if model.known(token)]
    else:
        asked, what = words, "words of the language model can be spelled with the characters of the speech model"
        found = [word for word in asked if known.issuperset(word)]
    if len(found) < LEAST_KNOWN * len(asked):
        raise DataError(
            f"error[D122] {path}: of another alphabet than the model: {len(found)} of {len(asked)} {what}"
            + (" are in it" if unit == "character" else "")
            + f"\n  fix: a language model of the same texts, or another unit than '{unit}'"
        )
    return model
