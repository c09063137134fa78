"""Corner cropping and scale jittering of frames (TSN, https://arxiv.org/abs/1608.00859, section 3.3)."""

from common.data.transform import Transform
from common.vision.geometry import check_interpolation, parse_size, resize_sample, window_sample

PLACES = ((0, 0), (0, 2), (2, 0), (2, 2), (1, 1))  # halves of the free height and width: corners and center


class MultiScaleCrop(Transform):
    """Crops a window of random size from a corner or the center, and resizes it.

    Height and width of the window are shares of the shorter side that are neighbors in `scales`, or equal.

    Args:
        size (int | list[int]): of the result, one number or [height, width].
        scales (list[float]): shares, from large to small.
        interp (str): nearest, bilinear, cubic, area or lanczos.
    """

    augments = True

    def __init__(self, size, scales=(1.0, 0.875, 0.75, 0.66), interp="bilinear"):
        if not scales or any(not 0 < scale <= 1 for scale in scales):
            raise ValueError(f"MultiScaleCrop got scales {list(scales)}; each is above 0 and at most 1")
        self.size, self.interp = parse_size(size), check_interpolation(interp)
        self.shapes = [(a, b) for i, a in enumerate(scales) for j, b in enumerate(scales) if abs(i - j) <= 1]

    def __call__(self, sample, rng):
        height, width = sample["image"].shape[:2]
        shape, place = self.shapes[rng.integers(len(self.shapes))], PLACES[rng.integers(len(PLACES))]
        tall, wide = (max(1, int(share * min(height, width))) for share in shape)
        top, left = (height - tall) * place[0] // 2, (width - wide) * place[1] // 2
        return resize_sample(window_sample(sample, top, left, tall, wide), *self.size, self.interp)
