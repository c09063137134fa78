"""Synthetic samples with rectangles and all kinds of annotations, for the tests of transforms."""

import numpy as np


def sample_with(*rectangles, height=120, width=160):
    """A dark noisy image with bright rectangles (x1, y1, x2, y2) and all kinds of annotations."""
    image = np.random.default_rng(1).integers(0, 60, (height, width, 3), np.uint8)
    mask = np.zeros((height, width), np.uint8)
    masks = np.zeros((len(rectangles), height, width), np.uint8)
    for index, (x1, y1, x2, y2) in enumerate(rectangles):
        image[y1:y2, x1:x2] = 255
        mask[y1:y2, x1:x2] = 1
        masks[index, y1:y2, x1:x2] = 1
    boxes = np.array(rectangles, np.float32).reshape(-1, 4)
    points = np.stack([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:]], axis=1)
    count = len(boxes)
    return {
        "image": image,
        "boxes": boxes,
        "labels": np.arange(count),
        "scores": np.ones(count, np.float32),
        "difficult": np.zeros(count, bool),
        "crowd": np.zeros(count, bool),
        "mask": mask,
        "masks": masks,
        "keypoints": np.concatenate([points, np.full((count, 2, 1), 2)], axis=2).astype(np.float32),
        "original_size": np.array([height, width]),
        "im_shape": np.array([height, width], np.float32),
        "scale_factor": np.ones(2, np.float32),
    }


def extent(seen):
    """The bounding box of the true pixels of a bool [H, W]."""
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def assert_consistent(sample):
    height, width = sample["image"].shape[:2]
    count = len(sample["boxes"])
    for key in ("labels", "scores", "difficult", "crowd", "masks", "keypoints"):
        assert len(sample[key]) == count
    assert sample["image"].dtype == np.uint8 and sample["image"].shape == (height, width, 3)
    assert sample["mask"].shape == (height, width) and sample["mask"].dtype == np.uint8
    assert sample["masks"].shape == (count, height, width) and sample["masks"].dtype == np.uint8
    assert sample["boxes"].dtype == np.float32 and sample["boxes"].flags.c_contiguous
    assert sample["keypoints"].dtype == np.float32 and sample["keypoints"].shape == (count, 2, 3)
    assert sample["im_shape"].dtype == np.float32 and sample["scale_factor"].dtype == np.float32
    assert (sample["boxes"] >= 0).all() and (sample["boxes"] <= [width, height, width, height]).all()
