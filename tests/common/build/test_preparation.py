"""Comparison of the preparation of samples in training with that in evaluation and inference."""

import logging

import pytest

from common.build.preparation import check_preparation
from common.config import load_config
from common.config.kits import shipped_kits


@pytest.mark.parametrize(
    ("config", "change", "words"),
    [
        (
            "PaddleCV/configs/yolov3.yml",
            {"Normalize": {"mean": [0.5, 0.5, 0.5]}},
            "Normalize with mean: [0.5, 0.5, 0.5]",
        ),
        ("PaddleCV/configs/yolov3.yml", {"Normalize": None}, "has no Normalize, training had one"),
        ("PaddleCV/configs/yolov3.yml", {"Decode": {"color": "gray"}}, "Decode with color: gray, training had rgb"),
        ("PaddleNLP/configs/tiny/words.yml", {"TokenIds": {"lowercase": True}}, "TokenIds with lowercase: True"),
        (
            "PaddleNLP/configs/tiny/words.yml",
            {"SplitWords": {"type": "SplitCharacters"}},
            "has SplitCharacters, training had none",
        ),
    ],
)
def test_a_difference_from_the_training_is_reported_with_its_place(config, change, words, caplog):
    config = load_config(config)
    place, nodes = config.place("data.eval.transforms"), config.get("data.eval.transforms")
    nodes = [node | (change.get(node["type"]) or {}) for node in nodes if change.get(node["type"], {}) is not None]
    config.set("data.eval.transforms", nodes, place)
    with caplog.at_level(logging.WARNING, logger="kit"):
        check_preparation(config)
    assert any(words in text and text.startswith(place) for text in caplog.messages), caplog.text


def test_no_configuration_prepares_evaluation_in_another_way(caplog):
    with caplog.at_level(logging.WARNING, logger="kit"):
        for file in (file for kit in shipped_kits() for file in (kit / "configs").rglob("*.yml")):
            if "_base_" not in file.parts:
                check_preparation(load_config(file))
    assert not caplog.messages
