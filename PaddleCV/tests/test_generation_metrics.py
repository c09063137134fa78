"""Scores of generated, translated and edited images, by numbers worked out by hand."""

import types

import numpy as np
import paddle
import pytest

from PaddleCV.metrics.cycle_scores import CycleScores
from PaddleCV.metrics.edit_scores import EditScores, shows
from PaddleCV.metrics.generation_scores import GenerationScores, cell_means, frechet_distance
from PaddleCV.metrics.translation_error import TranslationError


def test_the_frechet_distance_of_two_normal_sets_is_its_formula():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(500, 2))
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(first, first + np.array([3, 4])) == pytest.approx(25)
    covariance = np.cov(first, rowvar=False)  # a set of twice the spread: trace(C + 4 C - 2 * 2 C) = trace(C)
    moved = 2 * (first - first.mean(0)) + first.mean(0)
    assert frechet_distance(first, moved) == pytest.approx(np.trace(covariance))


def test_cells_are_means_of_gray_levels():
    image = np.arange(14 * 14, dtype=float).reshape(1, 1, 14, 14)
    cells = cell_means(np.concatenate([image, image + 2], axis=1))
    assert cells.shape == (1, 49) and cells[0, 0] == pytest.approx(np.mean([0, 1, 14, 15]) + 1)


def test_generated_images_equal_to_the_real_ones_have_no_distance_and_parts_merge():
    image = np.random.default_rng(0).uniform(-1, 1, (6, 1, 8, 8)).astype("float32")
    batch = {"image": image, "label": np.arange(6)}
    whole, parts = GenerationScores(), [GenerationScores(), GenerationScores()]
    whole.update({"image": image[::-1]}, batch)
    for part, rows in zip(parts, (slice(0, 4), slice(4, 6))):
        part.update({"image": image[::-1][rows] * 0.5}, {name: value[rows] for name, value in batch.items()})
    assert whole.compute() == {"fid": pytest.approx(0, abs=1e-9)}
    parts[0].merge([part.state() for part in parts])
    other = GenerationScores()
    other.update({"image": image[::-1] * 0.5}, batch)
    assert parts[0].compute() == pytest.approx(other.compute()) and other.compute()["fid"] > 0


class Seer:
    """A judge that sees the class by the brightness of an image."""

    def __call__(self, image):
        bright = np.asarray(image).mean(axis=(1, 2, 3))
        return bright[:, None], np.stack([-bright, bright], axis=1)


def test_a_judge_gives_label_accuracy_and_the_least_share():
    metric = GenerationScores(dataset=types.SimpleNamespace(labels=["dark", "light"]))
    metric.judge = Seer()
    fake = np.array([-1, 1, 1, 1], "float32").reshape(4, 1, 1, 1) * np.ones((4, 1, 8, 8), "float32")
    metric.update({"image": fake}, {"image": fake, "label": np.array([0, 1, 0, 1])})
    scores = metric.compute()
    assert scores["label_accuracy"] == 0.75 and scores["least_share"] == 0.25 and scores["fid"] == pytest.approx(0)


def test_the_error_of_a_translation_and_that_of_the_mean_color():
    true = np.zeros((2, 3, 8, 8), "float32")
    true[0], true[1] = 1, -1
    metric = TranslationError()
    metric.update({"translated": true + 0.5}, {"target": true})
    scores = metric.compute()
    assert scores == pytest.approx({"l1": 0.5, "l1_coarse": 0.5, "l1_mean_color": 1.0}, abs=1e-3)
    twice = TranslationError()
    twice.merge([metric.state(), metric.state()])
    assert twice.compute() == pytest.approx(scores)


def test_an_edited_image_shows_all_that_was_asked_for_or_not():
    seen = np.array([[True, False], [True, True]])
    assert shows(seen, np.array([[1, -1], [1, 0]])).tolist() == [True, False]


def test_edits_are_judged_beside_the_images_as_they_were():
    metric = EditScores(dataset=types.SimpleNamespace(labels=["dark", "light"]))
    metric.judge = Seer()
    image = np.full((2, 1, 2, 2), -0.5, "float32")
    batch = {"image": image, "label": np.array([[1, 0], [1, 0]]), "target": np.array([[0, 1], [-1, -1]], "float32")}
    turn = lambda image, target: (paddle.where((target[:, 1] > 0).reshape([-1, 1, 1, 1]), -image, 0.8 * image), None)  # noqa: E731
    metric.update(types.SimpleNamespace(predict=turn), batch)
    expected = {"reconstruction": 0.1, "edited": 1.0, "unedited": 0.5, "judge_accuracy": 1.0}
    assert metric.compute() == pytest.approx(expected)


def test_the_way_back_and_the_distance_to_the_other_kind():
    rng = np.random.default_rng(0)
    first = rng.uniform(-1, 0, (8, 3, 8, 8)).astype("float32")
    metric = CycleScores()
    there_and_back = lambda image, number: (image + (1 if number == 0 else -1), image * 0.5)  # noqa: E731
    metric.update(types.SimpleNamespace(cycle=there_and_back), {"image": first, "image_b": first + 1})
    scores = metric.compute()
    assert scores["frechet"] == pytest.approx(0, abs=1e-6) and scores["frechet_untranslated"] == pytest.approx(
        49, rel=1e-3
    )
    assert scores["cycle"] == pytest.approx(0.25 * (np.abs(first).mean() + np.abs(first + 1).mean()), rel=1e-5)
