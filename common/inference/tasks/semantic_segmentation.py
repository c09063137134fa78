"""Semantic segmentation: the classes of an image with their masks as records, and drawn as colored overlays."""

import numpy as np

from common.errors import ConfigError
from common.inference.drawing import color_of, draw_name, enlarged
from common.inference.labels import label_of
from common.inference.task import Task, check_threshold
from common.log import counted
from common.vision.instance_masks import decode_masks, encode_mask

OPACITY = 0.5


class SemanticSegmentation(Task):
    """Semantic segmentation: each class in an image with its share of the pixels and its mask.

    Args:
        threshold (float): classes with a smaller share of the pixels are left out.
    """

    original_pixels = True
    threshold_of = "pixel share"
    columns = {"label": "label", "share": "share", "category_id": "category_id", "mask": "mask"}

    def __init__(self, threshold=0.0):
        self.threshold = check_threshold(threshold)

    def records(self, outputs, samples, labels, threshold):
        """The classes of each image, the largest first.

        Args:
            outputs (dict[str, ndarray]): `label_map` int [N, H, W], of the pixels of the input.
            samples (list[dict]): with `original_size`, `im_shape` and `scale_factor`.
            labels (list[str]): class names; a number beyond them is named by itself.
            threshold (float): classes with a smaller share of the pixels are left out.

        Returns:
            list[list[dict]]: for each image `label`, `category_id` (the number of the class), `share` of the pixels of
                the original image, and `mask`, COCO's run-length code `{"size": [height, width], "counts": str}`.
        """
        found = []
        for label_map, sample in zip(np.asarray(outputs["label_map"]), samples):  # a batch may be filled up
            label_map = in_original_pixels(label_map, sample)
            ids, counts = np.unique(label_map, return_counts=True)
            order = np.argsort(-counts, kind="stable")
            shares = counts / label_map.size
            found.append(
                [
                    {
                        "label": label_of(int(ids[k]), labels),
                        "category_id": int(ids[k]),
                        "share": round(float(shares[k]), 4),
                        "mask": encode_mask(label_map == ids[k]),
                    }
                    for k in order
                    if shares[k] >= threshold
                ]
            )
        return found

    def draw(self, image, records):
        """A copy of the image with each class as a colored overlay, and their names in a legend.

        Args:
            image (ndarray): RGB uint8 [H, W, 3].
            records (list[dict]): of this image.

        Returns:
            ndarray: RGB uint8 [H, W, 3]; small images are enlarged, so that the legend can be read beside the classes.
        """
        drawn = np.ascontiguousarray(image).copy()
        for item in records:
            inside = decode_masks([item["mask"]], *image.shape[:2])[0] > 0
            color = np.float64(color_of(item["category_id"]))
            drawn[inside] = np.rint(image[inside] * (1 - OPACITY) + color * OPACITY).astype(np.uint8)
        drawn = enlarged(drawn)
        size = max(11, round(max(drawn.shape[:2]) / 45))
        for row, item in enumerate(records):
            corner = (2, 2 + round((row + 1) * 1.6 * size))
            draw_name(
                drawn, f"{item['label']}: {100 * item['share']:.1f} %", corner, color_of(item["category_id"]), size
            )
        return drawn

    def line(self, sample, records):
        """The number of classes, then a line for each with its share of the pixels."""
        lines = [f"  {item['label']} {item['share']:.3f}" for item in records]
        return "\n".join([f"{sample['name']}: {counted(len(records), 'class')}", *lines])


def in_original_pixels(label_map, sample):
    """The label map of the original image: of each of its pixels the class of the nearest pixel of the input.

    Args:
        label_map (ndarray): int [H, W] of the input.
        sample (dict): `original_size` (height, width), `im_shape`, the part of the input without its padding, and
            `scale_factor`, input pixels per original pixel, along y and x.

    Raises:
        ConfigError: the pre-processing has made other inputs of the images.
    """
    places = []
    for axis in range(2):
        size, inner = int(sample["original_size"][axis]), int(sample["im_shape"][axis])
        scale = float(sample["scale_factor"][axis])
        if abs(size * scale - inner) > 1:
            raise ConfigError(
                f"an image of {size} pixels by the scale {scale:g} is {inner} pixels of the input: the label map "
                "cannot be mapped back\n  fix: use Resize, LetterBox or Pad, without center"
            )
        places.append(np.minimum(((np.arange(size) + 0.5) * scale).astype(np.int64), inner - 1))
    return label_map[np.ix_(*places)]
