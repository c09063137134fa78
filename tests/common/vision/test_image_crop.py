"""Random crops satisfy their constraints."""

import numpy as np

from common.data.transform import random_for
from common.vision.crop import RandomCrop, RandomCropToSize, RandomResizedCrop
from common.vision.face_crop import DataAnchorSampling
from tests.common.vision.image_samples import sample_with


def test_iou_crops_reach_the_threshold_and_contain_the_centers():
    whole = sample_with((20, 20, 70, 60), (110, 80, 150, 110))
    kept = []
    for seed in range(60):
        transform = RandomCrop(thresholds=[0.3], allow_whole=False)
        sample = transform({**whole}, random_for(seed))
        height, width = sample["image"].shape[:2]
        if (height, width) == (120, 160):  # none of the windows was good
            continue
        assert 0.5 - 0.05 <= (width / 160) / (height / 120) <= 2 + 0.1 and len(sample["boxes"])
        areas = (sample["boxes"][:, 2:] - sample["boxes"][:, :2]).prod(1)
        full = np.array([2000, 1200])[sample["labels"]]
        assert (areas / (full + height * width - areas)).max() >= 0.3 - 1e-6
        assert (areas >= full / 4 - 1e-3).all()  # a center inside leaves a quarter at least
        kept.append(tuple(sample["labels"]))
    assert len(kept) > 40 and {(0,), (1,)} <= set(kept)


def test_an_impossible_threshold_leaves_the_image_whole():
    sample = RandomCrop(thresholds=[0.99], allow_whole=False)(sample_with((60, 40, 64, 44)), random_for(0))
    assert sample["image"].shape == (120, 160, 3) and len(sample["boxes"]) == 1


def test_whole_images_are_one_of_the_choices():
    transform, shapes = RandomCrop(), []
    for seed in range(40):
        shapes.append(transform(sample_with((60, 40, 100, 85)), random_for(seed))["image"].shape)
    assert 1 <= shapes.count((120, 160, 3)) <= 30


def test_a_resized_crop_of_an_extreme_image_falls_back_to_the_middle():
    transform = RandomResizedCrop(10, scale=[0.9, 1.0], ratio=[1.0, 1.0])
    assert transform.draw_window(10, 1000, random_for(0)) == (0, 495, 10, 10)


def test_crops_for_masks_avoid_windows_of_one_class():
    sample = sample_with((0, 0, 30, 120))
    transform = RandomCropToSize([40, 40], max_part=0.9, attempts=100)
    for seed in range(20):
        part = transform({"image": sample["image"], "mask": sample["mask"]}, random_for(seed))["mask"]
        assert np.bincount(part.ravel()).max() <= 0.9 * 1600


def test_data_anchor_sampling_draws_the_scales_of_the_anchors_up_to_the_next_larger_one():
    transform, sides = DataAnchorSampling(100, [16, 32, 64, 128]), []
    for seed in range(200):
        sample = transform(sample_with((60, 40, 90, 70)), random_for(seed))  # 30 pixels: the anchor 32, up to 64
        assert sample["image"].shape == (100, 100, 3) and 0 in sample["labels"]
        x1, y1, x2, y2 = sample["boxes"][0]
        if min(x1, y1, 100 - x2, 100 - y2) > 0:  # not cut
            assert abs((x2 - x1) - (y2 - y1)) < 0.5  # images have whole pixels
            sides.append(x2 - x1)
    assert 8 <= min(sides) < 16 and 60 < max(sides) <= 100
    assert abs(np.mean(np.array(sides) < 32) - 0.55) < 0.15
