"""Crops around a tracked object: pixels by hand, jitter that the target knows of, and boxes that are refused."""

import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import BadSample
from common.vision.tracking import TrackingCrops, TrackingPair, context_side, crop_square


def ramp(height=40, width=60):
    """A frame whose red is the column and whose green is the row of a pixel."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.zeros_like(rows)], 2).astype(np.uint8)


def test_the_side_of_the_context_is_that_of_the_paper():
    assert context_side([0, 0, 20, 20]) == 40  # p = 20: (20 + 20) in both directions
    assert context_side([3, 4, 10, 40]) == pytest.approx(np.sqrt(35 * 65))


def test_a_crop_of_whole_pixels_is_cut_out_and_the_mean_lies_outside():
    frame = ramp()
    crop = crop_square(frame, (10.0, 8.0), 6.0, 6)
    np.testing.assert_array_equal(crop, frame[5:11, 7:13].transpose(2, 0, 1))
    crop = crop_square(frame, (0.0, 8.0), 6.0, 6)
    np.testing.assert_allclose(crop[0, :, :3], frame[..., 0].mean(), rtol=1e-6)
    np.testing.assert_array_equal(crop[:, :, 3:], frame[5:11, :3].transpose(2, 0, 1))


def test_a_resized_crop_interpolates_between_the_middles_of_pixels():
    crop = crop_square(ramp(), (20.0, 20.0), 8.0, 4)
    np.testing.assert_allclose(crop[0, 0], [16.5, 18.5, 20.5, 22.5])
    np.testing.assert_allclose(crop[1, :, 0], [16.5, 18.5, 20.5, 22.5])


def test_the_region_lies_around_the_state_and_knows_the_size_of_the_object():
    sample = {"frames": [ramp(), ramp()], "boxes": [[20, 10, 10, 10]], "state": [24, 12, 5, 5]}
    found = TrackingCrops(10, 30)(sample, None)
    assert found["template"].shape == (3, 10, 10) and found["search"].shape == (3, 30, 30)
    np.testing.assert_allclose(found["template"][0].mean(), 24.5)  # a square of 20 about x = 25
    np.testing.assert_allclose(found["search"][0, 15].mean(), 26.0)  # one of 30 about 26.5: pixels 11.5 to 41.5
    np.testing.assert_allclose(found["size"], [5, 5])  # 10 pixels for a side of 10


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_the_target_is_where_jitter_has_put_the_object(flip):
    frame = np.zeros((100, 140, 3), np.uint8)
    frame[40:60, 60:80] = 255
    pair = TrackingPair(40, 80, search_shift=0.6, search_scale=0.3, gray=0, brightness=0, flip=flip)
    for seed in range(4):
        sample = {"path": "a", "frames": [frame, frame], "boxes": np.array([[60, 40, 20, 20]] * 2)}
        found = pair(sample, random_for(seed))
        rows, columns = np.nonzero(found["search"][0] > 127)
        x, y, width, height = found["target"]
        for places, center, side in ((columns, x, width), (rows, y, height)):
            assert (places.min() + places.max() + 1) / 2 - 40 == pytest.approx(center, abs=1)
            assert np.ptp(places) + 1 == pytest.approx(side, abs=1.5)
        assert set(found) == {"path", "template", "search", "size", "target"}


@pytest.mark.parametrize(
    ("box", "text"),
    [
        ([70, 10, 5, 5], r"\[70, 10, 5, 5\] lies outside of the first frame of 60x40"),
        ([5, -9, 5, 8], "lies outside"),
        ([5, 5, 1e9, 4], "is larger than the first frame of 60x40"),
        ([5, 5, 0, 4], "has no area"),
        ([5, 5, float("nan"), 4], "has no area"),
    ],
)
def test_a_first_box_that_shows_nothing_is_refused(box, text):
    with pytest.raises(BadSample, match=text) as found:
        TrackingCrops(10, 30)({"path": "seq", "frames": [ramp()], "boxes": [box]}, None)
    assert found.value.issue.code == "D113" and found.value.issue.file == "seq"


@pytest.mark.parametrize("sizes", [(0, 10), (20, 10)])
def test_sizes_that_no_crop_has_are_refused(sizes):
    with pytest.raises(ValueError, match="the instance is not smaller"):
        TrackingCrops(*sizes)
