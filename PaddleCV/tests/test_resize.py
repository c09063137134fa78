"""Resizing compared with `resize_bilinear` and `resize_nearest` of PaddlePaddle 1.8.5.

Of n pixels made m, pixel i of the result is read at
    i n / m                  align_corners=False, align_mode=1, the old default of the original detection models
    i (n - 1) / (m - 1)      align_corners=True
    (i + 1/2) n / m - 1/2    OpenCV, which is ours: the pixels' centers stay where they are (align_mode=0)
so images resized by ours are up to half a pixel beside those of the first. Nearest is floor(i n / m) there and
floor((i + 1/2) n / m) in our images; where a network doubles, the two are the same.
"""

import numpy as np
import paddle
import pytest

from common.vision.resize import Resize
from PaddleCV.models.blocks.upsample import upsample_nearest

from .golden_numbers import golden

POSITIONS = {
    "align0_mode1": lambda n, m: np.arange(m) * n / m,
    "align1_mode1": lambda n, m: np.arange(m) * (n - 1) / (m - 1),
    "ours": lambda n, m: (np.arange(m) + 0.5) * n / m - 0.5,
}


def read_at(rows, positions):
    """Linear interpolation of [n, ...] along its first axis; beyond the borders their values go on."""
    positions = np.clip(positions, 0, len(rows) - 1)
    low = np.floor(positions).astype(int)
    part = (positions - low).reshape(-1, *[1] * (rows.ndim - 1))
    return rows[low] * (1 - part) + rows[np.minimum(low + 1, len(rows) - 1)] * part


def bilinear(image, height, width, positions):
    """A image [H, W, C] read at the positions of both axes."""
    rows = read_at(image, positions(image.shape[0], height))
    return read_at(rows.transpose(1, 0, 2), positions(image.shape[1], width)).transpose(1, 0, 2)


def images(name):
    """(before [5, 7, 2], after [9, 11, 2]) of a golden case."""
    numbers = golden("resize")
    return tuple(np.ascontiguousarray(numbers[f"{name}/{key}"][0].transpose(1, 2, 0)) for key in ("x", "out"))


@pytest.mark.parametrize("name", ["align0_mode1", "align1_mode1"])
def test_the_operator_reads_where_its_flags_say(name):
    before, after = images(f"bilinear_{name}")
    np.testing.assert_allclose(bilinear(before, 9, 11, POSITIONS[name]), after, atol=1e-5)


@pytest.mark.parametrize("name, difference", [("align0_mode1", 0.8588), ("align1_mode1", 0.4639)])
def test_our_images_are_read_at_the_centers_of_their_pixels(name, difference):
    before, after = images(f"bilinear_{name}")
    found = Resize([9, 11])({"image": before}, np.random.default_rng(0))["image"]
    np.testing.assert_allclose(found, bilinear(before, 9, 11, POSITIONS["ours"]), atol=1e-5)
    assert np.abs(found - after).max() == pytest.approx(difference, abs=1e-3)  # values are between -3 and 3


def test_our_nearest_pixel_is_the_one_that_holds_the_center():
    before, after = images("nearest")
    found = Resize([9, 11], interp="nearest")({"image": before}, np.random.default_rng(0))["image"]
    rows, columns = ((np.arange(m) + 0.5) * n / m for n, m in ((5, 9), (7, 11)))
    np.testing.assert_array_equal(found, before[rows.astype(int)][:, columns.astype(int)])
    assert (found != after).mean() == pytest.approx(0.434, abs=0.01)


def test_nearest_is_the_same_in_networks_which_double():
    before, after = images("nearest")
    rows, columns = np.arange(9) * 5 // 9, np.arange(11) * 7 // 11
    np.testing.assert_array_equal(before[rows][:, columns], after)  # the operator: floor(i n / m)
    doubled = upsample_nearest(paddle.to_tensor(before.transpose(2, 0, 1)[None])).numpy()[0].transpose(1, 2, 0)
    np.testing.assert_array_equal(doubled, before[np.arange(10) * 5 // 10][:, np.arange(14) * 7 // 14])
