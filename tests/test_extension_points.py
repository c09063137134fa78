"""A kit's own dataset, transform, sampler, model, loss, metric, task and trainer, from the check to the server."""

import json
import shutil

import cv2
import numpy as np
import pytest
import yaml

from common.config.kits import ROOT
from common.errors import EnvironmentProblem
from common.inference import exported as exports
from common.inference.predictor import Predictor
from common.weights.manifest import write_manifest
from tests.deploy.serving_process import serving
from tests.made.commands import command

KIT = ROOT / "tests/made/OwnKit"


def edited(folder, name, *changes):
    """Replaces text in a file of the kit, each old text once."""
    file = folder / name
    for old, new in changes:
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new), encoding="utf-8")


def copied(place, name="TheirKit"):
    """A copy of the kit outside of the repository, under another name, and the factor that its transform reads."""
    kit = shutil.copytree(KIT, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "factor.txt").write_text("0.5")
    return kit


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return copied(tmp_path_factory.mktemp("own"))


def given(kit, *more):
    return [
        "-c",
        kit / "configs/shades.yml",
        "-o",
        f"factor={kit.parent}/factor.txt",
        f"output_dir={kit.parent}",
        *more,
    ]


@pytest.fixture(scope="module")
def run(kit):
    """The folder of a run, exported."""
    best = f"weights={kit.parent}/shades/best"
    for tool, more in (("check", []), ("train", ["--eval"]), ("eval", ["-o", best]), ("export", ["-o", best])):
        done = command(tool, *given(kit), *more)
        assert done.code == 0, done.err
        if tool == "check":
            assert "a training step, a checkpoint" in done.out
    return kit.parent / "shades"


@pytest.fixture(scope="module")
def image(kit):
    """An image file of shade 204: 0.5 * 204 / 255 = 0.4 after the kit's transform, 0.8 before."""
    assert cv2.imwrite(str(kit.parent / "shade.png"), np.full((20, 16, 3), 204, np.uint8))
    return kit.parent / "shade.png"


def test_every_part_of_the_kit_took_part_in_the_training(run):
    saved = yaml.safe_load((run / "best/config.yml").read_text())
    assert saved["trainer"] == {"type": "HalvingTrainer"} and saved["data"]["train"]["sampler"]["type"] == "Backwards"
    assert saved["postprocess"] == {"border": 0.4, "words": ["dark", "bright"]}
    scores = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert min(row["error"] for row in scores if "error" in row) < 0.1


def test_an_export_names_the_kit_and_carries_the_file_of_its_transform(run):
    about = yaml.safe_load((run / "export/infer.yml").read_text())
    assert about["format"] == 2 and about["task"] == "Brightness"
    assert about["postprocess"] == {"border": 0.4, "words": ["dark", "bright"]}
    assert about["kit"] == str(run.parent / "TheirKit") and about["kit_classes"] == ["Dim", "Brightness"]
    assert [step for step in about["preprocess"] if step["type"] == "Dim"] == [{"type": "Dim", "file": "factor.txt"}]
    assert (run / "export/factor.txt").read_text() == "0.5"


def test_the_export_and_the_checkpoint_predict_alike_by_the_kit_s_own_task(run, kit, image):
    by_export = command("infer", "--model", run / "export", image, "--json", "--out", kit.parent / "drawn")
    by_checkpoint = command("infer", *given(kit, f"weights={run}/best"), "--image", image, "--json")
    assert by_export.code == by_checkpoint.code == 0, by_export.err + by_checkpoint.err
    found, same = json.loads(by_export.out), json.loads(by_checkpoint.out)
    (record,), (other,) = found["predictions"], same["predictions"]
    assert found["image"] == same["image"] == str(image) and record["label"] == other["label"]
    assert record["level"] == pytest.approx(other["level"], abs=1e-3) and record["level"] == pytest.approx(
        0.8, abs=0.15
    )
    drawn = cv2.imread(str(kit.parent / "drawn/shade.png"))
    assert drawn[-1].tolist() == [[0, 0, 255]] * 16 and (drawn[:-1] == 204).all()


def test_the_server_predicts_by_the_kit_s_own_task(run, image):
    with serving(f"shades={run / 'export'}") as server:
        reply = server.ask("/v1/models/shades:predict", image.read_bytes(), headers={"Content-Type": "image/png"})
        assert reply.status == 200, reply.body
        about = server.ask("/v1/models/shades").json
    said = command("infer", "--model", run / "export", image, "--json")
    assert reply.json["predictions"] == [json.loads(said.out)["predictions"]]
    assert (about["task"], about["input"]) == ("Brightness", "image")


def test_a_kit_that_is_not_there_is_named_with_the_place_it_belongs_to(run, kit, image, tmp_path, monkeypatch):
    away = kit.rename(tmp_path / "TheirKit")
    try:
        answer = command("infer", "--model", run / "export", image)
        answer.refused(4, f"uses Dim and Brightness of the kit {kit}", f"beside common/, as {ROOT / 'TheirKit'}")
        monkeypatch.setattr(exports, "ROOT", tmp_path)  # where a kit lies beside common, its name is enough
        assert exports.Exported(run / "export").namespace.kit == away
    finally:
        away.rename(kit)


def test_a_kit_is_not_looked_for_relatively_to_wherever_the_program_runs(run, tmp_path, monkeypatch):
    folder = shutil.copytree(run / "export", tmp_path / "export")
    about = yaml.safe_load((folder / "infer.yml").read_text())
    (folder / "infer.yml").write_text(yaml.safe_dump(about | {"kit": "TheirKit"}))
    (folder / "manifest.json").unlink()
    write_manifest(folder)
    monkeypatch.chdir(run.parent)  # which holds TheirKit
    with pytest.raises(EnvironmentProblem, match="of the kit TheirKit, which is not here"):
        Predictor(folder)


def test_an_export_of_an_earlier_version_is_refused_with_what_to_do(run, tmp_path):
    folder = shutil.copytree(run / "export", tmp_path / "export")
    edited(folder, "infer.yml", ("format: 2", "format: 1"))
    (folder / "manifest.json").unlink()
    write_manifest(folder)
    command("infer", "--model", folder, "x.png").refused(
        4, "format 1", "tools/export.py -c CONFIG -o weights=CHECKPOINT"
    )


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        (
            "models/shade_net.py",
            ('"Brightness"', '"Brightnes"'),
            ["no such task; did you mean 'Brightness'?"],
        ),
        (
            "tasks/brightness.py",
            ("(Task):", ":"),
            ["'Brightness'", "no such task; the tasks are ActionDetection, ActionLocalization"],
        ),
        (
            "data/dim.py",
            ("(Transform):", ":"),
            ["Dim is no component", "derive from common.data.transform.Transform"],
        ),
        ("data/dim.py", ("self, file", "self, file, dataset"), ["Dim needs the dataset", "no export"]),
        ("configs/shades.yml", ("border: 0.4", "boarder: 0.4"), ["Brightness has no key 'boarder'", "'border'"]),
        ("configs/shades.yml", ("border: 0.4", "border: [1]"), ["border is a list"]),
    ],
)
def test_what_no_export_could_use_is_refused_before_anything_is_trained(file, change, words, tmp_path):
    kit = copied(tmp_path, tmp_path.name)
    edited(kit, file, change)
    for tool in ("train", "check"):
        command(tool, *given(kit)).refused(2, *words)
    assert not (tmp_path / "shades").exists()
