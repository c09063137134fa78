"""Generated configurations: the evaluation split, alternatives that fit, whole first sentences, no base classes."""

import pytest

from common.commands import configure, generate
from common.config.kits import ROOT


@pytest.fixture(scope="module")
def starter():
    from common.config.namespace import Namespace

    return generate.Starter(Namespace(ROOT / "PaddleCV"), "YOLOv3", "VocDetection")


def test_the_evaluation_reads_another_split_than_the_training(starter):
    lists = [line.split()[1] for line in starter.lines() if "list_file:" in line]
    assert lists[0].endswith("train.txt")
    assert lists[1].endswith("val.txt")
    assert starter.of_evaluation({"list_file": "mine.txt"})["list_file"] == "mine.txt"


def test_alternatives_are_those_of_shipped_configurations_of_the_model(starter):
    text = starter.others("backbone", {"type": "DarkNet"})
    assert "MobileNetV1" in text and "ResNet" in text
    assert "ChannelGate" not in text and "AlexNet" not in text


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Loads files, e.g. images. Then more.", "Loads files, e.g. images"),
        ("One. Two.", "One"),
        ("Of the paper (eq. 3). Two.", "Of the paper (eq. 3)"),
    ],
)
def test_an_abbreviation_does_not_end_a_sentence(text, first):
    assert generate.shorten(text) == first


def test_base_classes_are_not_listed():
    lines = "\n".join(configure.list_components([ROOT / "PaddleCV", ROOT / "PaddleRec"]))
    names = {line.split()[0] for line in lines.splitlines() if line.startswith("  ")}
    assert {"DarkNet", "DeepFM", "VocDetection"} <= names
    assert not names & {"StagedBackbone", "ResidualStages", "Ranker", "Matcher", "RowFiles", "Features"}


def test_what_an_assembly_gives_its_parts_is_not_asked_for():
    lines = generate.generate([ROOT / "PaddleCV"], "FasterRCNN", "CocoDetection")
    assert any("type: TwoLinear" in line for line in lines)
    assert not [line for line in lines if line.strip().startswith("size: null")]
