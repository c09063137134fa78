"""Detections of a model on an evaluation set, collected over batches and processes.

Shapes in this file:
    N images of a batch, R boxes of a batch, D boxes of all images.
"""

import numpy as np

from common.log import logger

COLUMNS = 7  # image_id, label, score, x1, y1, x2, y2


class Detections:
    """Detections in the order of the images; an image that occurs twice, as in a padded last batch, counts once."""

    def __init__(self):
        self.reset()

    def reset(self):
        """Resets the detections."""
        self.seen = set()
        self.images, self.rows, self.codes = [], [], []
        self.not_finite = 0

    def add(self, outputs, batch, codes=None):
        """Adds the predictions of a batch.

        Args:
            outputs (dict[str, ndarray]): `boxes` [R, 6] rows (label, score, x1, y1, x2, y2) in pixels of the original
                image, image after image; `num_boxes` int [N].
            batch (dict): `image_id` int64 [N].
            codes (list[str] | None): the run-length code of the mask of each of the R boxes.

        Raises:
            ValueError: the counts are inconsistent.
        """
        ids = np.asarray(batch["image_id"], np.int64).reshape(-1)
        counts = np.asarray(outputs["num_boxes"], np.int64).reshape(-1)
        boxes = np.asarray(outputs["boxes"], np.float64)
        boxes = boxes.reshape(-1, 6) if boxes.size and boxes.shape[-1] == 6 else np.zeros((0, 6))
        if len(counts) != len(ids) or counts.sum() > len(boxes):
            given = f"num_boxes is {counts.tolist()[:8]} (sum {counts.sum()})"
            raise ValueError(f"{len(ids)} images and {len(boxes)} boxes, but {given}")
        ends = np.cumsum(counts)
        for image_id, start, end in zip(ids.tolist(), (ends - counts).tolist(), ends.tolist()):
            found = boxes[start:end]
            real = found[:, 0] >= 0  # NMS pads with label -1
            finite = np.isfinite(found).all(1)
            self.not_finite += int((real & ~finite).sum())
            kept = np.flatnonzero(real & finite)
            own = [codes[start + k] for k in kept] if codes is not None else []
            self._append(image_id, np.insert(found[kept], 0, image_id, axis=1), own)

    def _append(self, image_id, rows, codes):
        if image_id not in self.seen:
            self.seen.add(image_id)
            self.images.append(image_id)
            self.rows.append(rows)
            self.codes += codes

    def state(self):
        """The detections of this process: `images` int64 [n], `rows` float64 [D, 7], `not_finite` int64 [1].

        With masks also `codes` uint8, the characters of all codes, and `code_lengths` int64 [D].
        """
        state = {
            "images": np.array(self.images, np.int64),
            "rows": np.concatenate(self.rows) if self.rows else np.zeros((0, COLUMNS)),
            "not_finite": np.array([self.not_finite], np.int64),
        }
        if self.codes:
            state["codes"] = np.frombuffer("".join(self.codes).encode("ascii"), np.uint8)
            state["code_lengths"] = np.array([len(code) for code in self.codes], np.int64)
        return state

    def merge(self, states):
        """Replaces the detections by the union of the states; of duplicate images, the first counts."""
        self.reset()
        for state in states:
            images, rows = state["images"].tolist(), state["rows"].reshape(-1, COLUMNS)
            self.not_finite += int(state["not_finite"].sum())
            order = np.argsort(rows[:, 0], kind="stable")
            starts = np.searchsorted(rows[order, 0], images, "left")
            ends = np.searchsorted(rows[order, 0], images, "right")
            codes = split_codes(state)
            for image_id, start, end in zip(images, starts, ends):
                mine = order[start:end]
                self._append(image_id, rows[mine], [codes[k] for k in mine] if codes else [])

    def table(self, num_classes):
        """All detections by ascending image id, so that the result does not depend on their order.

        Returns:
            ndarray: float64 [D, 7], columns image_id, label, score, x1, y1, x2, y2.

        Raises:
            ValueError: a label is not less than `num_classes`.
        """
        if self.not_finite:
            logger.warning("%d detections with a non-finite score or coordinate were left out", self.not_finite)
        rows = self.state()["rows"]
        if len(rows) and rows[:, 1].max() >= num_classes:
            raise ValueError(f"the model predicts class {int(rows[:, 1].max())}; the dataset has {num_classes} classes")
        return rows[np.argsort(rows[:, 0], kind="stable")]

    def codes_in_order(self):
        """The codes of the masks in the order of :meth:`table` (list[str])."""
        return [self.codes[k] for k in np.argsort(self.state()["rows"][:, 0], kind="stable")]


class DetectionMetric:
    """Base of the metrics of boxes, which collect the detections of all batches.

    Args:
        dataset (object): a detection dataset.
    """

    def __init__(self, dataset):
        self.dataset = dataset
        self.detections = Detections()

    def reset(self):
        """Resets the detections."""
        self.detections.reset()

    def update(self, outputs, batch):
        """Adds the predictions of a batch, see :meth:`Detections.add`."""
        self.detections.add(outputs, batch)

    def state(self):
        """The detections of this process (dict of arrays)."""
        return self.detections.state()

    def merge(self, states):
        """Replaces the detections by the union over all processes."""
        self.detections.merge(states)


def split_codes(state):
    """The codes of the masks in a state (list[str]); empty without masks."""
    if "codes" not in state:
        return []
    text, ends = state["codes"].tobytes().decode("ascii"), np.cumsum(state["code_lengths"])
    return [text[end - length : end] for end, length in zip(ends.tolist(), state["code_lengths"].tolist())]


def pairwise_iou(first, second):
    """The IoU of every pair, [n, 4] and [m, 4] (x1, y1, x2, y2) -> [n, m]; 0 if both are empty."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap = np.clip(high - low, 0, None).prod(2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - overlap
    return np.divide(overlap, union, out=np.zeros_like(union), where=union > 0)


def annotated_boxes(dataset, seen, with_difficult=False):
    """The ground-truth boxes of the evaluated images, float64 [G, 7]: image_id, label, ignore flag, x1, y1, x2, y2.

    Args:
        dataset (object): a detection dataset with `annotations()` and `category_ids`.
        seen (set[int]): ids of the evaluated images.
        with_difficult (bool): whether difficult boxes count; crowd boxes are always ignored.
    """
    number = {category: k for k, category in enumerate(dataset.category_ids)}
    rows = []
    for item in dataset.annotations()["annotations"]:
        if item["image_id"] in seen:
            x, y, w, h = item["bbox"]
            ignored = (item.get("difficult", 0) and not with_difficult) or item["iscrowd"]
            rows.append((item["image_id"], number[item["category_id"]], bool(ignored), x, y, x + w, y + h))
    return np.array(rows, np.float64).reshape(-1, 7)


def rows_of_images(rows):
    """{image_id: ascending indices of its rows}."""
    order = np.argsort(rows[:, 0], kind="stable")
    ids, starts = np.unique(rows[order, 0], return_index=True)
    return dict(zip(ids.tolist(), np.split(order, starts[1:])))
