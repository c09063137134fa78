"""Tracks of an object through the frames of a folder: C++ and the server as Python, and what each refuses."""

import json
import shutil

import pytest

from common.build.model import build_model
from common.config import load_config
from common.export.write import example_inputs, export
from common.inference.predictor import Predictor
from tests.deploy.served import ask, input_of
from tests.made.commands import command


def exported(name, made_sets, place, *more):
    """The export of a twin with untrained weights."""
    config = load_config(f"PaddleCV/configs/tiny/tracking/{name}.yml", [f"dataset={made_sets.folder('tracks')}", *more])
    config.check()
    model = build_model(config, None)
    model.eval()
    export(model, config, None, example_inputs(model, config), place)
    return place


@pytest.fixture(scope="module")
def tracker(made_sets, tmp_path_factory):
    """An exported SiamRPN."""
    return exported("siamrpn", made_sets, tmp_path_factory.mktemp("tracker") / "export")


@pytest.fixture(scope="module")
def sequence(made_sets):
    """The folder of the frames of a made sequence, and its first box as a text."""
    folder = made_sets.folder("tracks") / "val/0000"
    return folder / "img", (folder / "groundtruth_rect.txt").read_text().splitlines()[0]


def test_a_track_is_that_of_python(tracker, sequence, program):
    arguments = ("--model", tracker, "--image", sequence[0], "--box", sequence[1])
    ours, python = program(*arguments, "--json"), command("infer", *map(str, arguments), "--json")
    assert ours.code == python.code == 0, ours.err + python.err
    one, other = json.loads(ours.out)["predictions"], json.loads(python.out)["predictions"]
    assert [record["frame"] for record in one] == list(range(6)) == [record["frame"] for record in other]
    for a, b in zip(one, other, strict=True):
        assert a["box"] == pytest.approx(b["box"], abs=0.05) and a["score"] == pytest.approx(b["score"], abs=2e-4)
    assert one[0]["box"] != one[5]["box"]
    assert program(*arguments).out.splitlines()[0] == f"{sequence[0]}: in 6 frames"


@pytest.mark.parametrize("rotated", [True, False])
def test_the_rectangle_of_a_mask_is_that_of_python(rotated, made_sets, sequence, program, tmp_path):
    settings = f"postprocess={{mask_threshold: 0.5, rotated: {str(rotated).lower()}}}"
    place = exported("siammask", made_sets, tmp_path / "export", settings)
    arguments = ("--model", place, "--image", sequence[0], "--box", sequence[1])
    ours, python = program(*arguments, "--json"), command("infer", *map(str, arguments), "--json")
    assert ours.code == python.code == 0, ours.err + python.err
    one, other = json.loads(ours.out)["predictions"], json.loads(python.out)["predictions"]
    assert len(one) == len(other) == 6 and list(one[0]) == list(other[0])
    for a, b in zip(one, other, strict=True):
        assert a["box"] == pytest.approx(b["box"], abs=0.05) and a["polygon"] == pytest.approx(b["polygon"], abs=0.5)
    x1, y1, x2, y2 = one[0]["box"]
    assert one[0]["polygon"] == [x1, y1, x2, y1, x2, y2, x1, y2] and one[3]["polygon"] != one[0]["polygon"]
    drawn = program(*arguments, "--out", tmp_path / "drawn")
    assert drawn.code == 0 and len(list((tmp_path / "drawn").iterdir())) == 6


def test_boxes_and_folders_that_cannot_be_tracked_are_refused(tracker, sequence, program, tmp_path):
    gap = tmp_path / "gap"
    shutil.copytree(sequence[0], gap)
    (gap / "0004.jpg").unlink()
    for folder, box, code, said in (
        (sequence[0], "500,2,9,9", 3, "[500, 2, 9, 9] lies outside of the first frame of 96x72 pixels"),
        (sequence[0], "5,2,9,1e9", 3, "[5, 2, 9, 1e+09] is larger than the first frame of 96x72 pixels"),
        (sequence[0], "5,2,9", 2, "--box 5,2,9: write --box x,y,width,height"),
        (gap, sequence[1], 3, "a frame is missing: 0003.jpg is followed by 0005.jpg"),
    ):
        arguments = ("--model", str(tracker), "--image", str(folder), "--box", box)
        for answer in (program(*arguments), command("infer", *arguments)):
            assert answer.code == code and said in answer.err, answer.err


def test_the_server_refuses_other_than_one_box_inside_of_the_frame(tracker):
    model = Predictor(tracker)
    sent, _ = input_of(model)
    box = [100, 70, 150, 110]
    answers = ask(model, {"videos": [sent] * 3, "boxes": [[], [box, box], [[900, 0, 950, 9]]]})
    assert [status for status, _ in answers] == [422] * 3
    assert "0 boxes; a tracker follows one object" in answers[0][1] and "2 boxes" in answers[1][1]
    assert "outside of the first frame" in answers[2][1]
