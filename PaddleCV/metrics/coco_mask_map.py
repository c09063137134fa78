"""COCO average precision of masks and boxes (https://cocodataset.org/#detection-eval)."""

import numpy as np

from common.vision.instance_masks import encode_mask, paste_mask

from .coco_map import STATS, CocoMap, evaluate_coco

MASK_STATS = tuple(f"mask_{name}" for name in STATS)


class CocoMaskMap(CocoMap):
    """The twelve COCO metrics of the masks, `mask_AP` and so on, and those of the boxes.

    The mask of a detection is that of its box, placed into the image as the exported model's are.

    Args:
        dataset (object): a dataset whose annotations have `segmentation`.
        primary (str): the metric that selects the best checkpoint, such as mask_AP or AP50.

    Raises:
        ValueError: `primary` is unknown, or the dataset has no masks.
    """

    def __init__(self, dataset, primary="mask_AP"):
        if primary not in MASK_STATS + STATS:
            raise ValueError(f"primary is {primary!r}; it must be one of {', '.join(MASK_STATS + STATS)}")
        super().__init__(dataset)
        content = dataset.annotations()
        if any("segmentation" not in item for item in content["annotations"]):
            raise ValueError("the dataset has no masks; CocoDetection reads them with `with_masks: true`")
        self.primary = primary
        self.sizes = {image["id"]: (image["height"], image["width"]) for image in content["images"]}

    def update(self, outputs, batch):
        """Adds the predictions of a batch.

        Args:
            outputs (dict[str, ndarray]): as :meth:`Detections.add`, and `masks` float [R, M, M], the probabilities in
                each box.
            batch (dict): `image_id` int64 [N].
        """
        ids = np.repeat(np.reshape(batch["image_id"], -1), np.reshape(outputs["num_boxes"], -1))
        boxes = np.reshape(outputs["boxes"], (-1, 6))
        codes = [
            encode_mask(paste_mask(cells, box[2:], *self.sizes[int(i)]))["counts"] if np.isfinite(box).all() else ""
            for i, box, cells in zip(ids, boxes, outputs["masks"])
        ]
        self.detections.add(outputs, batch, codes)
        self.evaluation = None

    def results(self):
        """The detections in the COCO result format with `segmentation`."""
        codes = self.detections.codes_in_order()
        return [
            result | {"segmentation": {"size": list(self.sizes[result["image_id"]]), "counts": code}}
            for result, code in zip(super().results(), codes, strict=True)
        ]

    def compute(self):
        """The twelve metrics of the masks and the twelve of the boxes by name."""
        masks = evaluate_coco(self.dataset, self.results(), self.detections.seen, "segm").stats
        return dict(zip(MASK_STATS, map(float, masks))) | super().compute()
