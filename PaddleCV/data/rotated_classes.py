"""Quarter turns of images as classes of their own, for characters and other images whose upright matters."""

import numpy as np

from common.contract import get_optional
from common.errors import ConfigError
from common.vision.decode import decode_image, read_image_file

TURNS = 4


class RotatedClasses:
    """The images of a dataset, and each turned by 90, 180 and 270 degrees as an image of another class.

    For training on few classes, in which what is upright distinguishes (https://arxiv.org/abs/1605.06065, section 4.1).
    Image i turned t times is sample 4 i + t, its class 4 c + t.

    Args:
        images (Dataset): a reader of images with one class each.

    Raises:
        ConfigError: the reader gives no classes, or several for an image.
    """

    def __init__(self, images):
        labels, targets = get_optional(images, "dataset", "labels"), getattr(images, "targets", None)
        if labels is None or targets is None or np.ndim(targets) != 1:
            raise ConfigError(f"RotatedClasses: {type(images).__name__} does not have one class per image")
        self.images, self.source = images, images.source
        self.labels = [f"{name} +{90 * turn}" if turn else name for name in labels for turn in range(TURNS)]
        self.targets = (np.asarray(targets)[:, None] * TURNS + np.arange(TURNS)).reshape(-1)

    @property
    def num_classes(self):
        """Four times those of the images."""
        return len(self.labels)

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        """A sample of the reader with its `image`, uint8 [H, W, 3], turned, and its `label`."""
        number, turn = divmod(index, TURNS)
        sample = dict(self.images[number])
        if "image" not in sample:
            sample["image"] = decode_image(read_image_file(sample["path"]), sample["path"])
        return {
            **sample,
            "image": np.ascontiguousarray(np.rot90(sample["image"], turn)),
            "label": int(self.targets[index]),
        }
