"""End-to-end test of a classifier through all commands."""

import json
import shutil

import numpy as np
import pytest

from tests.made.commands import command
from tools import zoo_parameters
from tools.zoo import read_zoo

CONFIG = "configs/tiny/small_images.yml"


@pytest.fixture(scope="module")
def run(made_sets, tmp_path_factory):
    """The dataset, the folder of a short run, and `-c` and `-o` of its configuration."""
    place, data = tmp_path_factory.mktemp("run"), made_sets.folder("digit_classes")
    given = ["-c", CONFIG, "-o", f"dataset={data}", f"output_dir={place}", "train.epochs=2", "eval.workers=0"]
    answer = command("train", "--eval", *given)
    assert answer.code == 0 and "top1" in answer.err, answer.err
    return data, place / "tiny/small_images", given


@pytest.fixture(scope="module")
def exported(run):
    """The exported model of that run."""
    answer = command("export", "--weights", run[1] / "best", *run[2])
    assert answer.code == 0, answer.err
    return run[1] / "export"


def test_the_run_writes_the_confusion_matrix_and_images_with_class_names(run):
    assert {"confusion.png", "predictions.png", "scores.png"} <= {file.name for file in (run[1] / "plots").iterdir()}


def test_weights_and_the_exported_model_have_the_same_scores(run, exported):
    scores = [
        json.loads(command("eval", "--json", *way, *run[2]).out)
        for way in (["--weights", run[1] / "best"], ["--model", exported])
    ]
    assert scores[0] == scores[1] and set(scores[0]) == {"top1", "top5", "mean_class_accuracy"}


def test_class_names_and_scores_of_an_image_argument_are_printed(run):
    image = run[0] / "val/3/000.png"
    answer = command("infer", "--weights", run[1] / "best", "--json", *run[2], "--image", image)
    (line,) = answer.out.splitlines()
    found = json.loads(line)["predictions"]
    assert len(found) == 5 and found == sorted(found, key=lambda item: -item["score"])
    text = command("infer", *run[2], "--weights", run[1] / "best", image).out.splitlines()
    assert text[0] == f"{image}: {found[0]['label']} {found[0]['score']:.3f}" and len(text) == 6


def test_without_evaluation_data_the_export_preprocesses_like_the_model_in_memory(run, tmp_path):
    given = [*run[2], "data.eval=null", f"weights={run[1] / 'best'}"]
    command("export", *given, "--out", tmp_path / "export").refused(2, "RandomCropToSize is random", "data.infer")
    steps = ["{type: Decode}", "{type: Pad, size: 40}", "{type: CenterCrop, size: 32}", "{type: Normalize}"]
    given.append(f"data.train.transforms=[{', '.join(steps)}]")
    answer = command("export", *given, "--out", tmp_path / "export")
    assert answer.code == 0 and "neither data.eval nor data.test" in answer.err, answer.err
    image = run[0] / "val/3/000.png"
    found = [command("infer", *way, "--json", "--image", image) for way in (given, ["--model", tmp_path / "export"])]
    assert found[0].out == found[1].out and json.loads(found[0].out)["predictions"], found[1].err


def test_the_exported_model_predicts_the_same_and_draws(run, exported, tmp_path):
    answer = command("infer", "--model", exported, "--threshold", "0.2", "--out", tmp_path / "drawn", run[0] / "val/3")
    assert answer.code == 0 and len(list((tmp_path / "drawn").iterdir())) == 4
    golden = np.load(exported / "golden.npz")
    assert golden["out/scores"].shape == (1, 10) and golden["out/scores"].sum() == pytest.approx(1, abs=1e-5)


def test_ambiguous_images_and_weights_are_errors(exported):
    command("infer", "--model", exported).refused(2, "--input IMAGE")
    command("infer", "--model", exported, "--image", "a.png", "b.png").refused(2, "one --input PATH")
    command("infer", "--model", exported, "--weights", "x", "a.png").refused(2, "--weights with -c")


def test_duplicate_images_across_splits_are_reported_and_a_wrong_line_is_named(made_sets, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(made_sets.folder("digit_classes"), folder)
    given = ["-c", "configs/tiny/resnet.yml", "-o", f"dataset={folder}"]
    shutil.copy(folder / "train/3/001.png", folder / "val/3/000.png")
    answer = command("check", *given)
    assert answer.code == 0 and "D150" in answer.out and "are identical to images of data.train" in answer.out, (
        answer.out
    )
    assert "D150" not in command("check", "--fast", *given).out
    with open(folder / "train_list.txt", "a") as file:
        file.write("train/3/001.png ten\n")
    command("check", *given).refused(3, "D118", "train_list.txt", "line 121", "'ten'")


def test_a_count_that_differs_from_the_published_is_named():
    right = {"trained": 100, "statistics": 10, "macs": 100_000, "spared": 1_000}
    assert zoo_parameters.differences((100, 10, 99_000), right) == []
    found = zoo_parameters.differences((101, 10, 99_001), right)
    assert found == ["parameters 101 instead of 100", "multiply-adds 99,001 instead of 99,000"]
    assert zoo_parameters.read_published()["ResNet50"]["macs"] == 4_089_184_256


def test_every_published_model_has_a_row_and_two_explain_their_smaller_number_of_macs(capsys):
    assert set(zoo_parameters.read_published()) <= {row["official"] for row in read_zoo()}
    assert zoo_parameters.main(["GoogLeNet", "EfficientNetB0"]) == 0
    printed = capsys.readouterr().out
    assert "5,605,376 fewer: " in printed and "811,872 fewer: " in printed and "2 models, 0 differ" in printed


def test_a_name_without_a_row_is_refused(capsys):
    assert zoo_parameters.main(["ResNet51"]) == 2 and "ResNet51" in capsys.readouterr().err
