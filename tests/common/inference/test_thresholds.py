"""The threshold of maximum F1: beside the weights, and in the task unless the configuration sets one."""

import json

import numpy as np
import pytest

from common.config import load_config
from common.inference.task import task_of
from common.inference.tasks.ranking import Ranking
from common.inference.thresholds import read_thresholds, set_best_threshold, threshold_file
from common.weights.checkpoint import write_checkpoint
from common.weights.manifest import CheckpointError

DETECTOR = "PaddleCV/configs/tiny/detection/yolov3.yml"
BEST = {"metric": "CocoMap", "overall": {"threshold": 0.37, "F1": 0.8, "precision": 0.8, "recall": 0.8}, "classes": {}}


def chosen(thresholds, *options, config=DETECTOR):
    """The threshold of a configuration's task, and its source."""
    config = load_config(config, list(options))
    task = task_of(config)
    return task.threshold, set_best_threshold(task, config, thresholds)


def saved(folder, files):
    path = write_checkpoint(folder, 1, {"model": {"w": np.zeros(1, "float32")}}, {}, files=files)
    return load_config(DETECTOR, [f"weights={path}"])


def test_a_task_takes_the_threshold_of_maximum_f1():
    config = load_config(DETECTOR)
    task = task_of(config)
    assert set_best_threshold(task, config, BEST) == "maximum F1 0.8000 in the evaluation of training"
    assert task.threshold == 0.37


def test_a_threshold_of_the_configuration_is_used_and_its_place_named():
    assert chosen(BEST, "postprocess.threshold=0.5") == (0.5, "-o postprocess.threshold=0.5")


def test_without_an_evaluation_the_default_is_used():
    assert chosen(None) == (0.5, "the default of Detection")


def test_a_task_that_ranks_all_classes_keeps_its_threshold():
    assert chosen(BEST, config="PaddleCV/configs/tiny/classification/mobilenet_v1.yml") == (0.0, None)


def test_thresholds_are_read_from_beside_the_weights(tmp_path):
    assert read_thresholds(saved(tmp_path, threshold_file(BEST))) == BEST


def test_weights_that_were_not_evaluated_have_none(tmp_path):
    assert read_thresholds(saved(tmp_path, {})) is None
    assert read_thresholds(load_config(DETECTOR)) is None


def test_an_altered_threshold_is_refused(tmp_path):
    config = saved(tmp_path, threshold_file(BEST))
    file = tmp_path / "step_1/thresholds.json"
    file.write_text(file.read_text().replace("0.37", "0.12"))
    with pytest.raises(CheckpointError, match=r"thresholds\.json"):
        read_thresholds(config)


@pytest.mark.parametrize("overall", [{"threshold": 7}, {"threshold": "high"}, {}, None])
def test_what_is_no_threshold_is_refused(overall, tmp_path):
    content = json.dumps({"overall": overall}).encode()
    with pytest.raises(CheckpointError, match=r"thresholds\.json: damaged"):
        read_thresholds(saved(tmp_path, {"thresholds.json": content}))


@pytest.mark.parametrize(
    ("labels", "names"),
    [(None, ["yes", "no"]), (["click"], ["click", "not click"]), (["no click", "click"], ["click", "no click"])],
)
def test_a_row_has_the_label_by_the_threshold_and_the_probability_of_the_positive_one(labels, names):
    found = Ranking().records({"probability": np.float32([0.5, 0.25])}, [], labels, 0.5)
    assert [[record] for record in (
        {"label": names[0], "positive": names[0], "score": 0.5},
        {"label": names[1], "positive": names[0], "score": 0.25},
    )] == found  # fmt: skip
    assert Ranking().line({"name": "3"}, found[1]) == f"row 3: {names[1]}, probability of {names[0]} 0.2500"
