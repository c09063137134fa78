"""A mask is carried exactly by every augmentation: the pixel of the class is where the pixel of the image went."""

import numpy as np
import pytest

from common.data.transform import random_for
from common.vision.affine import RandomAffine, RandomExpand, RandomFlip, RandomRotate, RandomScale
from common.vision.batch import PadBatch, ResizeBatch
from common.vision.color import GaussianBlur, Normalize, RandomDistort, RandomErasing, RandomGray
from common.vision.crop import CenterCrop, RandomCropToSize, RandomResizedCrop
from common.vision.policy import AutoAugment, RandAugment, TrivialAugment
from common.vision.resize import LetterBox, Pad, Resize, ResizeLong, ResizeShort

FILL, STEP = 7, 24  # color of new pixels, and colors from class to class
NEAREST = {"interp": "nearest"}
GEOMETRIC = [
    RandomScale([0.5, 2.0], **NEAREST),
    RandomScale([0.5, 2.0], step=0.25, **NEAREST),
    RandomScale([0.5, 1.0, 4.0], **NEAREST),
    RandomRotate(45, prob=1, fill=FILL, **NEAREST),
    RandomAffine(30, 0.2, (0.5, 1.5), 10, fill=FILL, **NEAREST),
    RandomFlip(0.5, 0.5),
    RandomExpand(2.0, prob=1, fill=FILL),
    RandomCropToSize([50, 80], fill=FILL),
    RandomCropToSize([50, 80], fill=FILL, max_part=0.5),
    RandomResizedCrop([32, 40], scale=[0.3, 1.0], ratio=[0.5, 2.0], **NEAREST),
    CenterCrop([70, 30], fill=FILL),
    Resize([33, 71], **NEAREST),
    ResizeShort([30, 60], **NEAREST),
    ResizeLong([40, 90], **NEAREST),
    LetterBox([64, 64], fill=FILL, **NEAREST),
    Pad([80, 90], fill=FILL),
]
COLORS = [
    RandomDistort(),
    RandomGray(prob=1),
    GaussianBlur(prob=1),
    RandomErasing(prob=1),
    Normalize([0.5] * 3, [0.5] * 3),
]


def blocks(height=57, width=64, classes=9):
    """A sample whose image has a color for each class of its mask, in blocks of noise."""
    mask = np.random.default_rng(0).integers(0, classes, (height // 3 + 1, width // 4 + 1), np.uint8)
    mask = mask.repeat(3, 0).repeat(4, 1)[:height, :width].copy()
    mask[5:9, 20:30] = 255  # ignored in the data themselves
    size = np.array([height, width])
    sample = {"image": color(mask), "mask": mask, "original_size": size, "im_shape": np.float32(size)}
    return sample | {"scale_factor": np.ones(2, np.float32)}


def color(mask):
    """The image of a mask: the color of each class, FILL where it is ignored."""
    return np.where(mask == 255, FILL, mask * STEP + 30).astype(np.uint8)[..., None].repeat(3, 2)


@pytest.mark.parametrize("transform", GEOMETRIC, ids=lambda transform: type(transform).__name__)
def test_the_mask_goes_where_the_image_goes_and_new_pixels_are_ignored(transform):
    changed = 0
    for seed in range(12):
        sample = transform(blocks(), random_for(seed))
        assert sample["mask"].dtype == np.uint8
        assert (sample["image"] == color(sample["mask"])).all()
        changed += sample["mask"].shape != (57, 64) or (sample["mask"] != blocks()["mask"]).any()
    assert changed


@pytest.mark.parametrize("transform", COLORS, ids=lambda transform: type(transform).__name__)
def test_what_changes_colors_leaves_the_mask(transform):
    sample = transform(blocks(), random_for(1))
    assert (sample["mask"] == blocks()["mask"]).all() and np.shape(sample["image"]) != ()


@pytest.mark.parametrize("kind", [AutoAugment, RandAugment, TrivialAugment])
def test_operations_of_policies_make_no_new_classes(kind):
    for seed in range(20):
        sample = kind()(blocks(), random_for(seed))
        assert sample["mask"].shape == sample["image"].shape[:2] and sample["mask"].dtype == np.uint8
        assert set(np.unique(sample["mask"])) <= {*range(9), 255}


def test_smooth_interpolation_of_the_image_leaves_masks_without_new_classes():
    for transform in (Resize([33, 71], interp="cubic"), RandomRotate(45, prob=1), RandomScale([0.5, 2.0])):
        assert set(np.unique(transform(blocks(), random_for(0))["mask"])) <= {*range(9), 255}


def test_transforms_of_whole_batches_carry_the_masks():
    samples = [blocks(40, 60), blocks(57, 64)]
    for sample in PadBatch()(samples, random_for(0)):
        assert sample["mask"].shape == (64, 64) == sample["image"].shape[:2]
    for sample in ResizeBatch([48])(samples, random_for(0)):
        assert sample["mask"].shape == sample["image"].shape[:2] == (48, 48)
        assert set(np.unique(sample["mask"])) <= {*range(9), 255}
