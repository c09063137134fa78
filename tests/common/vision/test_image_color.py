"""Color transforms and normalization against numbers calculated by hand."""

import cv2
import numpy as np
import pytest

from common.data.transform import random_for
from common.vision.color import (
    GaussianBlur,
    Normalize,
    RandomDistort,
    RandomErasing,
    RandomGray,
    brightness_map,
    contrast_map,
    hue_map,
    saturation_map,
)

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def noise(height=20, width=30):
    return np.random.default_rng(2).integers(0, 256, (height, width, 3), np.uint8)


def apply(matrix, *pixel):
    return (matrix @ [*pixel, 1])[:3]


def test_normalize_is_scale_minus_mean_over_std_channels_first():
    image = noise()
    out = Normalize(MEAN, STD)({"image": image}, None)["image"]
    assert out.dtype == np.float32 and out.shape == (3, 20, 30) and out.flags.c_contiguous
    assert np.abs(out - ((image / 255 - MEAN) / STD).transpose(2, 0, 1)).max() < 1e-6


def test_normalize_without_scaling_and_in_bgr():
    image = noise()
    out = Normalize([104, 117, 123], [1, 1, 1], scale=1, bgr=True)({"image": image}, None)["image"]
    assert np.array_equal(out, (image[..., ::-1].astype(np.float32) - [104, 117, 123]).transpose(2, 0, 1))


def test_normalize_to_one_gray_channel():
    gray = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    out = Normalize([0.5], [0.5])({"image": gray}, None)["image"]
    assert out.shape == (1, 16, 16) and np.allclose(out[0], gray[..., 0] / 127.5 - 1, atol=1e-6)


def test_normalize_reads_a_view_of_a_larger_image():
    image = noise()
    part = Normalize()({"image": image[3:9, 4:11]}, None)["image"]
    assert np.array_equal(part, Normalize()({"image": image}, None)["image"][:, 3:9, 4:11])


def test_normalizing_twice_is_refused():
    with pytest.raises(TypeError, match="uint8"):
        Normalize()(Normalize()({"image": noise()}, None), None)
    with pytest.raises(ValueError, match="std"):
        Normalize([0, 0, 0], [1, 0, 1])


def test_means_of_pixels_to_255_need_a_scale_of_1():
    with pytest.raises(ValueError, match=r"maximum of pixels times scale 0\.003922 is 1; .* set scale: 1"):
        Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
    assert Normalize([1, 1, 1], [1, 1, 1])({"image": noise()}, None)["image"].max() <= 0


def test_color_maps_match_their_definitions():
    assert apply(brightness_map(20), 10, 20, 30).tolist() == [30, 40, 50]
    assert apply(contrast_map(1.5), 10, 20, 30).tolist() == [15, 30, 45]
    luma = 0.299 * 10 + 0.587 * 20 + 0.114 * 30
    assert np.allclose(apply(saturation_map(0), 10, 20, 30), luma)
    assert np.allclose(apply(saturation_map(2), 10, 20, 30), [20 - luma, 40 - luma, 60 - luma])
    assert np.allclose(saturation_map(1), np.eye(4)) and np.allclose(hue_map(0), np.eye(4), atol=1e-12)


def test_hue_keeps_luma_and_gray_and_turns_back():
    turned = apply(hue_map(40), 10, 200, 30)
    assert np.isclose(turned @ [0.299, 0.587, 0.114], 0.299 * 10 + 0.587 * 200 + 0.114 * 30, atol=0.05)
    assert np.allclose(apply(hue_map(40), 90, 90, 90), 90, atol=0.1)
    assert np.allclose(hue_map(-40) @ hue_map(40), np.eye(4), atol=1e-9)


def test_distorting_in_one_pass_equals_one_map_after_another():
    image = noise(60, 80) // 2 + 60
    transform = RandomDistort(0.02, 0.1, 0.1, 5, prob=1)
    matrix = transform.draw(random_for(3))
    expected = np.clip(np.rint(image @ matrix[:, :3].T + matrix[:, 3]), 0, 255)
    out = transform({"image": image}, random_for(3))["image"]
    assert out.dtype == np.uint8 and np.abs(out - expected).max() <= 1


def test_distorting_shuffles_the_order_of_its_maps():
    class Fixed:
        """A generator that always draws the maximum amounts and a given order."""

        def __init__(self, order):
            self.order = np.array(order)

        def random(self, count):
            return np.zeros(count)

        def uniform(self, low, high, count):
            return np.ones(count)

        def permutation(self, count):
            return self.order if count == 4 else np.arange(3)

    transform = RandomDistort(10 / 255, 1.0, 0.0, 0.0, prob=1)
    assert np.allclose(apply(transform.draw(Fixed([0, 1, 2, 3])), 5, 5, 5), (5 + 10) * 2)
    assert np.allclose(apply(transform.draw(Fixed([1, 0, 2, 3])), 5, 5, 5), 5 * 2 + 10)


def test_distorting_may_swap_channels_and_may_do_nothing():
    image = noise()
    assert RandomDistort(prob=0)({"image": image}, random_for(0))["image"] is image
    swapped = {RandomDistort(0, 0, 0, 0, swap=1)({"image": image}, random_for(s))["image"].tobytes() for s in range(40)}
    orders = [(a, b, 3 - a - b) for a in range(3) for b in range(3) if a != b]
    assert swapped == {image[..., list(order)].tobytes() for order in orders}


@pytest.mark.parametrize(
    "transform", [RandomDistort(prob=1), GaussianBlur(prob=1), RandomErasing(1), RandomErasing(1, fill=[9, 8, 7])]
)
def test_augmentation_is_a_function_of_the_random_key(transform):
    one, two, three = (transform({"image": noise()}, random_for(*key))["image"] for key in ((1, 2), (1, 2), (1, 3)))
    assert one.tobytes() == two.tobytes() != three.tobytes() and one.dtype == np.uint8


def test_gray_has_three_equal_channels_of_luma():
    gray = RandomGray(1)({"image": noise()}, random_for(0))["image"]
    assert (gray == gray[..., :1]).all() and np.array_equal(gray[..., 0], cv2.cvtColor(noise(), cv2.COLOR_RGB2GRAY))
    assert np.array_equal(RandomGray(0)({"image": noise()}, random_for(0))["image"], noise())


def test_blurring_spreads_a_point_and_keeps_its_sum():
    image = np.zeros((21, 21, 3), np.uint8)
    image[10, 10] = 255
    out = GaussianBlur([2, 2], prob=1)({"image": image}, random_for(0))["image"]
    assert abs(out[10, 10, 0] - 255 / (2 * np.pi * 4)) < 1 and abs(int(out[..., 0].sum()) - 255) < 60


def test_erasing_paints_one_rectangle_of_an_allowed_area():
    areas = []
    for seed in range(30):
        image = np.full((50, 60, 3), 1, np.uint8)
        out = RandomErasing(1, area=[0.1, 0.3], fill=[9, 8, 7])({"image": image}, random_for(seed))["image"]
        rows, columns = np.nonzero(out[..., 0] == 9)
        area = len(rows)
        assert area == (np.ptp(rows) + 1) * (np.ptp(columns) + 1) and (out[rows, columns] == [9, 8, 7]).all()
        assert (out[out[..., 0] != 9] == 1).all()
        areas.append(area / 3000)
    assert 0.08 <= min(areas) < 0.15 and 0.25 < max(areas) <= 0.32


def test_erasing_with_noise_fills_the_rectangle_with_many_values():
    out = RandomErasing(1, area=[0.3, 0.3])({"image": np.zeros((50, 60, 3), np.uint8)}, random_for(0))["image"]
    assert len(np.unique(out)) > 200
