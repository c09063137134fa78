"""Tests of forks of the language and speech kits, alone with `common/`."""

import shutil

from common.config.kits import ROOT
from tests.test_fork import IGNORED, python, run


def test_a_fork_of_the_language_kit_trains_exports_and_predicts_in_an_empty_folder(made_sets, tmp_path):
    alone = tmp_path / "a new project"
    shutil.copytree(ROOT / "common", alone / "common", ignore=IGNORED)
    shutil.copytree(ROOT / "PaddleNLP", alone / "MyTexts", ignore=IGNORED)
    settings = [f"dataset={made_sets.folder('texts')}", "train.max_steps=2", "name=mine"]
    printed = run(alone, "bash", "MyTexts/run.sh", "tiny/words", "--stage", "1", "--stop", "3", "-o", *settings)
    assert "accuracy" in printed and printed.splitlines()[-1] == "output/tiny/mine/export"
    answer = python(
        alone, "MyTexts/tools/infer.py", "--model", "output/tiny/mine/export", "--text", "the book was good"
    )
    label, score, text = answer.strip().split("\t")
    assert label in "01" and 0.5 <= float(score) <= 1 and text == "the book was good"


def test_a_fork_of_the_speech_kit_trains_exports_and_predicts_in_an_empty_folder(made_sets, tmp_path):
    alone, tones = tmp_path / "a new project", made_sets.folder("spoken_tones")
    shutil.copytree(ROOT / "common", alone / "common", ignore=IGNORED)
    shutil.copytree(ROOT / "PaddleSpeech", alone / "MySpeech", ignore=IGNORED)
    settings = [f"dataset={tones}", "train.max_steps=2", "name=mine"]
    printed = run(alone, "bash", "MySpeech/run.sh", "tiny/deepspeech2", "--stage", "1", "--stop", "3", "-o", *settings)
    assert "CER" in printed and printed.splitlines()[-1] == "output/tiny/mine/export"
    recording = str(tones / "wav/eval_0000.wav")
    answer = python(alone, "MySpeech/tools/infer.py", "--model", "output/tiny/mine/export", "--input", recording)
    assert answer.startswith(f"{recording}\t")
