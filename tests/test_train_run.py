"""End-to-end test of one run through the commands: training, evaluation, export, inference, and all output files."""

import json
import re
import shlex

import numpy as np
import pytest
import yaml

from common.build.model import build_model, labels_of, load_weights, read_configured_weights
from common.commands.configure import SECTIONS
from common.config import load_config
from common.errors import KitError
from common.export import write as export
from common.weights import checkpoint
from tests.made.commands import at, command


def same_answer(left, right):
    """Whether two predictions are one."""
    close = left["score"] == pytest.approx(right["score"], abs=2e-4)
    return left["label"] == right["label"] and close and left["box"] == pytest.approx(right["box"], abs=0.05)


def lines(folder, kind):
    """The records of one kind in a run's `metrics.jsonl`."""
    records = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [record for record in records if record["kind"] == kind]


def test_the_loss_decreases_and_the_score_is_above_chance(trained):
    losses = [record["loss"] for record in lines(trained.folder, "train")]
    assert losses[-1] < 0.6 * losses[0]
    assert lines(trained.folder, "eval")[-1]["AP50"] > 0.05


def test_the_run_folder_has_its_inputs_and_results(trained):
    folder = trained.folder
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    step = (folder / "last").resolve().name
    assert step == "step_60" and (folder / "best").resolve().name == step
    expected = {"metrics.jsonl", "timing.jsonl", "env.json", "README.md", "last", "best"}
    expected |= {f"{step}/{name}" for name in ("model.safetensors", "optimizer.safetensors", "state.json")}
    expected |= {f"{step}/{name}" for name in ("config.yml", "manifest.json")}
    expected |= {
        f"plots/{name}.png" for name in ("loss", "lr", "scores", "precision_recall", "confusion", "predictions")
    }
    expected |= {f"plots/train_batch_{number}.jpg" for number in range(3)}
    assert expected - names == set()
    assert not [name for name in names if ".tmp-" in name or ".trash-" in name]
    env = json.loads((folder / "env.json").read_text())
    assert env["seed"] == 0 and env["versions"]["paddlepaddle"] and env["settings"] and env["cores"] >= 1
    for image in (folder / "plots").iterdir():
        start = {".png": b"\x89PNG", ".jpg": b"\xff\xd8\xff"}.get(image.suffix)
        assert image.suffix == ".csv" or (image.read_bytes().startswith(start) and image.stat().st_size > 2000)


def test_the_model_card_has_the_score_and_the_commands(trained):
    card = (trained.folder / "README.md").read_text()
    score = lines(trained.folder, "eval")[-1]["AP"]
    assert f"{score:.4f}" in card and "YOLOv3" in card and "tools/export.py" in card


def test_the_saved_configuration_is_complete_and_runs_again(trained):
    saved = (trained.folder / "best/config.yml").read_text()
    content = yaml.safe_load(saved)
    assert set(content["train"]) == set(SECTIONS["train"].__dataclass_fields__)
    assert content["labels"] == [str(digit) for digit in range(10)] and content["num_classes"] == 10
    printed = command("train", "-c", trained.folder / "best/config.yml", "--print-config")
    assert printed.out == saved


def test_the_commands_logged_at_the_end_of_a_run_work(trained, digits, exported, monkeypatch):
    found = dict(re.findall(r"^  (\w+): +python \S*tools/\w+\.py (.*)$", trained.said, re.MULTILINE))
    assert set(found) == {"resume", "evaluate", "export", "predict"}
    scores = command("eval", *shlex.split(found["evaluate"]), "seed=0", "--json")
    assert scores.code == 0, scores.err
    image = digits / "digits/JPEGImages/eval_00000.jpg"
    answer = command("infer", *shlex.split(found["predict"].replace("PATH", str(image))), "--json")
    assert answer.code == 0, answer.err
    assert command("train", *shlex.split(found["resume"]), "--print-config").code == 0


def test_evaluating_the_best_checkpoint_gives_the_score_of_the_training(trained):
    answer = command("eval", *trained.arguments, f"weights={trained.folder / 'best'}", "--json")
    assert answer.code == 0, answer.err
    scores, then = json.loads(answer.out), lines(trained.folder, "eval")[-1]
    assert {name: then[name] for name in scores} == pytest.approx(scores, abs=1e-6)
    assert scores["AP50"] > 0.05


def test_an_evaluation_prints_the_classes_and_the_threshold_that_the_training_saved(trained):
    answer = command("eval", *trained.arguments, f"weights={trained.folder / 'best'}", f"output_dir={trained.place}/e")
    best = json.loads((trained.folder / "best/thresholds.json").read_text())["overall"]
    assert re.search(r"^class +boxes +AP50 +AP +best F1 +at score$", answer.out, re.MULTILINE)
    assert f"maximum F1 {best['F1']:.4f} over 10 classes at the score threshold {best['threshold']:g}" in answer.out
    assert "AP_large   -\n" in answer.out and "the data have no such boxes" in answer.out
    plots = trained.place / "e/tiny/yolov3/plots/eval"
    assert {"per_class.csv", "thresholds.csv", "thresholds.png", "confusion.csv"} <= {p.name for p in plots.iterdir()}


def test_the_best_threshold_is_exported_and_used_unless_another_is_given(trained, exported, digits):
    best = json.loads((trained.folder / "best/thresholds.json").read_text())["overall"]["threshold"]
    assert yaml.safe_load((exported / "infer.yml").read_text())["postprocess"] == {"threshold": best}
    images, weights = digits / "digits/JPEGImages", f"weights={trained.folder / 'best'}"
    all_images = command("infer", "--model", exported, images, "--json").out.splitlines()
    image = images / next(found["image"] for found in map(json.loads, all_images) if found["predictions"])
    by_export = command("infer", "--model", exported, image, "--json")
    assert f"score threshold {best:g}: maximum F1" in by_export.err and "infer.yml" in by_export.err
    given = command("infer", "--model", exported, image, "--json", "--threshold", best)
    assert given.out == by_export.out and f"score threshold {best:g}: --threshold" in given.err
    in_memory = command("infer", *trained.arguments, weights, "--image", image, "--json")
    assert f"score threshold {best:g}: maximum F1" in in_memory.err
    found, expected = (json.loads(answer.out)["predictions"] for answer in (in_memory, by_export))
    assert len(found) == len(expected) and all(map(same_answer, found, expected))
    chosen = command("infer", *trained.arguments, weights, "postprocess.threshold=0.7", "--image", image)
    assert "score threshold 0.7: -o postprocess.threshold=0.7" in chosen.err


def test_scores_do_not_depend_on_batch_size_and_workers(trained):
    def score(*more):
        return json.loads(command("eval", *trained.arguments, f"weights={trained.folder}", *more, "--json").out)

    assert score("eval.batch_size=1") == pytest.approx(score("eval.batch_size=7", "eval.workers=2"), abs=1e-6)


def test_the_exported_model_scores_as_the_trained_one(trained, exported):
    answer = command("eval", "--model", exported, *trained.arguments, "--json")
    then = lines(trained.folder, "eval")[-1]
    scores = json.loads(answer.out)
    assert {name: then[name] for name in scores} == pytest.approx(scores, abs=1e-4)


def test_an_export_has_all_files_for_programs_in_other_languages(exported):
    names = {path.name for path in exported.iterdir()}
    assert names == {"model.json", "model.pdiparams", "infer.yml", "config.yml", "golden.npz", "manifest.json"}
    about = yaml.safe_load((exported / "infer.yml").read_text())
    assert about["format"] == 2 and about["task"] == "Detection" and list(about["postprocess"]) == ["threshold"]
    assert "kit" not in about and about["labels"] == [str(digit) for digit in range(10)]
    assert [entry["name"] for entry in about["inputs"]] == ["image", "im_shape", "scale_factor"]
    assert [step["type"] for step in about["preprocess"]] == ["Decode", "Resize", "Normalize"]
    with np.load(exported / "golden.npz") as golden:
        assert set(golden) == {"in/image", "in/im_shape", "in/scale_factor", "out/boxes", "out/num_boxes"}


def test_trained_and_exported_model_predict_the_same_for_a_folder_an_image_and_standard_input(
    trained, exported, digits
):
    folder = digits / "digits/JPEGImages"
    images = sorted(folder.glob("eval_*.jpg"))
    listed = "\n".join(map(str, images)).encode()
    low = ["--json", "--threshold", "0.01"]

    def answers(source, *model, stdin=b""):
        answer = command("infer", *model, "--image", source, *low, stdin=stdin)
        assert answer.code == 0, answer.err
        return [json.loads(line)["predictions"] for line in answer.out.splitlines()]

    by_list = answers("-", "--model", exported, stdin=listed)
    assert len(by_list) == 4 and any(by_list)
    assert answers(images[0], "--model", exported) == by_list[:1]
    assert answers("-", "--model", exported, stdin=images[0].read_bytes()) == by_list[:1]
    in_batches = command("infer", "--model", exported, "--image", folder, *low, "--batch", 5)
    found = [json.loads(line) for line in in_batches.out.splitlines()]
    named = {item["image"]: item["predictions"] for item in found}
    assert len(found) == 28
    in_memory = answers("-", *trained.arguments, f"weights={trained.folder / 'best'}", stdin=listed)
    for path, one, batched, memory in zip(images, by_list, (named[str(p)] for p in images), in_memory, strict=True):
        for other in (batched, memory):
            assert len(other) == len(one), path
            assert all(any(same_answer(left, right) for right in other) for left in one), path  # ties may change places


def test_an_export_with_a_fixed_batch_size_accepts_any_number_of_images(trained, digits, tmp_path):
    weights = f"weights={trained.folder / 'best'}"
    fixed = ["export.batch_size=3", "export.image_size=[96, 96]"]
    answer = command("export", "--out", tmp_path / "export", *trained.arguments, weights, *fixed)
    assert answer.code == 0, answer.err
    about = yaml.safe_load((tmp_path / "export/infer.yml").read_text())
    assert [entry["shape"] for entry in about["inputs"]] == [[3, 3, 96, 96], [3, 2], [3, 2]]
    low = ["--json", "--threshold", "0.01"]
    listed = "\n".join(str(path) for path in sorted(digits.glob("digits/JPEGImages/eval_*.jpg"))).encode()
    three = command("infer", "--model", tmp_path / "export", "--image", "-", *low, stdin=listed)
    one = command("infer", *trained.arguments, weights, "--image", "-", *low, stdin=listed)
    counts = [[len(json.loads(line)["predictions"]) for line in answer.out.splitlines()] for answer in (three, one)]
    assert three.code == 0 and len(counts[0]) == 4 and counts[0] == counts[1]
    answer = command("eval", "--model", tmp_path / "export", *trained.arguments)
    answer.refused(2, "float32[8, 3, 96, 96]", "float32[3, 3, 96, 96]")


def test_an_export_takes_the_place_of_one_that_a_link_names(trained, tmp_path):
    arguments = [*trained.arguments, f"weights={trained.folder / 'best'}"]
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to("place")
    assert command("export", *arguments, "--out", tmp_path / "link").code == 0
    first = (tmp_path / "place/manifest.json").stat().st_mtime_ns
    assert command("export", *arguments, "--out", tmp_path / "link").code == 0
    assert (tmp_path / "place/manifest.json").stat().st_mtime_ns > first
    assert {path.name for path in tmp_path.iterdir()} == {"place", "link"} and (tmp_path / "link").is_symlink()


def test_raw_predictions_are_exported_and_compared_where_scores_tie(trained, tmp_path):
    config = load_config(trained.arguments[1], [*trained.arguments[3:], f"weights={trained.folder / 'best'}"])
    model = build_model(config, labels_of(config))
    load_weights(model, read_configured_weights(config), config)
    model.eval()
    inputs, shapes = export.example_inputs(model, config), {name: shape for name, (shape, _) in model.inputs.items()}
    raw = export.raw_differences(model, inputs, tmp_path, shapes)
    assert set(raw) == {"raw 0", "raw 1", "raw 2"} and max(raw.values()) < 1e-4
    export.prove({"boxes": 0.5}, 1e-4, "exported", lambda: raw)


def test_an_export_whose_raw_predictions_differ_too_is_refused():
    with pytest.raises(KitError, match=r"boxes by 5.0e-01, raw 0 by 1.0e-02 .* nothing was written"):
        export.prove({"boxes": 0.5}, 1e-4, "exported", lambda: {"raw 0": 0.01})
    with pytest.raises(KitError, match="boxes by nan"):
        export.prove({"boxes": float("nan")}, 1e-4, "exported")
    export.prove({"boxes": 1e-5}, 1e-4, "exported", lambda: pytest.fail("needless"))


@pytest.mark.parametrize("name", ["", "best", "best/model.safetensors"])
def test_class_names_come_with_the_weights_where_the_data_are_not(trained, digits, name):
    given = [*trained.arguments, f"weights={trained.folder / name}", "dataset=/nowhere"]
    answer = command("infer", *given, "--image", digits / "digits/JPEGImages/eval_00000.jpg", "--json")
    assert answer.code == 0, answer.err


def test_predictions_have_the_category_ids_of_the_annotation_file_and_are_scored_by_it(trained, exported, digits):
    from faster_coco_eval import COCO, COCOeval_faster

    content = json.loads((digits / "digits/annotations/train.json").read_text())
    names = {category["id"]: category["name"] for category in content["categories"]}
    numbers, found = {image["file_name"]: image["id"] for image in content["images"]}, []
    arguments = ("--image", digits / "digits/JPEGImages", "--threshold", 0, "--json")
    for line in command("infer", "--model", exported, *arguments).out.splitlines():
        answer = json.loads(line)
        for record in answer["predictions"] if (name := answer["image"].rsplit("/", 1)[1]) in numbers else ():
            assert names[record["category_id"]] == record["label"]
            x1, y1, x2, y2 = record["box"]
            box = {"bbox": [x1, y1, x2 - x1, y2 - y1], "image_id": numbers[name]}
            found.append(box | {"category_id": record["category_id"], "score": record["score"]})
    truth = COCO(content)
    evaluation = COCOeval_faster(truth, truth.loadRes(found), "bbox")
    evaluation.evaluate(), evaluation.accumulate(), evaluation.summarize()
    assert evaluation.stats[1] == pytest.approx(lines(trained.folder, "eval")[-1]["AP50"], abs=0.01)


def test_text_output_has_the_class_and_the_box(exported, digits, tmp_path):
    image = digits / "digits/JPEGImages/eval_00000.jpg"
    answer = command("infer", "--model", exported, "--image", image, "--threshold", 0.001, "--out", tmp_path)
    assert re.search(r"^  \d 0\.\d{3} \[[\d., ]+\]$", answer.out, re.MULTILINE), answer.out
    assert (tmp_path / "eval_00000.jpg").stat().st_size > 1000


def test_resuming_a_completed_run_changes_nothing(trained):
    before = checkpoint.read_checkpoint(trained.folder / "last")
    metrics = (trained.folder / "metrics.jsonl").read_bytes()
    answer = command("train", "--eval", "-r", "auto", *trained.arguments)
    assert answer.code == 0 and "this run is complete" in answer.err
    arrays, state = checkpoint.read_checkpoint(trained.folder / "last")
    assert (trained.folder / "metrics.jsonl").read_bytes() == metrics
    assert state == before[1]
    for group, named in before[0].items():
        assert all((arrays[group][name] == value).all() for name, value in named.items())


def test_a_dry_run_runs_every_stage_and_leaves_no_files(digits, tmp_path):
    answer = command("train", "--eval", "--dry-run", *at(digits, f"output_dir={tmp_path / 'deep/output'}"))
    assert answer.code == 0 and "dry run passed: one step" in answer.err and "saved and loaded" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_max_steps_holds_for_resumed_runs(digits, tmp_path):
    arguments = at(digits, f"output_dir={tmp_path}", "train.max_steps=2", "train.epochs=5")
    for more in ([], ["-r", "auto"]):
        answer = command("train", *more, *arguments)
        assert answer.code == 0 and "train.max_steps=2 steps are done" in answer.err
        assert sorted(path.name for path in (tmp_path / "tiny/yolov3").glob("step_*")) == ["step_2"]
    answer = command("train", "-r", "auto", *arguments, "train.max_steps=3")
    assert answer.code == 0 and (tmp_path / "tiny/yolov3/last").resolve().name == "step_3"


def test_overwrite_starts_a_new_run(digits, tmp_path):
    arguments = at(digits, f"output_dir={tmp_path}", "train.max_steps=1")
    assert command("train", *arguments).code == 0
    first = lines(tmp_path / "tiny/yolov3", "train")
    (tmp_path / "tiny/yolov3/step_77").mkdir()
    answer = command("train", "--overwrite", *arguments)
    assert answer.code == 0 and not (tmp_path / "tiny/yolov3/step_77").exists()
    assert lines(tmp_path / "tiny/yolov3", "train") == first


def test_weights_in_the_official_format_are_written_on_request_and_read_again(digits, tmp_path):
    arguments = at(digits, f"output_dir={tmp_path}", "train.max_steps=1")
    assert command("train", "--format", "pdparams", *arguments).code == 0
    official = tmp_path / "tiny/yolov3/last/model.pdparams"
    arrays, _ = checkpoint.read_checkpoint(tmp_path / "tiny/yolov3/last")
    read = checkpoint.read_weights(official)
    assert read.keys() == arrays["model"].keys()
    assert all((read[name] == value).all() for name, value in arrays["model"].items())


def test_pretrained_weights_start_another_run(trained, digits, tmp_path):
    arguments = at(digits, f"output_dir={tmp_path}", f"pretrained={trained.folder / 'best'}", "optimizer.lr.base=1e-9")
    answer = command("train", *arguments, "train.max_steps=1")
    assert answer.code == 0, answer.err
    here, there = (checkpoint.read_weights(place) for place in (tmp_path / "tiny/yolov3", trained.folder / "best"))
    name = "backbone.stem.conv.weight"
    np.testing.assert_allclose(here[name], there[name], atol=1e-6)
