"""Language models: from transcripts into the export, and the tuning of their weights."""

import json

import pytest

from common.inference.predictor import Predictor
from PaddleSpeech.tools import make_arpa, tune_decoder
from PaddleSpeech.tools.make_spoken_tones import make_spoken_tones
from tests.made.commands import command

TWIN = "PaddleSpeech/configs/tiny/deepspeech2.yml"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(arguments of commands, folder of the run, language model)."""
    folder = tmp_path_factory.mktemp("decoding")
    make_spoken_tones(folder / "tones", train=32, evaluation=8)
    given = ["-c", TWIN, "-o", f"dataset={folder / 'tones'}", f"output_dir={folder}"]
    assert command("train", *given, "train.epochs=8").code == 0
    model = folder / "letters.arpa.gz"
    texts = folder / "tones/train.jsonl"
    assert command(make_arpa.main, texts, "--out", model, "--unit", "character", "--order", 3).code == 0
    return given, folder / "tiny/deepspeech2", model


def test_the_export_includes_the_language_model_and_scores_as_the_checkpoint_does(trained, tmp_path):
    given, run, model = trained
    more = [f"postprocess.decoder.{text}" for text in (f"lm={model}", "unit=character", "alpha=0.8", "beta=0.5")]
    given = [*given, f"weights={run}/last", *more]
    assert command("export", *given, "--out", tmp_path / "export").code == 0
    assert (tmp_path / "export/letters.arpa.gz").read_bytes() == model.read_bytes()
    decoder = Predictor(tmp_path / "export").task.decoder
    assert decoder.lm == str(tmp_path / "export/letters.arpa.gz") and decoder.alpha == 0.8
    by_checkpoint = command("eval", *given, "--json")
    by_export = command("eval", *given, "--model", tmp_path / "export", "--json")
    assert by_checkpoint.code == by_export.code == 0, by_export.err
    assert json.loads(by_checkpoint.out) == pytest.approx(json.loads(by_export.out))
    wav = model.parent / "tones/wav"
    infer = command("infer", "--model", tmp_path / "export", "--input", wav)
    assert infer.code == 0 and len(infer.out.splitlines()) == 40, infer.err


def test_the_tuner_prints_a_row_for_each_pair_of_weights_and_the_best(trained):
    given, run, model = trained
    grid = ["--lm", model, "--unit", "character", "--alpha", "0", "1", "--beta", "0", "1", "--beam-size", "4"]
    answer = command(tune_decoder.main, *given, f"weights={run}/last", *grid)
    assert answer.code == 0, answer.err
    head, *rows, last = answer.out.splitlines()
    assert head.startswith("alpha") and "greedy" in head and len(rows) == 4
    best = min(rows, key=lambda row: float(row.split()[2]))
    assert sum(row.endswith("<-") for row in rows) == 1 and best.split()[2] in last
    again = command(tune_decoder.main, *given, f"weights={run}/last", *grid, "--json")
    found = json.loads(again.out)
    assert len(found["rows"]) == 4 and found["best"] in found["rows"] and set(found["greedy"]) == {"WER", "CER"}


def test_what_cannot_be_tuned_is_refused_before_the_model_runs(trained):
    given, _, model = trained
    given = [*given, "weights=nowhere"]
    command(tune_decoder.main, *given, "--beam-size", 0).refused(2, "--beam-size is 0")
    command(tune_decoder.main, *given, "--lm", model, "--alpha", "-1").refused(2, "alpha is -1")
    command(tune_decoder.main, *given, "--lm", "nothing.arpa").refused(3, "nothing.arpa")


def test_a_language_model_that_is_not_there_is_refused(trained):
    given, run, _ = trained
    answer = command("eval", *given, f"weights={run}/last", "postprocess.decoder.lm=nothing.arpa")
    answer.refused(3, "nothing.arpa")
