"""Instance segmentation: boxes with the mask of each object as records, and drawn as colored overlays."""

import numpy as np

from common.inference.drawing import color_of
from common.inference.tasks.detection import Detection, select_boxes
from common.vision.instance_masks import decode_masks, encode_mask, paste_mask

OPACITY = 0.45


class InstanceSegmentation(Detection):
    """Instance segmentation: the boxes of each image with class, score and mask.

    Args:
        threshold (float | None): boxes that score less are left out; None as of :class:`Detection`.
        mask_threshold (float): least probability of a pixel of a mask.
    """

    columns = Detection.columns | {"mask": "mask"}

    def __init__(self, threshold=None, mask_threshold=0.5):
        super().__init__(threshold)
        if not 0 < mask_threshold < 1:
            raise ValueError(f"mask_threshold is {mask_threshold}; allowed: above 0 and below 1")
        self.mask_threshold = mask_threshold

    def records(self, outputs, samples, labels, threshold):
        """The boxes of each image that score enough, with their masks, the best first.

        Args:
            outputs (dict[str, ndarray]): as :meth:`Detection.records`, and `masks` float [R, M, M], the probabilities
                in each box.
            samples (list[dict]): with `original_size` int [2], height and width.
            labels (list[str]): class names.
            threshold (float): boxes that score less are left out.

        Returns:
            list[list[dict]]: those of :meth:`Detection.records` with `mask`, COCO's run-length code
                `{"size": [height, width], "counts": str}`.
        """
        boxes, chosen = select_boxes(outputs, threshold)
        found = super().records(outputs, samples, labels, threshold)
        for rows, records, sample in zip(chosen, found, samples):  # a batch may be filled up
            height, width = (int(side) for side in sample["original_size"])
            for k, item in zip(rows, records, strict=True):
                mask = paste_mask(outputs["masks"][k], boxes[k, 2:], height, width, self.mask_threshold)
                item["mask"] = encode_mask(mask)
        return found[: len(samples)]

    def draw(self, image, records):
        """A copy of the image with the masks as colored overlays, and boxes, names and scores.

        Args:
            image (ndarray): RGB uint8 [H, W, 3].
            records (list[dict]): of this image.

        Returns:
            ndarray: RGB uint8 [H, W, 3].
        """
        image = np.ascontiguousarray(image).copy()
        for item in reversed(records):  # the best last, on top
            inside = decode_masks([item["mask"]], *image.shape[:2])[0] > 0
            color = np.float64(color_of(item["category_id"]))
            image[inside] = np.rint(image[inside] * (1 - OPACITY) + color * OPACITY).astype(np.uint8)
        return super().draw(image, records)
