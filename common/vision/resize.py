"""Resize transforms: resize, lines of text, pad, letterbox. Coordinates as in `common.vision.geometry`."""

import numpy as np

from common.data.transform import Transform
from common.vision.geometry import check_interpolation, choose_interpolation, parse_size, resize_sample, window_sample


class Resize(Transform):
    """Resizes to a given size, or with the aspect ratio kept to the largest size that fits in it.

    Args:
        size (int | list[int]): size in pixels, [height, width]; one number is a square.
        keep_ratio (bool): keeps the aspect ratio; the result fits in `size` and equals it on one side.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random (drawn per image).
    """

    def __init__(self, size, keep_ratio=False, interp="bilinear"):
        self.height, self.width = parse_size(size)
        self.keep_ratio = keep_ratio
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        height, width = self.height, self.width
        if self.keep_ratio:
            old_height, old_width = sample["image"].shape[:2]
            height, width = scale_size(old_height, old_width, min(height / old_height, width / old_width))
        return resize_sample(sample, height, width, choose_interpolation(self.interp, rng))


class ResizeShort(Transform):
    """Resizes the short side to a given length, with a limit for the long side.

    Args:
        size (int | list[int]): length of the short side in pixels; of several, one is drawn per image.
        max_size (int | None): maximum length of the long side in pixels.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    def __init__(self, size, max_size=None, interp="bilinear"):
        self.sizes = read_sides(size)
        self.max_size = max_size
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        size = draw_side(self.sizes, rng)
        height, width = sample["image"].shape[:2]
        scale = size / min(height, width)
        if self.max_size:
            scale = min(scale, self.max_size / max(height, width))
        return resize_sample(sample, *scale_size(height, width, scale), choose_interpolation(self.interp, rng))


class ResizeLong(Transform):
    """Resizes the long side to a given length.

    Args:
        size (int | list[int]): length of the long side in pixels; of several, one is drawn per image.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    def __init__(self, size, interp="bilinear"):
        self.sizes = read_sides(size)
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        height, width = sample["image"].shape[:2]
        new_size = scale_size(height, width, draw_side(self.sizes, rng) / max(height, width))
        return resize_sample(sample, *new_size, choose_interpolation(self.interp, rng))


class ResizeLimits(Transform):
    """Enlarges images whose short side is too short, then reduces those whose long side is too long; others stay.

    Args:
        short (int): least length of the short side in pixels.
        long (int): largest length of the long side in pixels.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    def __init__(self, short, long, interp="bilinear"):
        if not 1 <= short <= long:
            raise ValueError(f"ResizeLimits got short {short} and long {long}; 1 <= short <= long")
        self.short, self.long = short, long
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        height, width = sample["image"].shape[:2]
        scale = max(1.0, self.short / min(height, width))
        scale = min(scale, self.long / max(height, width))
        return resize_sample(sample, *scale_size(height, width, scale), choose_interpolation(self.interp, rng))


class ResizeHeight(Transform):
    """Resizes lines of text to a height with the aspect ratio kept; longer ones are squeezed to a largest width.

    Args:
        height (int): of the result in pixels.
        max_width (int): of the result in pixels.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    def __init__(self, height, max_width, interp="bilinear"):
        if height < 1 or max_width < 1:
            raise ValueError(f"ResizeHeight got height {height} and max_width {max_width}; both are at least 1")
        self.height, self.max_width = height, max_width
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        height, width = sample["image"].shape[:2]
        width = min(scale_size(height, width, self.height / height)[1], self.max_width)
        return resize_sample(sample, self.height, width, choose_interpolation(self.interp, rng))


class Pad(Transform):
    """Pads to a minimum size and to a multiple of a divisor; larger images are not cropped.

    The padding is added at the bottom and right, which leaves coordinates unchanged, or with `center` on all sides,
    which shifts them. `im_shape` is the size without padding at the bottom and right.

    Args:
        size (int | list[int] | None): minimum size in pixels, [height, width].
        divisor (int): height and width are rounded up to multiples of it.
        fill (float | list[float]): color of the padding, 0 to 255.
        ignore (int): class id of the padding in a mask.
        center (bool): pads on all sides; a detector refuses it outside of data.train.
    """

    def __init__(self, size=None, divisor=1, fill=0, ignore=255, center=False):
        self.size = parse_size(size) if size is not None else (1, 1)
        self.divisor = divisor
        self.fill = fill
        self.ignore = ignore
        self.center = center

    def __call__(self, sample, rng):
        old_height, old_width = sample["image"].shape[:2]
        height, width = (
            -(-max(old, least) // self.divisor) * self.divisor
            for old, least in zip((old_height, old_width), self.size, strict=True)
        )
        top, left = ((height - old_height) // 2, (width - old_width) // 2) if self.center else (0, 0)
        im_shape = sample.get("im_shape", np.array([old_height, old_width], np.float32))
        window_sample(sample, -top, -left, height, width, self.fill, self.ignore)
        if not self.center:
            sample["im_shape"] = im_shape
        return sample


class LetterBox(Transform):
    """Letterbox: resizes with the aspect ratio kept, then pads to the full size (the input of YOLO).

    Args:
        size (int | list[int]): size in pixels, [height, width].
        fill (float | list[float]): color of the padding, 0 to 255.
        ignore (int): class id of the padding in a mask.
        center (bool): pads on all sides; `scale_factor` does not map predicted boxes back then, so that a detector
            refuses it outside of data.train.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    def __init__(self, size, fill=114, ignore=255, center=False, interp="bilinear"):
        self.resize = Resize(size, keep_ratio=True, interp=interp)
        self.pad = Pad(size, fill=fill, ignore=ignore, center=center)
        self.center = center

    def __call__(self, sample, rng):
        return self.pad(self.resize(sample, rng), rng)


def scale_size(height, width, scale):
    """Multiplies a size by a factor and rounds it to whole pixels, at least 1."""
    return max(int(height * scale + 0.5), 1), max(int(width * scale + 0.5), 1)


def read_sides(size):
    """One length in pixels, or several, as a list of ints."""
    return [parse_size(side)[0] for side in ([size] if np.ndim(size) == 0 else size)]


def draw_side(sizes, rng):
    """One of several lengths at random."""
    return sizes[rng.integers(len(sizes))] if len(sizes) > 1 else sizes[0]
