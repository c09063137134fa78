"""`kit_infer` answers as `tools/infer.py` does, and refuses as it does."""

import functools
import json
import shutil

import cv2
import numpy as np
import pytest
import yaml

from common.weights.manifest import write_manifest
from tests.bad_inputs.images import REFUSED
from tests.deploy.test_cpp_goldens import exported_twin
from tests.made.commands import command
from tools import zoo


@pytest.fixture(scope="module")
def images(digits):
    return sorted((digits / "digits/JPEGImages").glob("*.jpg"))


@pytest.fixture(scope="module")
def low(exported, tmp_path_factory):
    """The small detector; its scores are low, so answers are asked for with `--threshold 0.02`."""
    return exported


def answers(text):
    return [json.loads(line) for line in text.splitlines()]


def same(one, other):
    """Whether two answers are equal: scores within 1e-4 and a rounding, coordinates within half a pixel."""
    assert [a["image"] for a in one] == [a["image"] for a in other]
    for a, b in zip(one, other, strict=True):
        assert len(a["predictions"]) == len(b["predictions"])
        for x, y in zip(a["predictions"], b["predictions"], strict=True):
            assert list(x) == list(y)
            assert (x["label"], x["category_id"]) == (y["label"], y["category_id"])
            assert abs(x["score"] - y["score"]) <= 1.01e-4
            assert np.abs(np.subtract(x["box"], y["box"])).max() <= 0.5
    return True


@pytest.fixture(scope="module")
def expected(low, images):
    """What Python answers to the whole folder."""
    found = command("infer", "--model", low, "--image", images[0].parent, "--json", "--threshold", 0.02)
    assert found.code == 0, found.err
    assert any(answer["predictions"] for answer in answers(found.out)), (
        "the detector finds nothing: the test shows nothing"
    )
    return answers(found.out)


@pytest.mark.parametrize("more", [(), ("--batch", 3), ("--workers", 2, "--threads", 1), ("--batch", 5, "--workers", 3)])
def test_a_folder_is_answered_as_python_answers_it_however_the_work_is_split(more, program, low, images, expected):
    got = program("--model", low, "--image", images[0].parent, "--json", "--threshold", 0.02, *more)
    assert got.code == 0, got.err
    assert same(answers(got.out), expected)


def test_the_text_for_people_is_the_same_too(program, low, images):
    arguments = ("--model", low, "--image", images[0], "--threshold", 0.02)
    assert program(*arguments).out == command("infer", *arguments).out


def test_a_classifier_says_and_draws_its_best_class_as_in_python(program, made_sets, tmp_path):
    row = next(row for row in zoo.read_zoo() if row["config"].endswith("/mobilenet_v1.yml"))
    model = exported_twin(row, made_sets, tmp_path / "export")
    image = next(made_sets.folder("digit_classes").rglob("*.png"))
    arguments = ("--model", model, "--image", image)
    assert program(*arguments, "--out", tmp_path / "a.png").out == command("infer", *arguments, "--out", tmp_path).out
    sizes = {cv2.imread(str(tmp_path / name)).shape for name in ("a.png", image.name)}
    assert sizes == {(224, 224, 3)}  # of 32 pixels, on which no name could be read


def test_openvino_answers_batches_by_a_program_that_was_written_for_one_image(program, made_sets, tmp_path):
    for package in ("openvino", "paddle2onnx", "onnxruntime"):
        pytest.importorskip(package)
    row = next(row for row in zoo.read_zoo() if row["config"].endswith("/mobilenet_v1.yml"))
    model = exported_twin(row, made_sets, tmp_path / "export", onnx=True)
    arguments = (
        "--model",
        model,
        "--engine",
        "openvino",
        "--image",
        made_sets.folder("digit_classes") / "train/3",
        "--json",
    )
    one, several = program(*arguments), program(*arguments, "--batch", 5)
    assert several.code == 0 and answers(several.out) and several.out == one.out, several.err
    np.savez(tmp_path / "large.npz", image=np.zeros((1, 3, 96, 96), "float32"))
    program("--model", model, "--engine", "openvino", "--input", tmp_path / "large.npz").refused(2, "fixed sizes")


def test_standard_input_is_an_image_or_paths(program, low, images, expected):
    arguments = ("--model", low, "--image", "-", "--json", "--threshold", 0.02)
    (whole,) = answers(program(*arguments, stdin=images[0].read_bytes()).out)
    assert whole["image"] == "stdin.png" and whole["predictions"] == expected[0]["predictions"]
    listed = program(*arguments, stdin="\n".join(map(str, images[:3])).encode())
    assert same(answers(listed.out), expected[:3])
    program(*arguments).refused(3, "standard input is empty")


def test_drawn_images_have_the_size_and_the_boxes(program, low, images, tmp_path):
    for out in (tmp_path / "one.png", tmp_path / "folder"):
        assert program("--model", low, "--image", images[0], "--out", out, "--threshold", 0.02).code == 0
    drawn = cv2.imread(str(tmp_path / "one.png"))
    source = cv2.imread(str(images[0]))
    assert drawn.shape == source.shape and np.abs(drawn.astype(int) - source).max() > 60
    assert (tmp_path / "folder" / images[0].name).is_file()
    one = ("--model", low, "--image", images[0])
    program(*one, "--out", tmp_path / "a.xlsx").refused(2, "a.xlsx: .xlsx files are not written; name a .jpg or .png")
    copy = shutil.copy(images[0], tmp_path / "kept.jpg")
    program("--model", low, "--image", copy, "--out", copy).refused(2, "would write over")


def test_one_bad_image_is_named_and_the_others_are_answered(program, low, images, tmp_path):
    shutil.copy(images[0], tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(images[1].read_bytes()[:900])
    shutil.copy(images[2], tmp_path / "c.jpg")
    got = program("--model", low, "--image", tmp_path, "--json", "--workers", 2).refused(3, "b.jpg", "1 of 3 images")
    assert [answer["image"] for answer in answers(got.out)] == [str(tmp_path / "a.jpg"), str(tmp_path / "c.jpg")]


def test_a_thin_image_that_would_be_resized_beyond_all_bounds_is_refused_by_name(program, low, images, tmp_path):
    model = copied(low, tmp_path)
    text = (model / "infer.yml").read_text().replace("type: Resize\n", "type: ResizeShort\n")
    about = yaml.safe_load(text.replace("keep_ratio: false", "max_size: 0"))
    about["preprocess"][1]["size"] = 96  # of several sizes one would be drawn
    (model / "infer.yml").write_text(yaml.safe_dump(about))
    (model / "manifest.json").unlink()
    write_manifest(model)
    (tmp_path / "folder").mkdir()
    shutil.copy(images[0], tmp_path / "folder/a.jpg")
    cv2.imwrite(str(tmp_path / "folder/b.png"), np.zeros((1, 900_000, 3), np.uint8))
    for run in (program, lambda *words: command("infer", *words)):
        got = run("--model", model, "--image", tmp_path / "folder", "--batch", 2, "--json")
        got.refused(3, "D103", "900000x1 would be resized to 86400000x96", "b.png")
        assert [answer["image"] for answer in answers(got.out)] == [str(tmp_path / "folder/a.jpg")]


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_image_is_refused(name, program, low, tmp_path):
    data, code = REFUSED[name]
    (tmp_path / "x.jpg").write_bytes(data)
    program("--model", low, "--image", tmp_path / "x.jpg").refused(3, "D101" if "float" in name else code, "x.jpg")


def test_what_is_not_there_is_refused_with_what_may_have_been_meant(program, low, images, tmp_path):
    program("--model", low, "--image", str(images[0])[:-5] + ".jpg").refused(3, "D104", "did you mean")
    program("--model", low, "--image", tmp_path).refused(3, "holds no image")
    program("--model", f"{low}s", "--image", images[0]).refused(2, "there is no such folder", "did you mean")
    program("--model", tmp_path, "--image", images[0]).refused(2, "no exported model")
    program("--model", low, "--imagee", images[0]).refused(2, "there is no option --imagee; did you mean '--image'?")
    program("--model", low, "--image", images[0], "--batch", 0).refused(2, "--batch is 0")
    program("--model", low, "--image", images[0], "--batch", "two").refused(2, "--help")
    program("--model", low, "--image", images[0], "--engine", "padle").refused(2, "did you mean 'paddle'?")
    program("--model", low).refused(2, "--image")
    program("--model", low, "--golden", "--threshold", 0.5).refused(2, "go with --image")
    program("--model", low, "--input", "in.npz", "--json").refused(2, "--json goes with")
    assert program("--help").code == 0


def copied(exported, place):
    return shutil.copytree(exported, place / "model")


@pytest.mark.parametrize("name", ["model.pdiparams", "model.json", "infer.yml", "manifest.json"])
@pytest.mark.parametrize("how", ["missing", "truncated", "flipped"])
def test_a_damaged_export_is_refused_and_the_file_named(how, name, program, exported, images, tmp_path):
    model = copied(exported, tmp_path)
    file = model / name
    data = bytearray(file.read_bytes())
    if how == "missing":
        file.unlink()
    elif how == "truncated":
        file.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    program("--model", model, "--image", images[0]).refused(4, name)


@pytest.mark.parametrize(
    ("old", "new"), [("threshold: 0", "threshold: 1"), ("engine: auto", "engine: [auto"), ("n", "")]
)
def test_an_edited_infer_yml_is_refused_in_the_words_of_python(old, new, program, exported, images, tmp_path):
    model = copied(exported, tmp_path)
    text = (model / "infer.yml").read_text()
    assert old in text
    (model / "infer.yml").write_text(text.replace(old, new))
    got, expected = (
        run("--model", model, "--image", images[0]) for run in (program, functools.partial(command, "infer"))
    )
    expected.refused(4, "infer.yml: ", "written")
    assert (got.code, got.err) == (expected.code, expected.err)


def test_an_input_of_another_rank_type_or_size_is_refused(program, exported, tmp_path):
    golden = dict(np.load(exported / "golden.npz"))
    inputs = {key: value for key, value in golden.items() if key.startswith("in/")}
    image = inputs["in/image"]

    def given(**changed):
        np.savez(tmp_path / "in.npz", **{**inputs, **{f"in/{key}": value for key, value in changed.items()}})
        return program("--model", exported, "--input", tmp_path / "in.npz")

    assert given().code == 0
    given(image=image[0]).refused(2, "'image' as float32[3, 96, 96]", "takes float32[any, 3, 96, 96]")
    given(image=image.astype("float64")).refused(2, "float64")
    given(image=image[:, :, :50]).refused(2, "float32[1, 3, 50, 96]")
    given(im_shape=np.zeros((1, 3), "float32")).refused(2, "im_shape")
    np.savez(tmp_path / "in.npz", image=image)
    program("--model", exported, "--input", tmp_path / "in.npz").refused(2, "gives no 'im_shape'")
    np.save(tmp_path / "in.npy", image)
    program("--model", exported, "--input", tmp_path / "in.npy").refused(2, "takes 3")
    (tmp_path / "in.npz").write_bytes(b"PK")
    program("--model", exported, "--input", tmp_path / "in.npz").refused(3, "not a .npz")
    np.save(tmp_path / "in.npy", np.asfortranarray(np.zeros((2, 3))))
    program("--model", exported, "--input", tmp_path / "in.npy").refused(2)


def test_a_batch_is_answered_as_its_samples_one_by_one(program, exported, images, tmp_path):
    image, shape, factor = (np.load(exported / "golden.npz")[f"in/{n}"] for n in ("image", "im_shape", "scale_factor"))
    batch = {"image": np.concatenate([image, image[..., ::-1]]), "im_shape": shape.repeat(2, 0)}
    np.savez_compressed(tmp_path / "in.npz", **batch, scale_factor=factor.repeat(2, 0))
    answer = program("--model", exported, "--input", tmp_path / "in.npz", "--output", tmp_path / "out.npz")
    assert answer.code == 0, answer.err
    out = np.load(tmp_path / "out.npz")
    golden = np.load(exported / "golden.npz")
    assert out["num_boxes"].shape == (2,) and out["num_boxes"][0] == golden["out/num_boxes"][0]
    np.testing.assert_allclose(out["boxes"][: out["num_boxes"][0]], golden["out/boxes"], rtol=1e-4, atol=1e-3)


def test_the_report_of_the_latency_has_every_stage(program, exported, images):
    got = program("--model", exported, "--image", images[0], "--json", "--repeat", 3, "--warmup", 1, "--batch", 2)
    report = json.loads(got.out.splitlines()[-1])
    assert list(report["latency_ms"]) == ["decode", "preprocess", "run", "postprocess", "total"]
    assert set(report["latency_ms"]["run"]) == {"p50", "p95", "p99", "mean", "min"}
    assert report["engine"] == "paddle" and report["batch"] == 2


def test_an_engine_of_the_export_that_cpp_does_not_have_is_named_with_those_it_has(program, exported, tmp_path):
    model = copied(exported, tmp_path)
    text = (model / "infer.yml").read_text()
    (model / "infer.yml").write_text(text.replace("engine: auto", "engine: onnxruntime"))
    (model / "manifest.json").unlink()
    write_manifest(model)
    program("--model", model, "--golden").refused(2, "infer.yml: the engine is onnxruntime", "--engine paddle")
    assert program("--model", model, "--golden", "--engine", "paddle").code == 0


def test_a_transform_that_cpp_does_not_have_is_refused_by_name(program, exported, images, tmp_path):
    model = copied(exported, tmp_path)
    text = (model / "infer.yml").read_text()
    (model / "infer.yml").write_text(text.replace("type: Resize", "type: RandomFlip"))
    (model / "manifest.json").unlink()
    write_manifest(model)
    program("--model", model, "--image", images[0]).refused(2, "infer.yml", "no 'RandomFlip'")


def test_the_example_program_counts_what_is_seen(program, exported, images):
    got = program(exported, images[0], name="count_objects")
    assert got.code == 0 and str(images[0]) in got.out
    program(tmp := exported / "nothing", images[0], name="count_objects").refused(2, str(tmp))


def rewritten(folder, target, **changes):
    """A copy of an export whose infer.yml says something else."""
    model = shutil.copytree(folder, target)
    about = yaml.safe_load((model / "infer.yml").read_text())
    (model / "infer.yml").write_text(yaml.safe_dump(about | changes, sort_keys=False))
    (model / "manifest.json").unlink()
    write_manifest(model)
    return model


def test_a_kit_s_own_classes_are_refused_by_name_and_the_model_runs_on_tensors(program, exported, images, tmp_path):
    model = rewritten(exported, tmp_path / "model", kit="MyDet", kit_classes=["Darken", "Detection"])
    answer = program("--model", model, "--image", images[0])
    answer.refused(2, "needs Darken, Detection of the kit MyDet", "tools/infer.py", "--input in.npz --output out.npz")
    assert program("--model", model, "--golden").code == 0


@pytest.mark.parametrize(
    "transform",
    [
        {"type": "LetterBox", "size": 64, "center": True},
        {"type": "Pad", "size": 96, "center": True},
        {"type": "CenterCrop", "size": 32},
    ],
)
def test_an_export_whose_boxes_would_be_moved_is_refused_as_python_refuses_it(
    transform, program, low, images, tmp_path
):
    nodes = yaml.safe_load((low / "infer.yml").read_text())["preprocess"]
    model = rewritten(low, tmp_path / "model", preprocess=[nodes[0], transform, *nodes[1:]])
    program("--model", model, "--image", images[0]).refused(2, "infer.yml", transform["type"], "moves the image")
    command("infer", "--model", model, "--image", images[0]).refused(
        2, "infer.yml", transform["type"], "moves the image"
    )


def test_an_export_of_another_format_is_refused_with_what_to_do(program, exported, tmp_path):
    old, new = (rewritten(exported, tmp_path / f"{n}", format=n) for n in (1, 3))
    program("--model", old, "--golden").refused(4, "format 1", "tools/export.py -c CONFIG")
    program("--model", new, "--golden").refused(4, "format 3", "build it again")


def test_the_threshold_of_the_export_selects_the_boxes_that_python_selects(program, exported, images):
    found = program("--model", exported, "--image", images[0].parent, "--json")
    expected = command("infer", "--model", exported, "--image", images[0].parent, "--json")
    assert same(answers(found.out), answers(expected.out)) and any(one["predictions"] for one in answers(found.out))
    (line,) = [text for text in found.err.splitlines() if "score threshold" in text]
    assert "maximum F1" in line and line in expected.err
    given = program("--model", exported, "--image", images[0], "--threshold", 0.25)
    assert "score threshold 0.25: --threshold" in given.err


def test_the_arguments_of_postprocess_are_those_that_python_takes(program, low, images, made_sets, tmp_path):
    model = rewritten(low, tmp_path / "boxes", postprocess={"threshold": 0.02})
    found = program("--model", model, "--image", images[0], "--json").out
    assert same(answers(found), answers(command("infer", "--model", model, images[0], "--json").out))
    assert found == program("--model", low, "--image", images[0], "--json", "--threshold", 0.02).out
    row = next(row for row in zoo.read_zoo() if row["config"].endswith("/mobilenet_v1.yml"))
    classifier = exported_twin(row, made_sets, tmp_path / "export")
    best = rewritten(classifier, tmp_path / "best", postprocess={"n_best": 2})
    image = next(made_sets.folder("digit_classes").rglob("*.png"))
    (ours,), (theirs,) = (
        answers(found.out)
        for found in (
            program("--model", best, "--image", image, "--json"),
            command("infer", "--model", best, image, "--json"),
        )
    )
    assert len(ours["predictions"]) == 2
    assert [record["label"] for record in ours["predictions"]] == [record["label"] for record in theirs["predictions"]]
    more = rewritten(classifier, tmp_path / "more", postprocess={"n_bset": 2})
    program("--model", more, "--image", image).refused(2, "infer.yml: postprocess: ImageClassification has 'n_bset'")
    command("infer", "--model", more, image).refused(2, "infer.yml", "n_bset")


def test_an_embedding_is_printed_as_in_python_and_not_drawn(program, made_sets, tmp_path):
    row = next(row for row in zoo.read_zoo() if row["config"].endswith("/sop_arcmargin.yml"))
    model = exported_twin(row, made_sets, tmp_path / "export")
    arguments = ("--model", model, "--image", made_sets.folder("digit_classes") / "val/3")
    assert program(*arguments).out == command("infer", *arguments).out
    got, expected = answers(program(*arguments, "--json").out), answers(command("infer", *arguments, "--json").out)
    assert [a["image"] for a in got] == [a["image"] for a in expected] and len(got) == 4
    vectors = [[a["predictions"][0]["embedding"] for a in side] for side in (got, expected)]
    np.testing.assert_allclose(*vectors, atol=2e-6)
    assert list(got[0]["predictions"][0]) == ["embedding"]
    program(*arguments, "--out", tmp_path / "drawn").refused(2, "an embedding is not drawn")
    command("infer", *arguments, "--out", tmp_path / "drawn").refused(2, "--out draws on images")
