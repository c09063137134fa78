"""Every exported model answers in C++ as it did when it was exported, and through the server as in Python."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml

from common.build.data import build_dataset
from common.build.learn_transforms import fit_transforms
from common.build.model import build_model, labels_of
from common.config import load_config
from common.export import write
from common.export.example import example_inputs
from common.export.write import export
from common.inference.compare import differences
from common.inference.predictor import Predictor
from tests.deploy.served import assert_served
from tests.made.commands import command
from tests.made.tiny_twins import arguments
from tools import zoo

TOLERANCE = 1e-4
PLAIN = (
    "the book was great\n\n  Ann\u00a0went to \U0001f600 PARIS \u674e\u96f7  \r\nx\x07y\tb c\n \t\n{odd\n"
    f"\u0130\u03a3 e\u0301\n{'word ' * 40}\n"
)
TEXTS = {  # 8 lines for each task that reads texts: some blank, cut, or of another form
    "TextClassification": PLAIN,
    "TextRegression": PLAIN,
    "TextGeneration": PLAIN,
    "SequenceLabeling": PLAIN,
    "TextToText": PLAIN,
    "ReadingComprehension": "who went ?\tann went to rome , bob to Oslo .\n\nno tab\n"
    '{"question": "where ?", "context": "bob went\\nto lima"}\n{"question": "where ?"}\n\tno question\n'
    f"\u674e\u96f7 went where ?\t{'the ann went to oslo . ' * 9}\nq\t\u200b\n",
}


ALIKE = {  # programs like others' here
    "adem",
    "attgan",
    "double_dqn",
    "dueling_dqn",
    "pointnet2_ssg",
    "pointrcnn_rpn",
    "seq2seq_attention",
    "stgan",
    "tsn",
}


def twins():
    """The rows of the zoo, one of each tiny configuration now, the others and ALIKE in `make smoke`."""
    seen = set()
    for row in zoo.read_zoo():
        family = (row["kit"], shlex.split(row["tiny"])[0])
        marks = pytest.mark.slow if family in seen or Path(row["config"]).stem in ALIKE else ()
        seen.add(family)
        yield pytest.param(row, id=Path(row["config"]).stem, marks=marks)


def built_twin(row, sets):
    """The tiny twin of a row on its first, untrained weights: (configuration, class names, model)."""
    given = arguments(row, sets)
    config = load_config(given[1], given[3:])
    config.check()
    fit_transforms(config, build_dataset(config, "train"))
    labels = labels_of(config)
    if labels is not None:
        config.fix(labels=labels, num_classes=len(labels))
    model = build_model(config, labels)
    model.eval()
    return config, labels, model


def exported_twin(row, sets, folder, onnx=False):
    """The tiny twin of a row on its first, untrained weights, exported."""
    config, labels, model = built_twin(row, sets)
    export(model, config, labels, example_inputs(model, config), folder, onnx)
    return folder


@pytest.fixture
def answers_of_python(monkeypatch):
    """A list of (exported model, what it answers) of when the export compares it with the model in memory."""
    answers = []

    class Remembering(Predictor):
        def run(self, inputs):
            answers.append((self, super().run(inputs)))
            return answers[-1][1]

    monkeypatch.setattr(write, "Predictor", Remembering)
    return answers


@pytest.mark.parametrize("row", twins())
def test_a_tiny_twin_answers_in_cpp_and_through_the_server_as_in_python(
    row, made_sets, program, answers_of_python, tmp_path
):
    folder = exported_twin(row, made_sets, tmp_path / "export")
    ((model, in_python),) = answers_of_python
    answer = program("--model", folder, "--input", folder / "golden.npz", "--output", tmp_path / "out.npz")
    assert answer.code == 0, answer.err
    apart = differences(dict(np.load(tmp_path / "out.npz")), in_python)
    assert max(apart.values()) <= TOLERANCE, apart
    assert_served(model if model.task.input == "image" else Predictor(folder))  # others read files of the folder now
    about = yaml.safe_load((folder / "infer.yml").read_text(encoding="utf-8"))
    if about["task"] in TEXTS and not about.get("kit_classes"):  # classes of a kit are in Python alone
        raw_texts_are_answered_as_in_python(folder, program, tmp_path)


def reads_pairs(folder):
    """True if an export reads two texts of every line."""
    preprocess = yaml.safe_load((folder / "infer.yml").read_text(encoding="utf-8"))["preprocess"]
    return bool({node["type"] for node in preprocess} & {"PairIds", "TurnIds", "KnowledgeIds"})


def paired(texts):
    """The lines of texts with a second text each, but the blank ones."""
    return "\n".join(line if "\t" in line or not line.strip() else f"{line}\tbob" for line in texts.split("\n"))


def raw_texts_are_answered_as_in_python(folder, program, tmp_path):
    """Compares what `kit_infer --text` and `tools/infer.py` print of a file."""
    task = yaml.safe_load((folder / "infer.yml").read_text(encoding="utf-8"))["task"]
    given = paired(TEXTS[task]) if reads_pairs(folder) else TEXTS[task]
    texts = tmp_path / "texts.txt"
    texts.write_bytes(given.encode() + b"\xe7\x99 cut\n")
    read = ("--model", folder, "--threads", "1")
    expected = command("infer", *read, "--input", texts, "--json")
    found = program(*read, "--text", texts, "--json")
    assert found.out == expected.out and found.code == expected.code == 3, found.err
    first = given.splitlines()[0].encode()
    predictions = json.loads(found.out.splitlines()[0])["predictions"]
    assert len(program(folder, stdin=first, name="read_texts").out.splitlines()) == len(predictions)
    program("--model", folder, "--image", texts).refused(2, "--text FILE")
    expected = command("infer", *read, "--batch", 3, stdin=texts.read_bytes())
    assert len(expected.out.splitlines()) == 9
    assert program(*read, "--text", "-", "--batch", 3, "--workers", 2, stdin=texts.read_bytes()).out == expected.out


def test_lines_of_standard_input_are_answered_once_and_in_order(made_sets, program, tmp_path):
    row = next(row for row in zoo.read_zoo() if row["tiny"] == "configs/tiny/classification/words.yml")
    folder = exported_twin(row, made_sets, tmp_path / "export")
    words = ["ann", "went", "to", "rome", "and", "saw", "the", "book"]
    lines = [f"{words[number % 8]} {words[number // 8 % 8]} {number}" for number in range(1500)]
    (tmp_path / "lines.txt").write_text("\n".join(lines) + "\n")
    read = ("--model", folder, "--threads", "1", "--batch", 1)
    expected = program(*read, "--text", tmp_path / "lines.txt").out
    assert [line.split("\t")[-1] for line in expected.splitlines()] == lines
    assert program(*read, "--text", "-", "--workers", 2, stdin=(tmp_path / "lines.txt").read_bytes()).out == expected


def test_a_golden_that_is_not_met_is_code_1(exported, program, tmp_path):
    import shutil

    from common.weights.manifest import write_manifest

    folder = shutil.copytree(exported, tmp_path / "export")
    golden = dict(np.load(folder / "golden.npz"))
    golden["out/boxes"] = golden["out/boxes"] + np.float32(1)
    np.savez(folder / "golden.npz", **golden)
    (folder / "manifest.json").unlink()
    write_manifest(folder)
    answer = program("--model", folder, "--golden", "--json").refused(1, "not those of the export")
    assert json.loads(answer.out)["golden"] is False
    assert program("--model", exported, "--golden").code == 0
