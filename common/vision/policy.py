"""Augmentation policies: AutoAugment, RandAugment and TrivialAugment.

AutoAugment (https://arxiv.org/abs/1805.09501), RandAugment (https://arxiv.org/abs/1909.13719) and TrivialAugment
(https://arxiv.org/abs/2103.10158). Geometric operations also transform boxes, masks and keypoints.
"""

from common.data.transform import Transform
from common.vision.geometry import check_interpolation
from common.vision.operations import OPERATIONS, SIGNED

# Table 9 of AutoAugment, the ImageNet policy: pairs of (operation, probability, magnitude of 0 to 9)
IMAGENET_POLICY = (
    (("posterize", 0.4, 8), ("rotate", 0.6, 9)),
    (("solarize", 0.6, 5), ("autocontrast", 0.6, 5)),
    (("equalize", 0.8, 8), ("equalize", 0.6, 3)),
    (("posterize", 0.6, 7), ("posterize", 0.6, 6)),
    (("equalize", 0.4, 7), ("solarize", 0.2, 4)),
    (("equalize", 0.4, 4), ("rotate", 0.8, 8)),
    (("solarize", 0.6, 3), ("equalize", 0.6, 7)),
    (("posterize", 0.8, 5), ("equalize", 1.0, 2)),
    (("rotate", 0.2, 3), ("solarize", 0.6, 8)),
    (("equalize", 0.6, 8), ("posterize", 0.4, 6)),
    (("rotate", 0.8, 8), ("color", 0.4, 0)),
    (("rotate", 0.4, 9), ("equalize", 0.6, 2)),
    (("equalize", 0.0, 7), ("equalize", 0.8, 8)),
    (("invert", 0.6, 4), ("equalize", 1.0, 8)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("rotate", 0.8, 8), ("color", 1.0, 2)),
    (("color", 0.8, 8), ("solarize", 0.8, 7)),
    (("sharpness", 0.4, 7), ("invert", 0.6, 8)),
    (("shear_x", 0.6, 5), ("equalize", 1.0, 9)),
    (("color", 0.4, 0), ("equalize", 0.6, 3)),
    (("equalize", 0.4, 7), ("solarize", 0.2, 4)),
    (("solarize", 0.6, 5), ("autocontrast", 0.6, 5)),
    (("invert", 0.6, 4), ("equalize", 1.0, 8)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("equalize", 0.8, 8), ("equalize", 0.6, 3)),
)

# The value at the maximum magnitude: fractions for shear, shift (of 331 pixels in AutoAugment) and enhancement,
# degrees, number of bits, levels below the threshold 256
COMMON_RANGES = {
    "shear_x": 0.3,
    "shear_y": 0.3,
    "shift_x": 150 / 331,
    "shift_y": 150 / 331,
    "rotate": 30.0,
    "brightness": 0.9,
    "color": 0.9,
    "contrast": 0.9,
    "sharpness": 0.9,
    "posterize": 4.0,
    "solarize": 256.0,
}
WIDE_RANGES = {
    **COMMON_RANGES,
    "shear_x": 0.99,
    "shear_y": 0.99,
    "shift_x": 32 / 224,
    "shift_y": 32 / 224,
    "rotate": 135.0,
    "brightness": 0.99,
    "color": 0.99,
    "contrast": 0.99,
    "sharpness": 0.99,
    "posterize": 6.0,
}
RANDOM_OPERATIONS = (*COMMON_RANGES, "autocontrast", "equalize", "identity")


class AutoAugment(Transform):
    """Applies one of the 25 sub-policies of AutoAugment for ImageNet (1805.09501, table 9).

    Args:
        fill (float | list[float]): color of pixels outside the image, 0 to 255.
        ignore (int): class id of pixels outside the image in a mask.
        interp (str): nearest, bilinear, cubic or lanczos.
    """

    augments = True

    def __init__(self, fill=128, ignore=255, interp="bilinear"):
        self.moving = {"fill": fill, "ignore": ignore, "interp": check_interpolation(interp, ())}

    def __call__(self, sample, rng):
        for name, prob, level in IMAGENET_POLICY[rng.integers(len(IMAGENET_POLICY))]:
            if rng.random() < prob:
                apply_operation(sample, name, level / 9, COMMON_RANGES, rng, self.moving)
        return sample


class RandAugment(Transform):
    """Applies operations drawn from a set of 14, all with the same magnitude (1909.13719, section 3).

    Args:
        num_operations (int): number of operations, N of the paper.
        magnitude (int): magnitude of the operations, M of the paper.
        num_levels (int): number of magnitudes; the maximum is num_levels - 1.
        fill (float | list[float]): color of pixels outside the image, 0 to 255.
        ignore (int): class id of pixels outside the image in a mask.
        interp (str): nearest, bilinear, cubic or lanczos.
    """

    augments = True

    def __init__(self, num_operations=2, magnitude=9, num_levels=31, fill=128, ignore=255, interp="bilinear"):
        if not 0 <= magnitude < num_levels:
            raise ValueError(f"RandAugment got magnitude {magnitude}; it must be 0 to {num_levels - 1}")
        self.num_operations = num_operations
        self.strength = magnitude / (num_levels - 1)
        self.moving = {"fill": fill, "ignore": ignore, "interp": check_interpolation(interp, ())}

    def __call__(self, sample, rng):
        for choice in rng.integers(len(RANDOM_OPERATIONS), size=self.num_operations):
            apply_operation(sample, RANDOM_OPERATIONS[choice], self.strength, COMMON_RANGES, rng, self.moving)
        return sample


class TrivialAugment(Transform):
    """Applies one of 14 operations with a magnitude of 0 to 30, both drawn uniformly, over wide ranges (2103.10158).

    Args:
        fill (float | list[float]): color of pixels outside the image, 0 to 255.
        ignore (int): class id of pixels outside the image in a mask.
        interp (str): nearest, bilinear, cubic or lanczos.
    """

    augments = True

    def __init__(self, fill=128, ignore=255, interp="bilinear"):
        self.moving = {"fill": fill, "ignore": ignore, "interp": check_interpolation(interp, ())}

    def __call__(self, sample, rng):
        name = RANDOM_OPERATIONS[rng.integers(len(RANDOM_OPERATIONS))]
        apply_operation(sample, name, rng.integers(31) / 30, WIDE_RANGES, rng, self.moving)
        return sample


def apply_operation(sample, name, strength, ranges, rng, moving):
    """Applies an operation with a strength of 0 to 1, and a random sign if it is signed."""
    value = ranges.get(name, 0.0) * strength
    if name in SIGNED and rng.random() < 0.5:
        value = -value
    return OPERATIONS[name](sample, value, moving)
