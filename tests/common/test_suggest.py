"""Suggestions are close to what was written, or there is none."""

import pytest

from common.inference.exported import nearest_name
from common.suggest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("epocs", ["epochs", "batch_size"], "epochs"),
        ("batchsize", ["batch_size", "size"], "batch_size"),
        ("RandomFlipImage", ["RandomFlip", "RandomCrop"], "RandomFlip"),
        ("lr_rate", ["learning_rate", "rate"], "rate"),
        ("YoloV3", ["YOLOv3", "SSD"], "YOLOv3"),
        ("ignore_thresh", ["ignore_iou", "threads"], "ignore_iou"),
        ("train_list.txt", ["train_lists.txt", "vocab.txt"], "train_lists.txt"),
        ("max_step", ["max_steps", "epochs"], "max_steps"),
    ],
)
def test_a_close_name_is_suggested(name, known, meant):
    assert nearest(name, known) == [meant] and did_you_mean(name, known) == f"; did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("color", ["score", "colon_classes"]),
        ("review", ["view_count", "overviews_of_all"]),
        ("width", ["with_difficult", "weight_decay"]),
        ("best", ["bert_base", "test2x"]),
        ("learning", ["warming", "burning_in"]),
        ("nowhere.csv", ["scores.csv", "other.csv"]),
    ],
)
def test_a_distant_name_is_not(name, known):
    assert did_you_mean(name, known) == ""


def test_of_folders_the_names_are_compared_and_not_the_long_paths_before_them(tmp_path):
    for name in ("export", "plots"):
        (tmp_path / "output" / name).mkdir(parents=True)
    assert nearest_name(tmp_path / "output/exprt") == f"; did you mean '{tmp_path / 'output/export'}'?"
    assert nearest_name(tmp_path / "output/yolov3") == ""
