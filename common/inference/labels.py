"""Class names and class scores as records, shared by the tasks that predict classes."""

import numpy as np

from common.errors import ConfigError


def label_of(number, labels):
    """The name of a class; a number beyond the names is named by itself."""
    return str(labels[number]) if number < len(labels) else str(number)


def best_classes(scores, labels, n_best, threshold, keep_best=False, decision=None):
    """The records of one sample's class scores, the answer first; of equal scores the lower number comes first.

    Args:
        scores (ndarray): float [C]; classes whose score is not finite are left out.
        labels (list[str]): class names.
        n_best (int): records at most.
        threshold (float): classes that score less are left out.
        keep_best (bool): whether the best class stays however little it scores.
        decision (float | None): score from which the second of two classes is the answer, which stays; None: the class
            that scores higher.

    Returns:
        list[dict]: `label`, `category_id` (the number of the class, its place in `labels` from 0), `score`.

    Raises:
        ConfigError: there is a `decision`, and there are not two classes.
    """
    order = np.argsort(-scores, kind="stable")
    if decision is not None:
        if len(scores) != 2:
            raise ConfigError(f"postprocess.decision is for two classes; this model has {len(scores)}")
        order, keep_best = np.array([1, 0] if scores[1] >= decision else [0, 1]), True
    order = [k for k in order[:n_best].tolist() if np.isfinite(scores[k])]
    kept = [k for place, k in enumerate(order) if scores[k] >= threshold or (keep_best and place == 0)]
    return [{"label": label_of(k, labels), "category_id": k, "score": round(float(scores[k]), 4)} for k in kept]
