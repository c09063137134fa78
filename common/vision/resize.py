"""Transforms that change a picture's size by a rule: resize, pad, letterbox. Coordinates as in `image_geometry`."""

import numpy as np

from common.data.transform import Transform
from common.vision.geometry import check_interpolation, choose_interpolation, pair_of, resize_sample, window_sample


class Resize(Transform):
    """Resizes to a given size, or to the largest size of the picture's own shape that fits in it.

    Args:
        size (int | list[int]): pixels, [height, width]; one number is a square.
        keep_ratio (bool): keep the picture's shape; the result then fits in `size` and touches it on one side.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random (one of them a picture).
    """

    def __init__(self, size, keep_ratio=False, interp="bilinear"):
        self.height, self.width = pair_of(size)
        self.keep_ratio = keep_ratio
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        height, width = self.height, self.width
        if self.keep_ratio:
            old_height, old_width = sample["image"].shape[:2]
            height, width = scaled(old_height, old_width, min(height / old_height, width / old_width))
        return resize_sample(sample, height, width, choose_interpolation(self.interp, rng))


class ResizeShort(Transform):
    """Resizes so that the short side has a given length, unless the long one would pass `max_size`.

    Args:
        size (int | list[int]): pixels of the short side; of several, one is drawn a picture.
        max_size (int | None): the most pixels of the long side; a picture that would pass it is made smaller.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    def __init__(self, size, max_size=None, interp="bilinear"):
        self.sizes = [pair_of(side)[0] for side in ([size] if np.ndim(size) == 0 else size)]
        self.max_size = max_size
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        size = self.sizes[rng.integers(len(self.sizes))] if len(self.sizes) > 1 else self.sizes[0]
        height, width = sample["image"].shape[:2]
        scale = size / min(height, width)
        if self.max_size:
            scale = min(scale, self.max_size / max(height, width))
        return resize_sample(sample, *scaled(height, width, scale), choose_interpolation(self.interp, rng))


class ResizeLong(Transform):
    """Resizes so that the long side has a given length.

    Args:
        size (int): pixels of the long side.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    def __init__(self, size, interp="bilinear"):
        self.size, _ = pair_of(size)
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        height, width = sample["image"].shape[:2]
        new_size = scaled(height, width, self.size / max(height, width))
        return resize_sample(sample, *new_size, choose_interpolation(self.interp, rng))


class Pad(Transform):
    """Pads to a size, or to the next multiple of a divisor. A picture that is larger already is not cut.

    The padding goes to the bottom and the right, which leaves coordinates as they are; with `centre` all around,
    which moves them. `im_shape` keeps the size without the bottom and right padding.

    Args:
        size (int | list[int] | None): pixels, [height, width], at least.
        divisor (int): height and width become multiples of it.
        fill (float | list[float]): the colour of the padding, 0 to 255.
        ignore (int): the class id of the padding in a mask.
        centre (bool): pad all around.
    """

    def __init__(self, size=None, divisor=1, fill=0, ignore=255, centre=False):
        self.size = pair_of(size) if size is not None else (1, 1)
        self.divisor = divisor
        self.fill = fill
        self.ignore = ignore
        self.centre = centre

    def __call__(self, sample, rng):
        old_height, old_width = sample["image"].shape[:2]
        height, width = (
            -(-max(old, least) // self.divisor) * self.divisor
            for old, least in zip((old_height, old_width), self.size, strict=True)
        )
        top, left = ((height - old_height) // 2, (width - old_width) // 2) if self.centre else (0, 0)
        im_shape = sample.get("im_shape", np.array([old_height, old_width], np.float32))
        window_sample(sample, -top, -left, height, width, self.fill, self.ignore)
        if not self.centre:
            sample["im_shape"] = im_shape
        return sample


class LetterBox(Transform):
    """Resizes to the largest size of the picture's own shape that fits, then pads to the whole (YOLO's input).

    Args:
        size (int | list[int]): pixels, [height, width].
        fill (float | list[float]): the colour of the padding, 0 to 255.
        ignore (int): the class id of the padding in a mask.
        centre (bool): pad all around; boxes predicted on such a picture are not undone by `scale_factor` alone.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    def __init__(self, size, fill=114, ignore=255, centre=False, interp="bilinear"):
        self.resize = Resize(size, keep_ratio=True, interp=interp)
        self.pad = Pad(size, fill=fill, ignore=ignore, centre=centre)

    def __call__(self, sample, rng):
        return self.pad(self.resize(sample, rng), rng)


def scaled(height, width, scale):
    """A size times a factor, in whole pixels, at least one."""
    return max(int(height * scale + 0.5), 1), max(int(width * scale + 0.5), 1)
