"""Crops of people: places by hand, random crops with their keypoints, left and right, half a body."""

import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import BadSample
from common.vision.person_crop import PersonCrop, RandomPersonCrop, mirrored_order, mirrored_pairs

NAMES = ["nose", "l_eye", "r_eye", "l_shoulder", "r_shoulder", "l_wrist", "r_wrist", "l_hip", "r_hip", "l_foot"]


def sample(box=(20, 30, 40, 70), points=((30, 50), (21, 31), (5, 5))):
    """A dark image of 80 x 100 pixels with a light square of 4 pixels around its first keypoint."""
    image = np.zeros((100, 80, 3), np.uint8)
    (x, y), *_ = points
    image[y - 2 : y + 2, x - 2 : x + 2] = 255
    keypoints = np.array([[(x, y, 2) for x, y in points]], np.float32)
    return {"image": image, "boxes": np.array([box], np.float32), "keypoints": keypoints}


def light(image):
    """The middle (x, y) of what is light."""
    return np.argwhere(image[..., 0] > 127).mean(0)[::-1] + 0.5


def test_a_crop_has_the_shape_of_the_result_around_the_padded_box():
    # 20 x 40 pixels become 30 x 40 of the shape 48 x 64, and 37.5 x 50 with padding; the corners are rounded
    found = PersonCrop([64, 48])(sample(), random_for(0))
    assert found["image"].shape == (64, 48, 3) and found["crop"].tolist() == [11, 25, 49, 75]
    np.testing.assert_allclose(found["keypoints"][0, 0], [19 * 48 / 38, 25 * 64 / 50, 2])
    assert found["keypoints"][0, 2].tolist() == [0, 0, 0]  # outside the crop
    np.testing.assert_allclose(light(found["image"]), found["keypoints"][0, 0, :2], atol=0.5)


def test_without_a_box_the_whole_image_is_the_crop_and_what_lies_outside_is_filled():
    whole = {"image": np.full((40, 60, 3), 200, np.uint8)}
    found = PersonCrop([64, 64], fill=[7, 8, 9])(whole, random_for(0))
    assert found["crop"].tolist() == [0, -10, 60, 50]
    assert found["image"][0, 0].tolist() == [7, 8, 9] and found["image"][32, 32].tolist() == [200] * 3


def test_a_crop_beyond_the_limit_of_pixels_and_a_padding_below_one_are_refused():
    with pytest.raises(BadSample, match="D103"):
        PersonCrop([64, 48])(sample(box=(0, 0, 20000, 40000)), random_for(0))
    with pytest.raises(ValueError, match="padding"):
        PersonCrop([64, 48], padding=0.5)


@pytest.mark.parametrize("seed", range(12))
def test_keypoints_follow_a_random_crop(seed):
    crop = RandomPersonCrop(["head", "a", "b"], [64, 48], rotation_prob=1.0)
    found = crop(sample(), random_for(seed))
    np.testing.assert_allclose(light(found["image"]), found["keypoints"][0, 0, :2], atol=0.6)
    assert found["image"].shape == (64, 48, 3) and found["crop"].shape == (4,)


def test_a_mirrored_crop_exchanges_left_and_right():
    keys = {"scale": 0.0, "rotation_prob": 0.0, "padding": 1.0}
    given = sample(points=((30, 50), (25, 40), (38, 45)))
    plain, mirrored = (
        RandomPersonCrop(["nose", "l_hip", "r_hip"], [64, 48], flip_prob=prob, **keys)(dict(given), random_for(0))
        for prob in (0.0, 1.0)
    )
    expected = plain["keypoints"][:, [0, 2, 1]] * [-1, 1, 1] + [48, 0, 0]
    np.testing.assert_allclose(mirrored["keypoints"], expected, atol=1e-4)
    np.testing.assert_array_equal(mirrored["image"], plain["image"][:, ::-1])


def test_half_a_body_is_its_upper_or_its_lower_joints():
    points = [(30, 10), (28, 8), (32, 8), (25, 20), (35, 20), (20, 30), (40, 30), (27, 50), (33, 52), (28, 90)]
    given = sample(box=(15, 5, 45, 95), points=points)
    crop = RandomPersonCrop(NAMES, [64, 64], scale=0.0, rotation_prob=0.0, half_body_prob=1.0)
    seen = {tuple((crop(dict(given), random_for(seed))["keypoints"][0, :, 2] > 0).tolist()) for seed in range(8)}
    upper, lower = (True,) * 7 + (False,) * 3, (False,) * 7 + (True,) * 3
    assert {tuple(np.array(one)[[0, 9]].tolist()) for one in seen} == {(True, False), (False, True)}
    assert all(np.array(one)[np.array(half)].all() for one in seen for half in (upper, lower) if one[0] == half[0])
    few = RandomPersonCrop(NAMES, [64, 64], scale=0.0, rotation_prob=0.0, half_body_prob=1.0, half_body_joints=10)
    assert (few(dict(given), random_for(0))["keypoints"][0, :, 2] > 0).all()


def test_names_tell_which_keypoints_a_mirror_exchanges():
    assert mirrored_pairs(NAMES) == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert mirrored_order(["right_eye", "neck", "left_eye", "left ear"]) == [2, 1, 0, 3]
    assert mirrored_pairs(["lap", "rap", "all", "thrill"]) == []
