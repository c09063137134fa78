"""Label maps as the images that generators start from: the file of class ids itself is the input of an inference."""

import numpy as np

from common.data.refusals import bad_file
from common.data.transform import Transform
from common.inference.drawing import color_of
from common.vision.decode import PIXEL_LIMIT, complete_sample, decode_ids, read_image_file

LARGEST = 255


class DecodeLabelMap(Transform):
    """Reads `path`, a gray or palette PNG of class ids, as `mask` uint8 [H, W]; `image` shows each class in a color.

    An `image` of a sample, uint8 [H, W, 3], is taken for such a file if its channels are equal.
    """

    def __call__(self, sample, rng):
        path = sample.get("path", "an image")
        if "image" in sample:
            image = sample["image"]
            if (image != image[..., :1]).any():
                raise bad_file("D110", path, "it has colors instead of class ids", "give a gray image of class ids")
            ids = image[..., 0].astype(np.int32)
        else:
            ids = decode_ids(read_image_file(path), path)
        sample["mask"] = np.minimum(ids, LARGEST).astype(np.uint8)
        colors = np.array([color_of(number) for number in range(LARGEST + 1)], np.uint8)
        sample["image"] = colors[sample["mask"]]
        return complete_sample({key: value for key, value in sample.items() if key != "mask_path"}, PIXEL_LIMIT)
