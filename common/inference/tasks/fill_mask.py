"""Filling of hidden words: what may stand where a text has [MASK]."""

import numpy as np

from common.errors import DataError
from common.inference.task import Task
from common.text.vocabulary import Vocabulary


class FillMask(Task):
    """The most probable tokens of each hidden place of a text.

    Args:
        vocab (str): the vocabulary file of the pieces.
        n_best (int): tokens of a place at most.
        mask (str): what hides a token.
    """

    input = "text"
    files = ("vocab",)
    columns = {"place": "place", "token": "token", "score": "score"}

    def __init__(self, vocab, n_best=5, mask="[MASK]"):
        if n_best < 1:
            raise ValueError(f"n_best is {n_best}; allowed: 1 or more")
        self.vocabulary, self.n_best, self.mask = Vocabulary(vocab), n_best, mask
        (self.hidden,) = self.vocabulary.need(mask)

    def read_line(self, line):
        """The sample of one line of input: a text, or two with a tab between.

        Raises:
            DataError: nothing is hidden.
        """
        if self.mask not in line:
            raise DataError(f"the text has no {self.mask}, the place that is to be filled")
        first, tab, second = line.partition("\t")
        return {"text_a": first, "text_b": second} if tab else {"text_a": line}

    def synthetic(self, inputs):
        """A text with one hidden word."""
        return {"text_a": self.mask}

    def records(self, outputs, samples, labels, threshold):
        """The tokens that fill each text.

        Args:
            outputs (dict[str, ndarray]): `ids` int64 [N, T, n] and `scores` float32 [N, T, n] of every token.
            samples (list[dict]): as the transforms left them, with `input_ids` and `length`.
            labels (list[str] | None): not used.
            threshold (float): tokens that score less are left out.

        Returns:
            list[list[dict]]: for each text the tokens of each hidden place, the places in order and the best token of
                each first: `place` (0 for the first hidden one), `token`, `score` (probability).
        """
        found = []
        for number, sample in enumerate(samples):
            ids = np.asarray(sample["input_ids"])[: int(sample["length"])]
            records = []
            for place, at in enumerate(np.flatnonzero(ids == self.hidden)):
                rows = list(zip(outputs["ids"][number][at], outputs["scores"][number][at], strict=True))[: self.n_best]
                records += [
                    {"place": place, "token": self.vocabulary.tokens[int(token)], "score": round(float(score), 4)}
                    for token, score in rows
                    if score >= threshold
                ]
            found.append(records)
        return found

    def line(self, sample, records):
        """The text with its places filled by the best tokens, then the tokens of each place with probabilities."""
        best, listed = {}, {}
        for record in records:
            best.setdefault(record["place"], record["token"])
            listed.setdefault(record["place"], []).append(f"{record['token']} {record['score']:.3f}")
        texts, place = [], 0
        for key in ("text_a", "text_b"):
            parts = sample[key].split(self.mask) if key in sample else []
            text = parts[0] if parts else ""
            for part in parts[1:]:
                token = best.get(place, self.mask)
                text = text.rstrip() + token[2:] if token.startswith("##") else text + token
                text, place = text + part, place + 1
            texts += [text] if parts else []
        return "\t".join([*texts, *(", ".join(tokens) for tokens in listed.values())])
