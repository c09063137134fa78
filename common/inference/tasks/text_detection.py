"""Text detection: the lines of text in an image as rotated boxes, from a map of text.

DB, Liao et al. 2019, https://arxiv.org/abs/1911.08947, section 3.5, with rectangles in the place of polygons.
"""

import cv2
import numpy as np

from common.errors import ConfigError
from common.inference.drawing import color_of
from common.inference.task import Task, check_threshold
from common.log import counted

SAME_LINE = 10  # pixels in y within which boxes are ordered from left to right
LEAST = 3  # pixels of the shorter side of a box, in the map and in the image


class TextDetection(Task):
    """Text detection: a rotated rectangle with its score for each line of text.

    Args:
        threshold (float): lines that score less, the mean of the map inside, are left out.
        binarize (float): pixels of the map above it are text.
        unclip (float): the map shows the middle of lines: a box grows on each side by its area times this, divided by
            its perimeter.
        dilate (bool): whether the binary map is dilated by one pixel first, which joins letters.
        most (int): regions of an image that are looked at.
    """

    original_pixels = True
    columns = {"score": "score", "box": ("x1", "y1", "x2", "y2"), "points": "points"}

    def __init__(self, threshold=0.6, binarize=0.3, unclip=1.6, dilate=True, most=1000):
        self.threshold, self.binarize = check_threshold(threshold, 0.6), check_threshold(binarize)
        if unclip < 0 or most < 1:
            raise ValueError(f"unclip is {unclip}, most is {most}; they are at least 0 and 1")
        self.unclip, self.dilate, self.most = unclip, dilate, most

    def records(self, outputs, samples, labels, threshold):
        """The lines of each image, from top to bottom and from left to right.

        Args:
            outputs (dict[str, ndarray]): `text` float32 [N, H, W], the probability of each pixel of the input.
            samples (list[dict]): with `original_size`, `im_shape` and `scale_factor`.
            labels (list[str]): not used.
            threshold (float): lines that score less are left out.

        Returns:
            list[list[dict]]: for each image `score`, `box` [x1, y1, x2, y2], which holds the line, and `points`
                [[x, y]] of the corners of the rectangle, from the upper left one clockwise; pixels of the image.
        """
        maps = np.asarray(outputs["text"], np.float32)
        return [self.lines(own, sample, threshold) for own, sample in zip(maps, samples)]

    def lines(self, text, sample, threshold):
        """The lines of one image."""
        inner = [int(size) for size in sample["im_shape"]]
        text = np.ascontiguousarray(text[: inner[0], : inner[1]])
        height, width = (int(size) for size in sample["original_size"])
        scale = np.asarray(sample["scale_factor"], np.float64)[::-1]
        if abs(height * scale[1] - inner[0]) > 1 or abs(width * scale[0] - inner[1]) > 1:
            raise ConfigError("boxes of text cannot be mapped back to the image\n  fix: use resizing without cropping")
        found = []
        for points, score in self.rectangles(text):
            if score < threshold:
                continue
            points = np.clip(points / scale, 0, (width, height))
            sides = np.linalg.norm(points[1] - points[0]), np.linalg.norm(points[3] - points[0])
            if min(sides) > LEAST:
                box = [*points.min(0), *points.max(0)]
                found.append(
                    {
                        "score": round(float(score), 4),
                        "box": [round(float(value), 2) for value in box],
                        "points": [[round(float(x), 2), round(float(y), 2)] for x, y in points],
                    }
                )
        return in_reading_order(found)

    def rectangles(self, text):
        """The rectangles of a map float32 [H, W]: pairs of corners float64 [4, 2] and the mean of the map inside."""
        binary = (text > self.binarize).astype(np.uint8)
        if self.dilate:
            binary = cv2.dilate(binary, np.ones((2, 2), np.uint8))
        regions, _ = cv2.findContours(binary, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        for region in regions[: self.most]:
            center, sides, angle = cv2.minAreaRect(region)
            if min(sides) < LEAST:
                continue
            score = mean_inside(text, corners_of((center, sides, angle)))
            more = 2 * self.unclip * sides[0] * sides[1] / (2 * (sides[0] + sides[1]))
            sides = sides[0] + more, sides[1] + more
            if min(sides) >= LEAST + 2:
                yield corners_of((center, sides, angle)), score

    def draw(self, image, records):
        """A copy of the image with the rectangles (RGB uint8 [H, W, 3])."""
        return outlined(image, records)

    def line(self, sample, records):
        """The number of lines, then each with its score and box."""
        rows = [f"  {item['score']:.3f} [{', '.join(f'{value:.1f}' for value in item['box'])}]" for item in records]
        return "\n".join([f"{sample['name']}: {counted(len(records), 'line')}", *rows])


def corners_of(rectangle):
    """The corners float64 [4, 2] of OpenCV's rotated rectangle, from the upper left one clockwise."""
    points = np.float64(cv2.boxPoints(rectangle))
    points = points[np.argsort(points[:, 0], kind="stable")]
    left, right = (pair[np.argsort(pair[:, 1], kind="stable")] for pair in (points[:2], points[2:]))
    return np.stack([left[0], right[0], right[1], left[1]])


def mean_inside(text, points):
    """The mean of a map float32 [H, W] inside corners [4, 2]."""
    size = np.array(text.shape[::-1]) - 1
    low = np.clip(np.floor(points.min(0)), 0, size).astype(int)
    high = np.clip(np.ceil(points.max(0)), 0, size).astype(int)
    mask = np.zeros((high[1] - low[1] + 1, high[0] - low[0] + 1), np.uint8)
    cv2.fillPoly(mask, [(points - low).astype(np.int32)], 1)
    return cv2.mean(text[low[1] : high[1] + 1, low[0] : high[0] + 1], mask)[0]


def in_reading_order(records):
    """Records with `points`, from top to bottom, those of nearly the same height from left to right."""
    rows = sorted(records, key=lambda item: (item["points"][0][1], item["points"][0][0]))
    for last in range(1, len(rows)):
        for k in range(last, 0, -1):
            above, below = rows[k - 1]["points"][0], rows[k]["points"][0]
            if abs(below[1] - above[1]) >= SAME_LINE or below[0] >= above[0]:
                break
            rows[k - 1], rows[k] = rows[k], rows[k - 1]
    return rows


def outlined(image, records):
    """A copy of an image (RGB uint8 [H, W, 3]) with the outlines of records that have `points`."""
    image = np.ascontiguousarray(image).copy()
    thick = max(1, round(max(image.shape[:2]) / 600))
    for number, item in enumerate(records):
        points = np.rint(np.array(item["points"])).astype(np.int32)
        cv2.polylines(image, [points], True, color_of(number), thick, cv2.LINE_AA)
    return image
