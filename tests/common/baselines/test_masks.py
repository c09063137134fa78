"""Baselines of semantic segmentation."""

import numpy as np

from common.baselines.masks import GRID, FrequentClass, OtsuThreshold, cells_of

RNG = np.random.default_rng(0)


def test_cells_divide_an_image_evenly():
    cells = cells_of(2 * GRID, 3 * GRID)
    assert (np.bincount(cells.ravel()) == 6).all() and cells[0, 2] == 0 and cells[1, 3] == 1 and cells[2, 0] == GRID


def test_the_most_frequent_class_of_each_place_is_found_at_any_size():
    mask = np.zeros((3, GRID, GRID), np.uint8)
    mask[:2, GRID // 2 :], mask[2] = 1, 2
    mask[:, 0, 0] = 255
    baseline = FrequentClass(3)
    baseline.see({"mask": mask})
    baseline.fit()
    found = baseline.predict({"image": np.zeros((2, 3, 2 * GRID, GRID))})["label_map"]
    assert found.shape == (2, 2 * GRID, GRID)
    assert (found[:, :2, 0] == 1).all()  # never seen: the most frequent one of all
    assert not found[:, 2:GRID].any() and (found[:, GRID:] == 1).all()


def test_the_threshold_learns_which_class_is_the_brighter_one():
    mask = (RNG.random((4, 16, 16)) < 0.3).astype(np.uint8)
    for sign in (1, -1):
        image = (sign * 3.0 * mask + RNG.normal(size=mask.shape) * 0.1)[:, None].repeat(3, 1)
        baseline = OtsuThreshold(2)
        baseline.see({"image": image[:2], "mask": mask[:2]})
        baseline.fit()
        assert (baseline.predict({"image": image[2:]})["label_map"] == mask[2:]).all()
