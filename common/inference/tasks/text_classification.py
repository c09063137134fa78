"""The class of a text, or of a pair of texts, as records."""

import numpy as np

INPUT, THRESHOLD = "text", 0.5
MOST = 5


def read_line(line):
    """The sample of one line of input: a text, or two with a tab between."""
    first, tab, second = line.partition("\t")
    return {"text_a": first, "text_b": second} if tab else {"text_a": line}


def made_up():
    """A text for models whose data are not here."""
    return {"path": "made-up", "text_a": "the quick brown fox 敏捷的棕色狐狸"}


def records(outputs, labels, threshold=THRESHOLD, samples=()):
    """The best classes of each text, best first.

    Args:
        outputs (dict[str, ndarray]): `scores` float32 [N, C], probabilities.
        labels (list[str]): class names.
        threshold (float): classes but the best one that score less are left out.
        samples (list[dict]): not used.

    Returns:
        list[list[dict]]: for each text up to five of `label`, `category_id` (the class number), `score`.
    """
    found = []
    for row in np.asarray(outputs["scores"], np.float64):
        order = np.argsort(-row, kind="stable")[:MOST].tolist()
        kept = order[:1] + [k for k in order[1:] if row[k] >= threshold]
        found.append([{"label": str(labels[k]), "category_id": k, "score": round(row[k], 4)} for k in kept])
    return found


def line(sample, records):
    """The best class, its probability and the text, with tabs between; an empty line for an empty text."""
    if not records:
        return ""
    texts = [sample[key] for key in ("text_a", "text_b") if key in sample]
    return "\t".join([records[0]["label"], f"{records[0]['score']:.4f}", *texts])
