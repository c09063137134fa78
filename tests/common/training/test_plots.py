import logging
import sys

import numpy as np
import pytest

from common.log import logger
from common.training import plotting
from common.training.callbacks.log import Log
from common.training.callbacks.plots import Plots, mask_unknown
from tests.common.training.fake_trainer import FakeTrainer

cv2 = pytest.importorskip("cv2")


class Metric:
    """Offers curves and a confusion matrix, as a detection metric does."""

    primary = "map"
    labels = ("RBC", "血小板 $x_1$")

    def curves(self):
        recall = np.linspace(0, 0.9, 30)
        return dict.fromkeys(self.labels, (recall, 1 - recall**2)) | {"none": (np.zeros(0), np.zeros(0))}

    def confusion(self):
        return np.array([[80, 3, 10], [2, 30, 5], [7, 1, 0]])


def shape(path):
    """(height, width, 3) of a image that is not of one color."""
    image = cv2.imread(str(path))
    assert image.std() > 1
    return image.shape


def watched(folder, **more):
    trainer = FakeTrainer(folder, callbacks=[Log(20), Plots()])
    vars(trainer).update(more)
    trainer.run()
    return {path.name for path in (folder / "plots").iterdir()}


def test_a_run_ends_with_its_curves_and_nothing_unfinished(tmp_path):
    assert watched(tmp_path) == {"loss.png", "lr.png", "scores.png"}
    for name in ("loss", "lr", "scores"):
        shape(tmp_path / f"plots/{name}.png")


def test_plots_of_the_metric_are_drawn(tmp_path):
    samples = [np.random.default_rng(0).integers(0, 255, (h, w, 3), np.uint8) for h, w in ((10, 40), (90, 30), (5, 5))]
    names = watched(tmp_path, metric=Metric(), samples=samples)
    assert {"precision_recall.png", "confusion.png", "predictions.png"} <= names
    shape(tmp_path / "plots/confusion.png")


def test_images_are_drawn_from_the_predictions_by_the_task(tmp_path):
    image = np.full((20, 30, 3), 200, np.uint8)
    trainer = FakeTrainer(tmp_path, callbacks=[Plots(draw=lambda batch, outputs: [image] * batch["n"])])
    trainer.predictions = [({"n": 5}, {}), ({"n": 30}, {})]
    trainer.call("on_train_end")
    assert shape(tmp_path / "plots/predictions.png") == (4 * 324 + 4, 4 * 324 + 4, 3)


def test_without_matplotlib_a_run_ends_with_a_warning(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(logger, "propagate", True)
    with caplog.at_level(logging.WARNING, logger="kit"):
        FakeTrainer(tmp_path, callbacks=[Log(5), Plots()]).run()
    assert "pip install matplotlib" in caplog.text


def test_a_metric_that_fails_to_draw_does_not_end_the_run(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(logger, "propagate", True)
    metric = Metric()
    metric.curves = lambda: {"a": 3}
    with caplog.at_level(logging.WARNING, logger="kit"):
        names = watched(tmp_path, metric=metric)
    assert "plots: curves: TypeError" in caplog.text
    assert "confusion.png" in names


def test_an_undefined_score_is_a_gap():
    assert np.isnan(mask_unknown([0.5, -1.0])).tolist() == [False, True]
    assert mask_unknown([-1.0, 7.0]) == [-1.0, 7.0]


def test_an_evaluation_soon_after_the_last_drawing_draws_nothing(tmp_path):
    trainer = FakeTrainer(tmp_path, callbacks=[Log(5), Plots(seconds=1000)])
    trainer.run(until=60)
    assert not (tmp_path / "plots").exists()


def test_drawing_leaves_the_random_state_alone(tmp_path):
    before = np.random.get_state()[1].copy()
    plotting.draw_rates(tmp_path / "a.png", [1, 2], {"lr": [0.1, 0.2]})
    assert (np.random.get_state()[1] == before).all()


def test_negative_losses_and_gaps_are_drawn_on_a_plain_scale(tmp_path):
    losses = {"loss": [-1.0, float("nan"), 2.0], "loss_generator": [-1.0, float("nan"), 2.0], "loss_judge": [0, 0, 0]}
    plotting.draw_losses(tmp_path / "a.png", [1, 2, 3], losses)
    shape(tmp_path / "a.png")


def test_eighty_classes_fit_on_a_page(tmp_path):
    names = [f"class number {i}" for i in range(80)]
    matrix = np.eye(80, dtype=int) * 50
    recall = np.linspace(0, 1, 20)
    plotting.draw_confusion(tmp_path / "c.png", matrix, names)
    plotting.draw_precision_recall(tmp_path / "p.png", dict.fromkeys(names, (recall, 1 - recall / 2)))
    assert max(shape(tmp_path / "c.png")) < 2000
    assert max(shape(tmp_path / "p.png")) < 1500


def test_the_moving_mean_leaves_gaps_out():
    smoothed = plotting.smooth([1.0, float("nan"), 3.0, 5.0], share=0.25)
    assert smoothed.tolist() == [1.0, 2.0, 4.0, 4.0]


def test_the_area_under_a_perfect_curve_is_its_reach():
    # precision 1 up to recall 0.5: 0.5 * 1
    assert plotting.area_under_curve(np.array([0.25, 0.5]), np.array([1.0, 1.0])) == 0.5
    # a dip is filled from the right: 0.5 * 1.0 with precision 0.2 at 0.25 and 1.0 at 0.5
    assert plotting.area_under_curve(np.array([0.25, 0.5]), np.array([0.2, 1.0])) == 0.5
