"""The operations of augmentation policies against Pillow's, and the policies themselves."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from common.data.transform import random_for
from common.vision.operations import OPERATIONS
from common.vision.policy import (
    IMAGENET_POLICY,
    RANDOM_OPERATIONS,
    AutoAugment,
    RandAugment,
    TrivialAugment,
    apply_operation,
)
from tests.common.vision.image_samples import assert_consistent, extent, sample_with

MOVING = {"fill": 0, "ignore": 255, "interp": "bilinear"}
IMAGES = {
    "noise": np.random.default_rng(3).integers(0, 256, (40, 50, 3), np.uint8),
    "dim": np.random.default_rng(3).normal([60, 90, 120], 12, (40, 50, 3)).clip(0, 255).astype(np.uint8),
    "flat": np.full((40, 50, 3), (10, 200, 77), np.uint8),
}
PILLOW = {
    ("brightness", 0.4): lambda p: ImageEnhance.Brightness(p).enhance(1.4),
    ("brightness", -0.7): lambda p: ImageEnhance.Brightness(p).enhance(0.3),
    ("contrast", 0.8): lambda p: ImageEnhance.Contrast(p).enhance(1.8),
    ("contrast", -0.5): lambda p: ImageEnhance.Contrast(p).enhance(0.5),
    ("color", 0.9): lambda p: ImageEnhance.Color(p).enhance(1.9),
    ("color", -0.9): lambda p: ImageEnhance.Color(p).enhance(0.1),
    ("sharpness", 0.9): lambda p: ImageEnhance.Sharpness(p).enhance(1.9),
    ("sharpness", -0.6): lambda p: ImageEnhance.Sharpness(p).enhance(0.4),
    ("posterize", 4): lambda p: ImageOps.posterize(p, 4),
    ("posterize", 0): lambda p: p,
    ("solarize", 100): lambda p: ImageOps.solarize(p, 156),
    ("solarize", 0): lambda p: p,
    ("invert", 0): ImageOps.invert,
    ("autocontrast", 0): ImageOps.autocontrast,
    ("equalize", 0): ImageOps.equalize,
    ("identity", 0): lambda p: p,
}


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize(("name", "value"), PILLOW)
def test_color_operations_match_pillow(name, value, image):
    image = IMAGES[image]
    ours = OPERATIONS[name]({"image": image.copy()}, value, MOVING)["image"]
    theirs = np.asarray(PILLOW[name, value](Image.fromarray(image)))
    # the enhancements blend with a gray or a smooth image that Pillow has rounded first
    allowed = 2 if name in ("color", "sharpness", "contrast") else 1 if name in ("autocontrast", "brightness") else 0
    assert ours.dtype == np.uint8 and np.abs(ours.astype(int) - theirs).max() <= allowed


@pytest.mark.parametrize(
    ("name", "value"), [("shear_x", 0.3), ("shear_y", -0.3), ("shift_x", 0.2), ("shift_y", -0.2), ("rotate", 25)]
)
def test_geometric_operations_move_boxes_with_the_image(name, value):
    sample = OPERATIONS[name](sample_with((60, 40, 100, 85)), value, MOVING)
    assert_consistent(sample)
    assert np.abs(extent(sample["mask"] == 1) - sample["boxes"][0]).max() <= 1.5


def test_shifts_are_fractions_of_the_image_size():
    sample = OPERATIONS["shift_x"](sample_with((60, 40, 100, 85)), 0.25, MOVING)
    assert sample["boxes"].tolist() == [[100, 40, 140, 85]] and not sample["image"][:, :40].any()


def test_the_imagenet_policy_has_25_pairs_of_known_operations():
    assert len(IMAGENET_POLICY) == 25 and all(len(pair) == 2 for pair in IMAGENET_POLICY)
    assert all(name in OPERATIONS and 0 <= p <= 1 and 0 <= k <= 9 for pair in IMAGENET_POLICY for name, p, k in pair)
    assert len(RANDOM_OPERATIONS) == 14 and set(RANDOM_OPERATIONS) <= set(OPERATIONS)


@pytest.mark.parametrize("transform", [AutoAugment(), RandAugment(), TrivialAugment()])
def test_policies_are_functions_of_the_random_key(transform):
    seen = set()
    for seed in range(60):
        one, two = (transform(sample_with((60, 40, 100, 85)), random_for(seed)) for _ in range(2))
        assert_consistent(one)
        assert all(np.array_equal(one[key], two[key]) for key in one)
        seen.add(one["image"].tobytes())
    assert len(seen) > 20


def test_signed_operations_use_both_signs():
    sums = {
        apply_operation({"image": IMAGES["dim"].copy()}, "brightness", 0.5, {"brightness": 0.9}, random_for(s), {})[
            "image"
        ].mean()
        > IMAGES["dim"].mean()
        for s in range(10)
    }
    assert sums == {True, False}


def test_a_magnitude_of_zero_changes_nothing():
    for name in RANDOM_OPERATIONS:
        if name not in ("autocontrast", "equalize"):
            out = apply_operation({"image": IMAGES["noise"].copy()}, name, 0.0, {}, random_for(0), MOVING)
            assert np.array_equal(out["image"], IMAGES["noise"]), name


def test_a_magnitude_out_of_range_is_refused():
    with pytest.raises(ValueError, match="magnitude"):
        RandAugment(magnitude=31)
    with pytest.raises(ValueError, match="interp"):
        AutoAugment(interp="random")
