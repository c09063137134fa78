"""Records and drawings of instance segmentation."""

import json

import numpy as np

from common.inference.tasks.instance_segmentation import InstanceSegmentation
from common.vision.instance_masks import decode_masks

OUTPUTS = {
    "boxes": np.array([[0, 0.6, 2, 1, 6, 4], [1, 0.9, 0, 0, 3, 3], [-1, 0, 0, 0, 0, 0], [0, 0.8, -1, -1, 4, 4]]),
    "num_boxes": np.array([3, 1]),
    "masks": np.stack([np.full((4, 4), value) for value in (1.0, 0.9, 0.0, 0.4)]),
}
SAMPLES = [{"original_size": np.array([6, 8])}, {"original_size": np.array([5, 5])}]


def test_every_box_has_its_own_mask():
    task = InstanceSegmentation()
    first, second = task.records(OUTPUTS, SAMPLES, ["cat", "dog"], 0.5)
    assert [item["label"] for item in first] == ["dog", "cat"]
    masks = decode_masks([item["mask"] for item in first], 6, 8)
    assert masks[0, :3, :3].sum() == masks[0].sum() and masks[1, 1:4, 2:6].all() and masks[1].sum() == 12
    assert second[0]["mask"]["size"] == [5, 5] and not decode_masks([second[0]["mask"]], 5, 5).any()  # 0.4
    (again,) = task.records({**OUTPUTS, "num_boxes": [0], "boxes": np.zeros((0, 6))}, SAMPLES[:1], [], 0.5)
    assert again == [] and json.dumps(first)


def test_overlays_are_drawn_where_the_masks_are():
    task = InstanceSegmentation()
    image = np.zeros((60, 80, 3), np.uint8)
    outputs = {"boxes": np.array([[0, 0.6, 20, 30, 60, 50.0]]), "num_boxes": [1], "masks": np.ones((1, 4, 4))}
    (records,) = task.records(outputs, [{"original_size": (60, 80)}], ["cat"], 0.5)
    drawn = task.draw(image, records)
    assert drawn[40, 40].max() > 60 and not drawn[57:, :].any() and not image.any()
