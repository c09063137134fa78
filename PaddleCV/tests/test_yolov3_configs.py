"""The configurations of YOLOv3: every key is known, the full-size models have the published parameter counts."""

import pathlib

import pytest

from common.config import load_config
from common.testing import count_parameters

CONFIGS = pathlib.Path(__file__).resolve().parents[1] / "configs"
# classes, and the published counts of trained and other numbers, where there are any
MODELS = {
    "yolov3": (80, (61949149, 52608)),
    "yolov3_mobilenet_v1": (80, (24571197, 38784)),
    "yolov3_mobilenet_v3": (80, None),
    "yolov3_resnet34": (80, (42309053, 34048)),
    "yolov3_resnet50_vd": (80, None),
    "yolov3_voc": (20, None),
    "pedestrian": (1, None),
    "vehicle": (6, None),
    "tiny/yolov3": (10, None),
}


def load(name):
    config = load_config(CONFIGS / f"{name}.yml")
    config.check()
    return config


@pytest.mark.parametrize("name", MODELS)
def test_the_model_of_a_configuration_is_built_and_has_the_published_parameters(name):
    classes, published = MODELS[name]
    model = load(name).build("model", num_classes=classes)
    assert model.head.num_classes == classes and model.head.strides == [32, 16, 8]
    assert published is None or count_parameters(model) == published


@pytest.mark.parametrize("name", MODELS)
def test_anchors_are_three_levels_from_the_largest_to_the_smallest(name):
    anchors = load(name).get("anchors")
    areas = [width * height for level in anchors for width, height in level]
    levels = [sorted(width * height for width, height in level) for level in anchors]
    assert len(anchors) == 3 and levels[0][0] > levels[1][-1] > levels[2][-1] and len(set(areas)) == len(areas)


@pytest.mark.parametrize(("name", "count"), [("yolov3_voc", 20), ("pedestrian", 1), ("vehicle", 6)])
def test_class_names_are_all_there_and_given_to_every_data_set(name, count):
    config = load(name)
    assert len(set(config.get("labels"))) == count
    assert config.get("data.train.labels") == config.get("data.eval.labels") == config.get("labels")


def test_the_rate_falls_at_epoch_216_and_243_of_270_as_at_step_400000_and_450000_of_500200():
    # 118 287 images, 64 a step: 1848 steps an epoch
    lr, train = load("yolov3").get("optimizer.lr"), load("yolov3").get("train")
    assert [round(steps / 1848) for steps in (400000, 450000)] == [216, 244]
    assert list(lr["at_epochs"]) == [216, 243] and train["epochs"] == 270 and train["base_batch"] == 64
