"""The dataset of the demo: reproducible, complete or absent, equal in both formats, disjoint splits."""

import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import ConfigError
from PaddleCV.data.coco import CocoDetection
from PaddleCV.data.digits import BACKGROUNDS, DigitScenes, split_digits
from PaddleCV.data.voc import VocDetection

SCRIPT = Path(__file__).parents[1] / "tools/make_digits.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("make_digits_tool", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tool, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "digits"
    assert tool.make_digits(out, train=12, evaluation=6, size=160, seed=3)
    return out


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = [f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    return "\n".join(parts)


def test_both_formats_are_equal_and_valid(folder):
    for split, count in (("train", 12), ("eval", 6)):
        coco = CocoDetection(str(folder), f"annotations/{split}.json", "JPEGImages")
        voc = VocDetection(str(folder), f"ImageSets/Main/{split}.txt")
        assert coco.check(deep=True) == voc.check(deep=True) == []
        assert coco.labels == voc.labels == list("0123456789")
        assert len(coco) == len(voc) == count
        for a, b in zip(coco, voc):
            assert a["path"] == b["path"]
            assert np.array_equal(a["boxes"], b["boxes"]) and np.array_equal(a["labels"], b["labels"])


def test_images_depend_on_the_seed_only(tool, folder, tmp_path):
    tool.make_digits(tmp_path / "same", train=12, evaluation=6, size=160, seed=3)
    assert digest(tmp_path / "same") == digest(folder)
    tool.make_digits(tmp_path / "other", train=12, evaluation=6, size=160, seed=4)
    assert digest(tmp_path / "other") != digest(folder)


def test_a_complete_dataset_is_kept_and_another_is_not_overwritten(tool, folder):
    before = (folder / "label_list.txt").stat().st_mtime_ns
    assert not tool.make_digits(folder, train=12, evaluation=6, size=160, seed=3)
    assert (folder / "label_list.txt").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match="replace it with --force"):
        tool.make_digits(folder, train=13, evaluation=6, size=160, seed=3)


def test_force_replaces_the_folder_and_leaves_no_other(tool, tmp_path):
    out = tmp_path / "digits"
    tool.make_digits(out, train=1, evaluation=1, size=96)
    assert tool.make_digits(out, train=2, evaluation=1, size=96, force=True)
    assert len(json.loads((out / "annotations/train.json").read_text())["images"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


def test_an_interrupted_run_leaves_nothing(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "write_split", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        tool.make_digits(tmp_path / "digits", train=1, evaluation=1)
    assert list(tmp_path.iterdir()) == []


def test_training_and_evaluation_share_no_digit_and_no_background():
    splits = split_digits(seed=0)
    (train, train_values), (held, held_values) = splits["train"], splits["eval"]
    assert len(train) + len(held) == 1797 and set(held_values) == set(train_values) == set(range(10))
    assert not set(BACKGROUNDS["train"]) & set(BACKGROUNDS["eval"])
    for value, count in enumerate(np.bincount(held_values)):
        assert count == pytest.approx(0.2 * (np.bincount(train_values)[value] + count), abs=1)


def test_digits_are_legible_apart_and_few():
    scenes = DigitScenes(size=192, seed=1)
    totals = []
    for index in range(60):
        image, boxes, digits = scenes.draw("train", index)
        assert image.shape == (192, 192, 3) and image.dtype == np.uint8
        totals.append(len(boxes))
        assert len(boxes) == len(digits) <= 12
        assert (boxes >= 0).all() and (boxes <= 192).all()
        for k, (x1, y1, x2, y2) in enumerate(boxes):
            assert y2 - y1 >= 24 and x2 - x1 >= 6
            others = np.delete(boxes, k, 0)
            assert not ((others[:, :2] < (x2, y2)) & (others[:, 2:] > (x1, y1))).all(1).any()
            inside = image[y1:y2, x1:x2].astype(float).mean(2)
            assert inside.max() - inside.min() > 60
    assert min(totals) < 3 and max(totals) > 6


def test_the_command_reports_errors(tmp_path):
    command = [sys.executable, SCRIPT, "--out", tmp_path / "d", "--train", "2", "--eval", "1"]
    done = subprocess.run([*command, "--size", "20"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "error: --size is 20; it must be at least 96\n")
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    assert Image.open(tmp_path / "d/JPEGImages/train_00001.jpg").size == (192, 192)
