"""The answer of an exported classifier as records, and pictures with the names of their classes."""

import numpy as np

from common.inference.tasks.detection import colour_of, draw_name

INPUT = "picture"
THRESHOLD = 0.0  # of the score, unless told otherwise
MOST = 5  # classes of one picture
LEGIBLE = 224  # pixels of the side from which names can be read


def records(outputs, labels, threshold=THRESHOLD):
    """The best classes of each picture, at most five, the best first.

    Args:
        outputs (dict[str, ndarray]): `scores` [N, C].
        labels (list[str]): class names; a number beyond them is named by itself.
        threshold (float): classes that score less are left out.

    Returns:
        list[list[dict]]: for each picture `label`, `category_id` (the class number), `score`.
    """
    return [records_of(row, labels, threshold) for row in np.asarray(outputs["scores"], np.float64)]


def records_of(scores, labels, threshold):
    """The records of one picture's scores [C]; of equal scores the lower number comes first."""
    best = np.argsort(-scores, kind="stable")[:MOST]
    return [
        {
            "label": str(labels[number]) if number < len(labels) else str(number),
            "category_id": int(number),
            "score": round(float(scores[number]), 4),
        }
        for number in best
        if np.isfinite(scores[number]) and scores[number] >= threshold
    ]


def draw(image, records):
    """A copy of the picture with names and scores one below the other, small pictures enlarged.

    Args:
        image (ndarray): RGB uint8 [H, W, 3].
        records (list[dict]): of this picture.

    Returns:
        ndarray: RGB uint8 [H, W, 3].
    """
    scale = max(1, -(-LEGIBLE // max(image.shape[:2])))
    image = np.ascontiguousarray(image.repeat(scale, 0).repeat(scale, 1))
    size = max(11, round(max(image.shape[:2]) / 25))
    for row, item in enumerate(records):
        corner = (2, 2 + round((row + 1) * 1.6 * size))
        draw_name(image, f"{item['label']}: {item['score']:.2f}", corner, colour_of(item["category_id"]), size)
    return image
