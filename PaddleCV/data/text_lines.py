"""Images with lines of text and their outlines: lists in the form of PaddleOCR, and the maps that DB learns from.

A line of a list is the path of an image, a tab, and JSON: a list of `{"transcription": "text", "points": [[x, y]]}`.
Texts that cannot be read, `###` or `*`, are not learned and do not count.
"""

import json
import os

import cv2
import numpy as np

from common.data.issues import IssueList
from common.data.transform import Transform
from common.log import logger

from .detection_check import check_images, settle_listed
from .imagenet_list import read_lines

UNREADABLE = ("###", "*", "")
TAKES = 'a line is the path of an image, a tab, and [{"transcription": "text", "points": [[x, y], ...]}, ...]'


class TextLines:
    """The images of a list and the outlines of their lines of text.

    A sample has `path`, `manifest`, `place`, `keypoints` float32 [n, 4, 3] (the corners of each line in pixels, from
    the upper left one clockwise, and 2), `boxes` float32 [n, 4] that hold them, and `difficult` bool [n], those
    that cannot be read.

    Args:
        root (str): the folder that all paths are relative to.
        list_file (str): the list, in `root`.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.

    Attributes:
        labels (list[str]): `text`.
        issues (list[DataIssue]): the problems found while reading the list.

    Raises:
        DataError: lists every error found, each with its line.
    """

    padding = {"keypoints": 0, "boxes": 0, "difficult": True}
    what = "image"
    labels = ["text"]
    num_classes = 1

    def __init__(self, root, list_file, bad_samples="error"):
        if bad_samples not in ("error", "skip"):
            raise ValueError(f"bad_samples is {bad_samples!r}; it must be error or skip")
        self.source = os.path.join(root, list_file)
        issues, images = IssueList(self.source), []
        for number, line in enumerate(read_lines(self.source, issues), 1):
            if line.strip():
                images.append(self.read(line.rstrip("\r\n"), root, f"line {number}", len(images), issues))
        self.images, self.issues = settle_listed(images, issues, bad_samples, self.source)
        lines = sum(len(image["points"]) for image in self.images)
        logger.info("%s: %d images, %d lines of text", self.source, len(self.images), lines)

    def read(self, line, root, place, number, issues):
        """The image of a line; without a path after recording an error."""
        image = {"path": "", "file": self.source, "place": place, "width": None, "height": None}
        path, tab, text = line.partition("\t")
        try:
            if not tab or not path.strip():
                raise ValueError("has no tab between a path and its texts")
            outlines = [outline_of(item) for item in json.loads(text)]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            message = f"is not JSON: {error}" if isinstance(error, json.JSONDecodeError) else str(error)
            issues.error("D118", message, place, line[:80], TAKES, image=number)
            return image
        points = np.array([points for points, _ in outlines], np.float32).reshape(-1, 4, 2)
        difficult = np.array([text in UNREADABLE for _, text in outlines], bool)
        path = os.path.join(root, path.strip().replace("\\", "/"))
        return image | {"path": path, "points": points, "difficult": difficult}

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        """One sample without its pixels."""
        image = self.images[index]
        points = image["points"]
        return {
            "path": image["path"],
            "manifest": self.source,
            "place": image["place"],
            "boxes": np.concatenate([points.min(1), points.max(1)], 1),
            "keypoints": np.concatenate([points, np.full_like(points[:, :, :1], 2)], 2),
            "difficult": image["difficult"].copy(),
        }

    def paths(self):
        """The image files, in the order of the dataset."""
        return [image["path"] for image in self.images]

    def check(self, deep=False, cache=None):
        """Validates the list and the images (list[DataIssue]).

        Args:
            deep (bool): whether to decode every image; otherwise only the headers are read.
            cache (str | None): not used.
        """
        found = check_images(self.images, deep, self.source)
        return sorted(self.issues + found, key=lambda issue: issue.severity != "error")


def outline_of(item):
    """(corners float32 [4, 2], text) of one entry; an outline of more points becomes the smallest rectangle around it.

    Raises:
        ValueError: it has no text, or no outline.
    """
    if not isinstance(item, dict) or not isinstance(item.get("transcription"), str):
        raise ValueError("an entry has no 'transcription', a text")
    points = np.array(item.get("points"), np.float32)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 4 or not np.isfinite(points).all():
        raise ValueError("an entry has no 'points', four or more pairs of numbers")
    if len(points) != 4:
        points = cv2.boxPoints(cv2.minAreaRect(points))
    return points, item["transcription"]


class TextMaps(Transform):
    """The maps that DB learns from (https://arxiv.org/abs/1911.08947, section 3.3), of the corners of lines of text.

    Adds `text_map`, 1 inside of each line shrunk by D = area (1 - shrink^2) / perimeter; `text_counts`, 0 in lines that
    are unreadable or vanish; `border_map`, which falls from `high` on the outline to `low` at a distance of D from it;
    and `border_counts`, 1 within that distance; all float32 [H, W]. Removes the corners. Comes after all changes of the
    image, before padding and `Normalize`.

    Args:
        shrink (float): 0.4 in the paper.
        low (float): the least threshold.
        high (float): the highest threshold.
        least (float): lines whose shorter side has fewer pixels do not count.
    """

    def __init__(self, shrink=0.4, low=0.3, high=0.7, least=4.0):
        if not 0 < shrink < 1 or not 0 <= low <= high <= 1:
            raise ValueError(f"shrink is {shrink}, low {low}, high {high}; 0 < shrink < 1 and 0 <= low <= high <= 1")
        self.shrink, self.low, self.high, self.least = shrink, low, high, least

    def __call__(self, sample, rng):
        size = sample["image"].shape[:2]
        text, counts = np.zeros(size, np.float32), np.ones(size, np.float32)
        near, border_counts = np.zeros(size, np.float32), np.zeros(size, np.float32)
        points = sample.pop("keypoints", np.zeros((0, 4, 3), np.float32))[:, :, :2]
        difficult = sample.pop("difficult", np.zeros(len(points), bool))
        sample.pop("boxes", None)
        for corners, hard in zip(points, difficult):
            self.draw(corners, bool(hard), text, counts, near, border_counts)
        sample["text_map"], sample["text_counts"] = text, counts
        sample["border_map"], sample["border_counts"] = self.low + near * (self.high - self.low), border_counts
        return sample

    def draw(self, corners, hard, text, counts, near, border_counts):
        """Draws a line of text into the maps, in place."""
        corners = np.ascontiguousarray(corners, np.float32)
        area = cv2.contourArea(corners)
        perimeter = cv2.arcLength(corners, True)
        distance = area * (1 - self.shrink**2) / max(perimeter, 1.0)
        reach = int(np.ceil(distance)) + 1
        low = np.clip(np.floor(corners.min(0)).astype(int) - reach, 0, None)
        high = np.minimum(np.ceil(corners.max(0)).astype(int) + reach + 1, text.shape[::-1])
        if (high <= low).any():
            return
        window = (slice(low[1], high[1]), slice(low[0], high[0]))
        filled = np.zeros(high[::-1] - low[::-1], np.uint8)
        cv2.fillPoly(filled, [np.rint(corners - low).astype(np.int32)], 1)
        _, sides, _ = cv2.minAreaRect(corners)
        padded = cv2.copyMakeBorder(filled, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
        inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
        shrunk = inside > distance
        if hard or min(sides) < self.least or not shrunk.any():
            counts[window][filled > 0] = 0
            return
        text[window][shrunk] = 1
        outside = cv2.distanceTransform(1 - filled, cv2.DIST_L2, 5)
        closeness = np.clip(1 - np.where(filled > 0, inside, outside) / distance, 0, 1)
        near[window] = np.maximum(near[window], closeness)
        border_counts[window][(closeness > 0) | (filled > 0)] = 1
