"""Wrong configurations and command lines: refused with the place, before anything is trained."""

import shutil

import pytest

from tests.made.commands import SMALL, at, command

TRANSFORMS = "data.train.transforms"

# (what is given by -o, exit code, words of the message)
REFUSED = [
    ("train.lerning_rate=1", 2, ["-o train.lerning_rate=1", "train has no key 'lerning_rate'"]),
    ("train.epoch=1", 2, ["did you mean 'epochs'?"]),
    ("trian.epochs=1", 2, ["unknown key 'trian'", "did you mean 'train'?"]),
    ("model.type=YOLO3", 2, ["did you mean 'YOLOv3'?"]),
    ("model.backbone.type=DarkNt", 2, ["did you mean 'DarkNet'?"]),
    ("data.train.type=CocoDetecton", 2, ["did you mean 'CocoDetection'?"]),
    ("data.trian=null", 2, ["data has no key 'trian'", "did you mean 'train'?"]),
    ("data.metric.type=CocoMAPP", 2, ["did you mean 'CocoMap'?"]),
    ("optimizer.type=Momentun", 2, ["did you mean 'Momentum'?"]),
    ("optimizer.lr.type=StepDecy", 2, ["did you mean 'StepDecay'?"]),
    (f"{TRANSFORMS}.0.type=Decod", 2, ["did you mean 'Decode'?"]),
    (f"{TRANSFORMS}.99.type=Decode", 2, ["has 8 items"]),
    ("train.batch_size=0", 2, ["train.batch_size is 0", "1 or more"]),
    ("train.batch_size=-1", 2, ["train.batch_size is -1", "1 or more"]),
    ("train.batch_size=4.5", 2, ["train.batch_size is 4.5", "int"]),
    ("train.batch_size=four", 2, ["train.batch_size is 'four'", "int"]),
    ("train.batch_size=100", 3, ["0 batches", "24 samples", "batch of 100"]),
    ("train.epochs=0", 2, ["train.epochs is 0"]),
    ("train.workers=-1", 2, ["train.workers is -1"]),
    ("train.ema=1", 2, ["train.ema is 1", "less than 1"]),
    ("train.amp=yes", 2, ["train.amp is 'yes'"]),
    ("train.freeze=[neckk.*]", 2, ["no layer is named 'neckk.*'", "neck"]),
    ("optimizer.lr.base=0", 2, ["optimizer.lr.base is 0", "more than 0"]),
    ("optimizer.lr.base=-1e-3", 2, ["optimizer.lr.base is -0.001"]),
    ("optimizer.lr.base=.nan", 2, ["nan"]),
    ("optimizer.lr.base=.inf", 2, ["inf"]),
    ("optimizer=null", 2, ["'optimizer:' is missing"]),
    ("data.train=null", 2, ["there is no data.train; the splits are eval"]),
    ("model=null", 2, ["'model:' is missing"]),
    ("seed=-1", 2, ["seed is -1"]),
    ("device=cuda", 2, ["device is 'cuda'", "gpu:0"]),
    ("num_classes=3", 2, ["-o num_classes=3", "num_classes is 3", "10 classes"]),
    ("labels=[zero, one]", 3, ["zero", "annotations/train.json"]),
    ("model.head.anchors=[[[10, 12]]]", 2, ["3 levels", "1 lists of anchors"]),
    ("size=[100, 96]", 2, ["100 x 96", "multiples of 32", "[96, 96] or [128, 96]"]),
    (f"{TRANSFORMS}.6.sizes=[96, 112]", 2, ["sizes", "112 x 112", "multiples of 32"]),
    ("export.image_size=[100, 100]", 2, ["-o export.image_size", "multiples of 32"]),
    (f"{TRANSFORMS}=[]", 2, ["data.train gives no 'image'", "Decode"]),
    (f"{TRANSFORMS}=[{{type: Decode}}, {{type: Resize, size: 96}}]", 2, ["uint8", "float32", "Normalize"]),
    (f"{TRANSFORMS}=[{{type: Resize, size: 96}}]", 3, ["Resize failed", "'image'"]),
    (f"{TRANSFORMS}=[{{type: Decode}}, {{type: ResizeShort, size: 90}}, {{type: Normalize}}]", 2, ["multiples of 32"]),
    (f"{TRANSFORMS}.0.max_pixels=0", 2, ["max_pixels is 0"]),
    (f"{TRANSFORMS}.0.max_pixels=100", 3, ["D103", "more than the 100 allowed"]),
    ("mean=[0.5, 0.5]", 2, ["Normalize got mean [0.5, 0.5]"]),
    ("dataset=/nowhere", 3, ["D104", "/nowhere/annotations/train.json"]),
    ("data.train.annotations=annotations/trian.json", 3, ["D104", "annotations/trian.json"]),
    ("data.train.images=JPEGImage", 3, ["D104", "JPEGImage"]),
    ("name=../up", 2, ["name is '../up'", "one folder in output_dir"]),
    ("a.b", 2, ["write key=value"]),
    ("=3", 2, ["write key=value"]),
    ("train.epochs=[", 2, ["-o train.epochs=["]),
    ("weights=/nowhere/best", 2, ["/nowhere/best: there is no such checkpoint"]),
    ("pretrained=/nowhere.pdparams", 2, ["/nowhere.pdparams"]),
    ("output_dir=/proc/nowhere", 4, ["/proc/nowhere", "-o output_dir=PATH"]),
]


@pytest.mark.parametrize(("override", "code", "words"), REFUSED, ids=[row[0][:60] for row in REFUSED])
def test_a_wrong_value_is_refused(digits, tmp_path, override, code, words):
    arguments = at(digits, f"output_dir={tmp_path}", override)
    answer = command("train", "--dry-run", *arguments)
    assert answer.refused(code, *words).out == ""


# (text of a configuration file, words of the message after `mine.yml`)
FILES = [
    ("model: {type: YOLOv3, hed: 3}\n", [":1: ", "YOLOv3 has no key 'hed'", "did you mean 'head'?"]),
    ("_base_: _base_/yolov3_coco.yml\nmodel:\n  neck:\n    chanels: 3\n", [":4: ", "did you mean 'channels'?"]),
    ("_base_: nowhere.yml\n", [":1: ", "nowhere.yml does not exist"]),
    ("_base_: mine.yml\n", [":1: ", "form a circle"]),
    ("_base_: yolov3.yml\nmodel:\n  neck:\n    chanels: 3\n", [":4: ", "did you mean 'channels'?"]),
    ("seed: 1\nseed: 2\n", [":2: ", "seed"]),
    ("seed:\t1\n\tmodel: 3\n", [":2", "tab"]),
    ("a: &a [1, 1]\nb: &b [*a, *a, *a]\n", [":1"]),
    ("seed: !!python/object/apply:os.system [ls]\n", [":1", "python"]),
    ("seed: [1\n", [":1: invalid YAML"]),
    ("- 1\n", ["mine.yml"]),
    ("", ["mine.yml"]),
    ("train: {amp: no}\n", [":1: train.amp is 'no'", "write false"]),
    ("size: ${sise}\nmodel: {type: YOLOv3}\n", [":1", "'sise'"]),
    ("a: ${b}\nb: ${a}\nmodel: {type: YOLOv3}\n", ["refers to itself"]),
    ("num_classes: 3\nlabels: [a, b]\nmodel: {type: YOLOv3}\n", [":1: num_classes is 3", "2 names"]),
]


@pytest.mark.parametrize(("text", "words"), FILES, ids=[row[0][:40] for row in FILES])
def test_a_wrong_file_is_refused_with_its_line(kit_copy, text, words):
    file = kit_copy / "configs/mine.yml"
    file.write_text(text)
    command("train", "-c", file).refused(2, "mine.yml", *words)


@pytest.fixture
def kit_copy(tmp_path):
    """A kit of the shipped one's configurations, and what they name."""
    from common.config.kits import ROOT

    shutil.copytree(ROOT / "PaddleCV", tmp_path / "MyDet", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    return tmp_path / "MyDet"


def test_a_list_or_a_folder_in_place_of_a_configuration_is_called_what_it_is(tmp_path):
    (tmp_path / "list.yml").write_text("- 1\n")
    (tmp_path / "folder.yml").mkdir()
    command("train", "-c", tmp_path / "list.yml").refused(2, "list.yml:1: a configuration is", "not a list")
    answer = command("train", "-c", tmp_path / "folder.yml").refused(2, "folder.yml: this is a folder")
    assert answer.err.count("folder.yml") == 1


def test_a_file_that_is_no_text_is_refused(kit_copy):
    file = kit_copy / "configs/mine.yml"
    file.write_bytes(b"seed: \xff\xfe\x00")
    command("train", "-c", file).refused(2, "mine.yml")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("configs/yolov33.yml", ["did you mean"]),
        ("PaddleCV/configs", ["this is a folder"]),
        ("", ["-c needs the path of a configuration"]),
        ("/etc/hostname", ["/etc/hostname"]),
    ],
)
def test_a_configuration_that_is_not_there_is_refused_with_the_nearest(name, words):
    command("train", "-c", name).refused(2, *words)


def test_a_used_folder_is_not_written_over_unasked(trained):
    before = sorted(trained.folder.rglob("*"))
    answer = command("train", *trained.arguments)
    answer.refused(2, str(trained.folder), "-r auto", "--overwrite", "output_dir")
    assert sorted(trained.folder.rglob("*")) == before


def test_overwriting_removes_nothing_as_long_as_something_is_wrong(digits, tmp_path):
    old = tmp_path / "tiny/yolov3/step_9"
    old.mkdir(parents=True)
    arguments = at(digits, f"output_dir={tmp_path}", "model.head.anchors=[[[10, 12]]]")
    command("train", "--overwrite", *arguments).refused(2, "1 lists of anchors")
    assert old.is_dir()


def test_a_gpu_is_refused_where_the_framework_has_none(digits, tmp_path):
    import paddle

    if paddle.is_compiled_with_cuda():
        pytest.skip("this PaddlePaddle can use GPUs")
    for tool in (["train"], ["check"]):
        answer = command(*tool, *at(digits, f"output_dir={tmp_path}", "device=gpu"))
        answer.refused(4, "device=gpu", "CPU build", "-o device=cpu")


def test_a_metric_is_needed_to_evaluate_only(digits, tmp_path):
    arguments = at(digits, f"output_dir={tmp_path}", "data.metric=null")
    command("train", "--eval", "--dry-run", *arguments).refused(2, "'data.metric:' is missing", "--eval")
    assert command("train", "--dry-run", *arguments).code == 0


def test_a_folder_with_files_of_its_own_is_no_place_for_an_export(trained, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    weights = f"weights={trained.folder / 'last'}"
    for out in (tmp_path, tmp_path / "thesis.txt"):
        command("export", "--out", out, *trained.arguments, weights).refused(4, str(out), "is no export")
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    command("export", "--out", "/proc/x/y", *trained.arguments, weights).refused(4, "/proc/x/y")


def test_the_small_settings_are_still_keys_of_the_tiny_configuration(digits):
    assert command("train", *at(digits), "--print-config").code == 0
    assert len(SMALL) == len(set(SMALL))
