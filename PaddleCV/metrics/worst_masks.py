"""The samples of segmentation with the lowest scores, and drawings of them for the report of an evaluation.

Shapes in this file:
    H x W pixels of the input of the network, C classes.
"""

import numpy as np

IGNORED = 255
OPACITY = 0.55
PANEL, LETTERS = (320, 640), 14  # least and largest width of a panel, and height of letters in pixels
WRONG = (255, 0, 0)


class WorstMasks:
    """Keeps the samples with the lowest scores.

    Args:
        labels (list[str]): class names.
        count (int): how many samples are kept.
    """

    def __init__(self, labels, count=12):
        self.labels, self.count, self.kept = labels, count, []

    def add(self, score, name, image, truth, found):
        """Keeps a sample if its score is among the lowest.

        Args:
            score (float): of the sample.
            name (str): of the sample, such as its path.
            image (ndarray): float [D, H, W], as the network is given it.
            truth (ndarray): int [H, W]; 255 is ignored.
            found (ndarray): int [H, W], the predicted classes.
        """
        if len(self.kept) < self.count or score < self.kept[-1][0]:
            self.kept.append((score, name, as_pixels(image), np.uint8(truth), np.uint8(found)))
            self.kept = sorted(self.kept, key=lambda sample: sample[0])[: self.count]

    def samples(self):
        """The samples from the lowest score on (list[dict]): `score`, `name`, `drawing` RGB uint8 [h, w, 3]."""
        return [
            {"score": score, "name": name, "drawing": draw_sample(score, name, *sample, self.labels)}
            for score, name, *sample in self.kept
        ]


def as_pixels(image):
    """An image [D, H, W] of any range as RGB uint8 [H, W, 3]: its first three channels, or its only one thrice."""
    image = np.asarray(image, np.float32)
    image = image[:3] if len(image) >= 3 else image[:1].repeat(3, 0)
    low, high = float(image.min()), float(image.max())
    return np.uint8((image - low) * (255 / max(high - low, 1e-6))).transpose(1, 2, 0)


def paint(image, ids):
    """An image RGB uint8 [H, W, 3] with the color of the class over each pixel; ignored pixels (255) become dark."""
    from common.inference.drawing import color_of  # imports OpenCV: not needed to read a configuration

    colors = np.array([color_of(number) for number in range(256)], np.float32)
    colors[IGNORED] = 0
    return np.uint8(np.rint(image * (1 - OPACITY) + colors[ids] * OPACITY))


def draw_sample(score, name, image, truth, found, labels):
    """The image, its true and its predicted classes and the wrong pixels side by side, above a legend.

    Args:
        score (float): written above.
        name (str): written above.
        image (ndarray): RGB uint8 [H, W, 3].
        truth (ndarray): uint8 [H, W]; 255 is ignored.
        found (ndarray): uint8 [H, W].
        labels (list[str]): class names; those that occur are in the legend.

    Returns:
        ndarray: RGB uint8 [h, w, 3].
    """
    import cv2

    wrong = image // 2
    wrong[(truth != found) & (truth != IGNORED)] = WRONG
    factor = max(1, -(-PANEL[0] // image.shape[1])) if image.shape[1] < PANEL[1] else PANEL[1] / image.shape[1]
    panels = [image, paint(image, truth), paint(image, found), wrong]
    panels = [cv2.resize(p, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST) for p in panels]
    whole = np.concatenate(panels, axis=1)
    width, line = whole.shape[1], LETTERS + 8
    present = [k for k in np.union1d(truth[truth != IGNORED], found) if k < len(labels)]
    places, column, row = [], 2, 0
    for k in present:
        needed = text_width(str(labels[k])) + 10
        column, row = (2, row + 1) if column + needed > width and column > 2 else (column, row)
        places.append((k, column, row))
        column += needed
    head, foot = (np.full((line * rows, width, 3), 24, np.uint8) for rows in (1, row + 1))
    write(head, f"{score:.3f}  image, truth, prediction, wrong pixels: {name}", 2, 0, (24, 24, 24))
    for k, column, row in places:
        write(foot, str(labels[k]), column, row * line, None, int(k))
    return np.concatenate([head, whole, foot])


def write(image, text, left, top, color, number=None):
    """Writes a line of text into an image, on a ground of a color or of that of a class."""
    from common.inference.drawing import color_of, draw_name

    draw_name(image, text, (left, top + LETTERS + 6), color_of(number) if color is None else color, LETTERS)


def text_width(text):
    """The width of a text in pixels."""
    import cv2

    return cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace("uni"), LETTERS)[2]
