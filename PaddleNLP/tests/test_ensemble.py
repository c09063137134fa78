"""The command of several models: its weights, mistakes of its options, and real models, exported and served."""

import json
import math
import re
import subprocess
import sys
import threading
import types
from collections import defaultdict

import paddle
import pytest

from common.config import load_config
from common.config.kits import ROOT
from common.errors import ConfigError, DataError
from common.export.example import example_inputs
from common.export.write import export
from common.inference.predictor import Predictor
from common.inference.run import predicts_by
from PaddleNLP.tools import make_texts
from PaddleNLP.tools.ensemble import named_weight, parser, run_ensemble, score


def test_a_folder_may_have_a_weight():
    assert named_weight("export/a") == ("export/a", 1.0) and named_weight("a=b=2") == ("a=b", 2.0)
    for text in ("a=x", "a=0", "a=nan", "a=inf", "a=-1"):
        with pytest.raises(ConfigError, match="a number above 0"):
            named_weight(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--model", "a"], "two models or more"),
        (["--model", "a", "--model", "b", "--threshold", "2"], "threshold is 2"),
        (["--model", "a", "--model", "b", "--batch", "0"], "batch is 0"),
        (["--model", "a", "--model", "b", "-c", "x.yml", "--text", "y"], "give one of them"),
    ],
)
def test_mistakes_are_named(given, message):
    with pytest.raises(ConfigError, match=message):
        run_ensemble(parser().parse_args(given))


READERS = {
    "BERT": {"type": "BERT", "max_positions": 13},
    "ERNIE": {"type": "ERNIE", "max_positions": 13},
    "XLNet": {"type": "XLNet"},
}
LINES = ["where is ann ?\tann went to rome and saw the book", "who went ?\tbob went to oslo and saw the film"]


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    """Three exports of reading models of random weights, by name."""
    folder = tmp_path_factory.mktemp("readers")
    make_texts.make_texts(folder / "texts", 8, 8)
    exports = {}
    for number, (name, encoder) in enumerate(READERS.items()):
        node = ", ".join(f"{key}: {value}" for key, value in encoder.items())
        encoder = f"{{{node}, vocab_size: 82, hidden_size: 16, layers: 2, heads: 2}}"
        changes = [f"dataset={folder / 'texts'}", f"model.encoder={encoder}", "optimizer.groups=[]"]
        config = load_config(ROOT / "PaddleNLP/configs/tiny/reading/reading.yml", changes)
        paddle.seed(number)
        model = config.build("model")
        model.output.weight.set_value(3 * paddle.randn(model.output.weight.shape))
        model.eval()
        export(model, config, None, example_inputs(model, config), folder / name)
        exports[name] = folder / name
    return exports


def answers_of(options, capsys):
    """The answers to LINES by the command, each {(start, end): score}."""
    capsys.readouterr()
    assert run_ensemble(parser().parse_args([*options, "--json"])) == 0
    rows = [json.loads(line)["predictions"] for line in capsys.readouterr().out.splitlines()]
    return [{(one["start"], one["end"]): one["score"] for one in row} for row in rows]


def test_three_reading_models_answer_by_the_mean_of_their_probabilities(readers, tmp_path, capsys):
    (tmp_path / "q.tsv").write_text("\n".join(LINES) + "\n")
    weights = {"BERT": 2.0, "ERNIE": 1.0, "XLNet": 1.0}
    options = [text for name, weight in weights.items() for text in ("--model", f"{readers[name]}={weight}")]
    found = answers_of([*options, "--input", str(tmp_path / "q.tsv")], capsys)
    alone = {name: predictions(Predictor(readers[name])) for name in READERS}
    for number, row in enumerate(found):
        expected = defaultdict(float)
        for name, weight in weights.items():
            records = alone[name][number]
            total = sum(math.exp(record["score"]) for record in records)
            for record in records:
                expected[record["start"], record["end"]] += weight / 4 * math.exp(record["score"]) / total
        best = sorted(expected, key=lambda span: -expected[span])
        assert max(row, key=row.get) == best[0] and len(row) == min(20, len(expected))
        assert all(score == pytest.approx(expected[span], abs=2e-3) for span, score in row.items())
    singles = [{(one["start"], one["end"]): one for one in alone[name][0]} for name in READERS]
    assert len({tuple(sorted(single)) for single in singles}) > 1  # the members do not answer alike


def predictions(model):
    """The records of LINES by one model."""
    samples = [model.task.read_line(line) | {"path": "a"} for line in LINES]
    return [records for _, records in predicts_by(model)(model, samples, None)[0]]


@pytest.mark.slow
def test_servers_of_three_reading_models_answer_as_the_models_do(readers, tmp_path, capsys):
    pytest.importorskip("starlette")
    (tmp_path / "q.tsv").write_text("\n".join(LINES) + "\n")
    given = ["--input", str(tmp_path / "q.tsv")]
    processes, addresses = [], {}
    try:
        for name, folder in readers.items():
            command = [sys.executable, str(ROOT / "tools/serve.py"), "--model", f"{name}={folder}", "--port", "0"]
            processes.append(subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True))
        for name, process in zip(readers, processes, strict=True):
            line = next(line for line in process.stderr if "http://" in line)
            addresses[name] = re.search(r"http://[\w.]+:\d+", line)[0]
            threading.Thread(target=process.stderr.read, daemon=True).start()
        ask = [text for name, address in addresses.items() for text in ("--server", f"{address}/{name}")]
        run = [text for folder in readers.values() for text in ("--model", str(folder))]
        by_server, by_model = answers_of(ask + given, capsys), answers_of(run + given, capsys)
        for one, other in zip(by_server, by_model, strict=True):
            assert one.keys() == other.keys() and one == pytest.approx(other, abs=2e-3)
        mixed = ["--model", str(readers["BERT"]), "--server", addresses["ERNIE"]]
        assert len(answers_of(mixed + given, capsys)) == 2
    finally:
        for process in processes:
            process.terminate()
            process.wait(30)


class Together:
    """Answers every wish with class 1, but for those of a book."""

    labels, task = ("other", "suggestion"), types.SimpleNamespace(name="TextClassification", n_best=1)
    problems = ()

    def predict_samples(self, samples, threshold):
        wishes = ["please" in one["text_a"] and "book" not in one["text_a"] for one in samples]
        answers = [
            [{"category_id": int(wish), "score": 0.75}, {"category_id": int(not wish), "score": 0.25}]
            for wish in wishes
        ]
        return list(zip(samples, answers, strict=True)), list(self.problems)


def test_models_together_are_scored_on_the_data_of_a_configuration(tmp_path):
    make_texts.make_texts(tmp_path, 8, 16)
    lines = (tmp_path / "suggestions.eval.csv").read_text().splitlines()
    missed = sum("please" in line and "book" in line for line in lines)
    args = types.SimpleNamespace(
        config=str(ROOT / "PaddleNLP/configs/tiny/suggestion.yml"),
        split="test",
        batch=5,
        override=[f"dataset={tmp_path}"],
    )
    found = score(Together(), args)
    # 8 of 16 are wishes: TP 8 - missed, no FP, FN missed
    assert missed and found == pytest.approx({"accuracy": 1 - missed / 16, "F1": 2 * (8 - missed) / (16 - missed)})
    other = Together()
    other.labels = ["a", "b"]
    with pytest.raises(ConfigError, match="the classes of the models are"):
        score(other, args)
    other = Together()
    other.problems = [DataError("a bad text")]
    with pytest.raises(DataError, match="a bad text"):
        score(other, args)
    other.task = types.SimpleNamespace(name="TextRegression")
    with pytest.raises(ConfigError, match="-c scores classifiers"):
        score(other, args)
