"""Text classification: the best classes of a text, or of a pair of texts, as records."""

import numpy as np

from common.inference.labels import best_classes
from common.inference.task import Task, check_decision, check_threshold


class TextClassification(Task):
    """Text classification: the best classes of each text or pair of texts.

    Args:
        n_best (int): classes of a text at most.
        threshold (float): classes that score less are left out; the best one stays.
        decision (float): of two classes, the score from which the second one is the answer, such as the threshold of
            maximum F1 that `tools/eval.py` prints; the class that scores higher when None.
        column (str): column of the text in tables of a user, such as the one that `tools/prepare.py` was given.
    """

    input = "text"
    columns = {"label": "label", "score": "score", "category_id": "category_id"}

    def __init__(self, n_best=5, threshold=0.5, decision=None, column=None):
        if n_best < 1:
            raise ValueError(f"n_best is {n_best}; allowed: 1 or more")
        self.n_best, self.threshold, self.column = n_best, check_threshold(threshold), column
        self.decision = check_decision(decision)
        self.exclusive = decision is None  # with a decision, the class that scores less may come first

    def read_line(self, line):
        """The sample of one line of input: a text, or two with a tab between."""
        first, tab, second = line.partition("\t")
        return {"text_a": first, "text_b": second} if tab else {"text_a": line}

    def beside(self, labels):
        """All classes of a sample are in its row, the best first."""
        return self.n_best

    def records(self, outputs, samples, labels, threshold):
        """The best classes of each text, the best first.

        Args:
            outputs (dict[str, ndarray]): `scores` float32 [N, C], probabilities.
            samples (list[dict]): not used.
            labels (list[str]): class names.
            threshold (float): classes but the best one that score less are left out.

        Returns:
            list[list[dict]]: for each text `label`, `category_id` (the number of the class), `score`.
        """
        rows = np.asarray(outputs["scores"], np.float64)
        return [best_classes(row, labels, self.n_best, threshold, True, self.decision) for row in rows]

    def line(self, sample, records):
        """The best class, its probability and the text, with tabs between; an empty line for an empty text."""
        if not records:
            return ""
        texts = [sample[key] for key in ("text_a", "text_b") if key in sample]
        return "\t".join([records[0]["label"], f"{records[0]['score']:.4f}", *texts])
