"""The answer of a matcher: the best items of all for each row."""

import numpy as np

INPUT = "table"
THRESHOLD = 0.0  # of the score, unless told otherwise


def records(outputs, labels, threshold=THRESHOLD):
    """The best items of each row, best first.

    Args:
        outputs (dict[str, ndarray]): `items` int64 [N, K], `scores` [N, K].
        labels (list[str]): not used; items go by their numbers.
        threshold (float): not used; scores of different models have no common scale.

    Returns:
        list[list[dict]]: for each row its items, `label` (the number as text), `item` and `score`.
    """
    items, scores = np.asarray(outputs["items"]), np.asarray(outputs["scores"], np.float64)
    return [
        [{"label": str(item), "item": item, "score": round(score, 6)} for item, score in zip(row, values)]
        for row, values in zip(items.tolist(), scores.tolist())
    ]
