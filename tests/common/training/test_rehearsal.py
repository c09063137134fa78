"""`check` refuses what training, evaluation and export would refuse, and training finds it before its first epoch."""

import json
import shutil

import pytest

from PaddleSpeech.tools.make_spoken_tones import make_spoken_tones
from tests.made.commands import SMALL, command

TWIN = "PaddleCV/configs/tiny/yolov3.yml"
NOT_NORMALIZED = "data.eval.transforms=[{type: Decode}, {type: Resize, size: 96}]"


@pytest.fixture(scope="module")
def given(made_sets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rehearsal")
    return ["-c", TWIN, "-o", *SMALL, f"dataset={made_sets.folder('digits')}", f"output_dir={folder}"]


def test_every_stage_is_tried(given):
    answer = command("check", *given)
    assert answer.code == 0, answer.err
    assert "a training step, a checkpoint, a batch of data.eval, an export" in answer.out


@pytest.mark.parametrize("tool", ["check", "train"])
def test_an_evaluation_that_cannot_work_is_refused_before_anything_is_trained(given, tool):
    answer = command(tool, *given, NOT_NORMALIZED, *(["--eval"] if tool == "train" else []))
    answer.refused(2, "data.eval gives 'image' as uint8", "Normalize")
    assert "epoch 1/" not in answer.err


@pytest.mark.parametrize(
    ("lr", "words"),
    [
        ("{type: Constant, base: 1e-4, warmup_steps: 4000}", "the warm-up (step 4000)"),
        (
            "{type: StepDecay, base: 1e-4, at_epochs: [2, 90]}",
            "the warm-up (step 10), milestone 1 (step 12), milestone 2 (step 540)",
        ),
        ("{type: CosineDecay, base: 1e-4, steps: 5000}", "the end of the decay (step 4999)"),
        ("{type: NoamDecay, base: 1e-4, warmup_steps: 500}", "the warm-up (step 500)"),
    ],
)
def test_a_schedule_that_is_longer_than_the_run_is_reported(given, lr, words):
    answer = command("train", *given, f"optimizer.lr={lr}", "--dry-run", "--overwrite")
    assert answer.code == 0 and f"before {words}" in answer.err, answer.err


def test_a_failing_evaluation_does_not_cost_the_training_before_it(given, tmp_path, made_sets):
    folder = tmp_path / "digits"
    shutil.copytree(made_sets.folder("digits"), folder)
    file = folder / "annotations/eval.json"
    last = json.loads(file.read_text())["images"][-1]["file_name"]
    image = next(folder.rglob(last))
    image.write_bytes(image.read_bytes()[:200])
    data = [f"dataset={folder}", f"output_dir={tmp_path}", "eval.batch_size=1", "train.epochs=1"]
    answer = command("train", "--eval", "--no-check", *given, *data)
    answer.refused(3, last)
    assert list((tmp_path / "tiny/yolov3").glob("step_*"))


def test_a_transcript_that_is_longer_than_its_recording_is_found_by_the_check(tmp_path):
    make_spoken_tones(tmp_path / "tones", train=8, evaluation=4)
    file = tmp_path / "tones/train.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[2]["text"] = rows[2]["text"] * 40
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    speech = ["-c", "PaddleSpeech/configs/tiny/deepspeech2.yml", "-o", f"dataset={tmp_path / 'tones'}"]
    command("check", *speech).refused(3, "D149", "line 3", "output steps, but the audio has only")
