"""The answer of a ranker: a probability for each row."""

import numpy as np

INPUT = "table"
THRESHOLD = 0.0  # of the score, unless told otherwise


def records(outputs, labels, threshold=THRESHOLD):
    """The probability of each row.

    Args:
        outputs (dict[str, ndarray]): `probability` [N].
        labels (list[str]): the one thing that is predicted.
        threshold (float): rows that score less get no record.

    Returns:
        list[list[dict]]: for each row `label` and `score`.
    """
    scores = np.asarray(outputs["probability"], np.float64).reshape(-1).tolist()
    name = str(labels[0]) if labels else "yes"
    return [[{"label": name, "score": round(score, 6)}] if score >= threshold else [] for score in scores]
