"""Masks of tracked objects: boxes and rectangles around them by hand, files of numbers, and masks in training pairs."""

import cv2
import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import BadSample
from common.vision.instance_masks import encode_mask
from common.vision.track_masks import box_of_mask, read_track_mask, rectangle_of
from common.vision.tracking import TrackingPair


def test_the_box_of_a_mask_encloses_its_pixels():
    mask = np.zeros((8, 9), np.uint8)
    assert box_of_mask(mask) is None
    mask[2:5, 3:8] = 1
    assert box_of_mask(mask).tolist() == [3, 2, 5, 3]


def test_the_rectangle_is_around_the_largest_part_and_covers_whole_pixels():
    mask = np.zeros((20, 20), bool)
    assert rectangle_of(mask) is None
    mask[2:5, 3:8] = True
    mask[15, 15] = True
    np.testing.assert_allclose(rectangle_of(mask), [[3, 2], [8, 2], [8, 5], [3, 5]], atol=1e-4)
    mask[:] = False
    mask[7, 4] = True  # one pixel
    np.testing.assert_allclose(rectangle_of(mask), [[4, 7], [5, 7], [5, 8], [4, 8]], atol=1e-4)


def test_masks_are_read_from_codes_and_from_numbers_in_files(tmp_path):
    ids = np.zeros((6, 7), np.uint8)
    ids[1:3, 2:5], ids[4:, :2] = 3, 9
    cv2.imwrite(str(tmp_path / "a.png"), ids)
    np.testing.assert_array_equal(read_track_mask({"path": str(tmp_path / "a.png"), "value": 9}), ids == 9)
    np.testing.assert_array_equal(read_track_mask({"path": str(tmp_path / "a.png")}), ids > 0)
    np.testing.assert_array_equal(read_track_mask(encode_mask(ids == 3)), ids == 3)
    with pytest.raises(BadSample, match="D104"):
        read_track_mask({"path": str(tmp_path / "b.png")})


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_the_mask_moves_with_the_object_of_a_pair(flip):
    frame, mask = np.zeros((100, 140, 3), np.uint8), np.zeros((100, 140), np.uint8)
    frame[40:60, 60:80], mask[40:60, 60:80] = 255, 1
    pair = TrackingPair(40, 80, search_shift=0.6, search_scale=0.3, gray=0, brightness=0, flip=flip)
    for seed in range(4):
        sample = {"path": "a", "frames": [frame, frame], "boxes": np.array([[60, 40, 20, 20]] * 2)}
        found = pair(sample | {"mask": encode_mask(mask)}, random_for(seed))
        np.testing.assert_array_equal(found["mask"], found["search"][0] >= 127.5)
        assert found["masked"] == 1 and found["mask"].any() and found["mask"].dtype == np.uint8
        missing = pair(sample | {"mask": None}, random_for(seed))
        assert missing["masked"] == 0 and not missing["mask"].any() and missing["mask"].shape == (80, 80)


def test_a_mask_of_another_size_than_its_frame_is_refused():
    frame = np.zeros((10, 14, 3), np.uint8)
    sample = {"path": "a", "frames": [frame, frame], "boxes": np.array([[2, 2, 4, 4]] * 2)}
    with pytest.raises(BadSample, match="the mask is of 9x8 pixels, its frame of 14x10") as found:
        TrackingPair(8, 16)(sample | {"mask": encode_mask(np.ones((8, 9), bool))}, random_for(0))
    assert found.value.issue.code == "D111"
