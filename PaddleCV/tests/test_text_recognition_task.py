"""Text recognition from training to the export: records, drawings, lines, JSON, and the alphabet beside the weights."""

import json

import numpy as np
import pytest
import yaml

from common.inference.tasks.text_recognition import TextRecognition
from PaddleCV.tools.make_words import make_words
from tests.made.commands import command
from tests.made.made_sets import matplotlib_fonts

LABELS = ["<blank>", "a", "<space>", "b"]
TWIN = "PaddleCV/configs/tiny/ocr_attention.yml"


def records(threshold=0.0):
    outputs = {"ids": np.array([[1, 2, 3], [3, 0, 0]]), "score": np.array([0.98764, 0.25], "float32")}
    return TextRecognition().records(outputs, (), LABELS, threshold)


def test_ids_become_texts_and_low_scores_are_left_out():
    assert records() == [[{"text": "a b", "score": 0.9876}], [{"text": "b", "score": 0.25}]]
    assert records(0.3) == [[{"text": "a b", "score": 0.9876}], []]
    with pytest.raises(ValueError, match="threshold is 2"):
        TextRecognition(threshold=2)


def test_the_line_of_an_image_has_its_text():
    task = TextRecognition()
    assert task.line({"name": "x.png"}, records()[0]) == "x.png: a b 0.988"
    assert task.line({"name": "x.png"}, []) == "x.png: 0 found"


def test_the_text_is_drawn_under_the_image_which_is_left_as_it_is():
    image = np.full((48, 60, 3), 200, np.uint8)
    drawn = TextRecognition().draw(image, records()[0])
    assert drawn.shape == (96 + 32, 120, 3)
    assert (drawn[:96] == 200).all() and drawn[96:].any()
    assert not np.array_equal(drawn, TextRecognition().draw(image, []))


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """The folder of a few drawn words."""
    folder = tmp_path_factory.mktemp("data") / "words"
    make_words(folder, 16, 6, matplotlib_fonts()[:1], height=32, longest=4)
    return folder


@pytest.fixture(scope="module")
def run(words, tmp_path_factory):
    """(arguments of commands, the run of a few steps, its export)."""
    folder = tmp_path_factory.mktemp("words")
    given = ["-c", TWIN, "-o", f"dataset={words}", f"output_dir={folder}"]
    assert command("train", *given, "train.max_steps=2", "train.eval_every=0").code == 0
    weights = f"weights={folder}/tiny/ocr_attention/last"
    answer = command("export", *given, weights, "--out", folder / "export")
    assert answer.code == 0, answer.err
    return [*given, weights], folder / "tiny/ocr_attention", folder / "export"


def test_the_export_reads_what_the_checkpoint_reads(run, words):
    given, _, export = run
    of_checkpoint = command("eval", *given, "--json")
    of_export = command("eval", *given, "--model", export, "--json")
    assert of_checkpoint.code == of_export.code == 0, of_export.err
    scores = json.loads(of_checkpoint.out)
    assert scores == pytest.approx(json.loads(of_export.out)) and 0 <= scores["accuracy"] <= 1
    images = words / "eval"
    answer = command("infer", "--model", export, "--image", images, "--json")
    assert answer.code == 0, answer.err
    rows = [json.loads(line) for line in answer.out.splitlines()]
    assert len(rows) == 6 and all(list(row["predictions"][0]) == ["text", "score"] for row in rows)


def test_the_alphabet_is_beside_the_weights_and_in_the_export(run, words, tmp_path):
    given, folder, export = run
    alphabet = (words / "alphabet.txt").read_text()
    assert (folder / "last/alphabet.txt").read_text() == (export / "alphabet.txt").read_text() == alphabet
    about = yaml.safe_load((export / "infer.yml").read_text())
    assert about["labels"] == ["<blank>", *alphabet.split()] and about["task"] == "TextRecognition"
    assert "kit" not in about  # no class of the kit: any program that has the task can run it
    other = tmp_path / "alphabet.txt"
    other.write_text("\n".join(reversed(alphabet.split())) + "\n")
    answer = command("train", *given[:-1], f"vocab={other}", "-r", f"{folder}/last")
    answer.refused(2, "alphabet.txt: differs from the file in this run's checkpoint")


def test_check_names_the_lines_of_wrong_words(words, tmp_path):
    lines = (words / "train.txt").read_text().splitlines()
    lines[1:3] = [lines[1].split("\t")[0] + "\tstra\u00dfe", lines[2].split("\t")[0] + "\t" + "a" * 70]
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    for name in ("train", "eval", "eval.txt", "alphabet.txt"):
        (tmp_path / name).symlink_to(words / name)
    answer = command("check", "-c", TWIN, "-o", f"dataset={tmp_path}")
    answer.refused(3, "train.txt: line 2")
    assert "'\u00df': not in the vocabulary" in answer.err + answer.out
    lines[1], lines[11] = lines[0], lines[11].split("\t")[0] + "\t" + "b" * 80
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    answer = command("check", "-c", TWIN, "-o", f"dataset={tmp_path}")
    answer.refused(3, "70 characters need 139 output steps")
    assert "train.txt: line 3" in answer.err + answer.out
    answer = command("check", "-c", TWIN, "-o", f"dataset={tmp_path}", "--issues", tmp_path / "issues.jsonl")
    answer.refused(3, "train.txt: line 12", "80 characters need 159 output steps")
    found = [json.loads(line) for line in (tmp_path / "issues.jsonl").read_text().splitlines()]
    assert [issue["code"] for issue in found if issue["severity"] == "error"] == ["D149", "D149"]
