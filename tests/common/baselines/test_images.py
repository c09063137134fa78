"""Baselines of images."""

import numpy as np

from common.baselines.images import NearestCentroid, PixelNeighbor, PixelRegression, shrink_images
from common.inference.nearest import unit_rows

RNG = np.random.default_rng(0)


def stripes(label, count=20):
    """Images with a bright upper (0) or lower (1) half, and noise."""
    images = RNG.normal(size=(count, 3, 32, 48)).astype("float32")
    half = slice(0, 16) if label == 0 else slice(16, 32)
    images[:, :, half] += 2
    return images


def test_images_become_16_by_16_pixels():
    image = np.zeros((1, 1, 32, 32), "float32")
    image[0, 0, :2, :2] = 1
    small = shrink_images(image)
    assert small.shape == (1, 256) and small[0, 0] == 1 and small.sum() == 1


def test_both_tell_bright_halves_apart():
    batch = {"image": np.concatenate([stripes(0), stripes(1)]), "label": np.repeat([0, 1], 20)}
    other = {"image": np.concatenate([stripes(0), stripes(1)]), "label": np.repeat([0, 1], 20)}
    for kind in (NearestCentroid, PixelRegression):
        baseline = kind(3)
        baseline.see(batch)
        baseline.fit()
        scores = baseline.predict(other)["scores"]
        assert (scores.argmax(1) == other["label"]).all() and (scores[:, 2] == 0).all()


def test_embeddings_of_pixels_find_the_same_picture_in_another_brightness():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(3, 1, 32, 32)).astype(np.float32)
    batch = {"image": np.concatenate([image, 0.5 * image + 3])}
    baseline = PixelNeighbor()
    baseline.see(batch)
    baseline.fit()
    rows = unit_rows(baseline.predict(batch)["embedding"])
    assert (rows @ rows.T)[:3, 3:].argmax(1).tolist() == [0, 1, 2]
    np.testing.assert_allclose(np.diag((rows @ rows.T)[:3, 3:]), 1, atol=1e-4)
