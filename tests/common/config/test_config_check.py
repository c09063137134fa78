"""Tests of configuration validation: every problem is reported with its place and a suggestion."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.config import load_config
from common.errors import ConfigError
from common.suggest import nearest

ROOT = Path(__file__).resolve().parents[3]


def problems(path, overrides=()):
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides).check()
    message = str(caught.value)
    assert len(message.splitlines()) <= 12
    return message


def test_a_valid_configuration_passes(fake_kit):
    load_config(fake_kit / "configs/yolov3.yml").check()


def test_the_messages_of_the_design(fake_kit, write_config):
    path = write_config(("ignore_iou: 0.7", "ignore_thresh: 0.7"), ("\ntrain:", "\ntrian:"))
    where = f"{fake_kit.name}/configs/changed.yml"
    assert problems(path, ["model.backbone.dpeth=53"]) == (
        f"{where}:14: YOLOv3Loss has no key 'ignore_thresh'; did you mean 'ignore_iou'?\n"
        "    YOLOv3Loss takes: ignore_iou=0.7, label_smoothing=0.0\n"
        f"{where}:39: unknown key 'trian'; did you mean 'train'?\n"
        "-o model.backbone.dpeth=53: DarkNet has no key 'dpeth'; did you mean 'depth'?\n"
        "    DarkNet takes: depth=53, width=1.0, norm='bn', sizes=(3, 3)"
    )


TYPES = ["YOLOv3", "DarkNet", "YOLOv3FPN", "YOLOv3Head", "CocoDetection", "ResizeBatch", "CocoMap"]
TYPES += ["Momentum", "StepDecay"]
NAMES = [
    *("model", "backbone", "neck", "head", "loss", "anchors", "depth", "ignore_iou", "label_smoothing"),
    *("data", "train", "root", "images", "transforms", "prob", "sizes", "metric", "export", "image_size"),
    *("optimizer", "momentum", "weight_decay", "lr", "base", "at_epochs", "factor", "warmup_steps"),
    *("epochs", "batch_size", "workers", "amp", "eval_every", "keep"),
]


def single_edits():
    """(right, wrong) for 50 and more typos: a letter less, one more, one other, two swapped, another case."""
    for i, name in enumerate([*NAMES, *TYPES]):
        at = 1 + i % max(1, len(name) - 2)
        edits = [
            name[:at] + name[at + 1 :],
            name[:at] + "x" + name[at:],
            name[:at] + "z" + name[at + 1 :],
            name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :],
            name.swapcase(),
        ]
        for k in (i % 5, (i + 2) % 5):
            if edits[k] != name and edits[k] not in NAMES:
                yield name, edits[k]


def test_every_typo_of_one_edit_gets_the_right_suggestion(fake_kit, write_config):
    text = (fake_kit / "configs/yolov3.yml").read_text()
    typos = list(single_edits())
    assert len(typos) >= 50
    wrong = []
    for right, typo in typos:
        mark = f"type: {right}" if right in TYPES else f"{right}:"
        start = next(i for i in range(len(text)) if text.startswith(mark, i) and text[i - 1] in " \n{")
        changed = text[:start] + mark.replace(right, typo) + text[start + len(mark) :]
        try:
            load_config(write_config(text=changed)).check()
            wrong.append((right, typo, "passes"))
        except ConfigError as error:
            meant = (f"did you mean '{right}'", f"there is no '{right}'; did you mean '{typo}'")
            if not any(words in str(error) for words in meant):
                wrong.append((right, typo, str(error)))
    assert not wrong


@pytest.mark.parametrize("override", ["train.epochs=0", "train.epochs=-1", "train.batch_size=0", "train.batch_size=-1"])
def test_counts_below_one_are_rejected_with_the_allowed_range(fake_kit, override):
    key, value = override.split("=")
    assert (
        problems(fake_kit / "configs/yolov3.yml", [override]) == f"-o {override}: {key} is {value}; allowed: 1 or more"
    )


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer.lr.base=0", "optimizer.lr.base is 0; allowed: more than 0"),
        ("optimizer.lr.base=-1", "allowed: more than 0"),
        ("optimizer.lr=0", "optimizer.lr is 0; allowed: more than 0"),
        ("optimizer.lr=.nan", "nan"),
        ("optimizer.lr.base=.inf", "allowed: more than 0, and finite"),
        ("optimizer={type: Constant, base: 1}", "optimizer: Constant is a schedule; optimizer takes optimizers"),
        ("optimizer={type: Optimizer, lr: 1}", "optimizer: Optimizer is no component"),
        ("optimizer.lr.base=fast", "StepDecay: base is 'fast', a string; it takes a number"),
        ("train.ema=1.5", "train.ema is 1.5; allowed: more than 0 and less than 1"),
        ("train.workers=-1", "allowed: 0 to 256"),
        ("train.watchdog=.nan", "train.watchdog is nan"),
        ("train.epochs=many", "train.epochs is 'many', a string; it takes an integer"),
        ("train.epochs=12:30:45", "'12:30:45', a string; it takes an integer"),
        ("train.epochs=1.5", "it takes an integer"),
        ("train.epochs=10.0", "it takes an integer; write 10"),
        ("train.epochs=true", "train.epochs is True, a boolean; it takes an integer"),
        ("train.epochs=null", "train.epochs is null; it takes an integer"),
        ("train.amp=O3", "train.amp is 'O3'"),
        ("train.amp=on", "train.amp is 'on'"),
        ("train.freeze=backbone", "it takes a list of texts; write a list, such as [backbone]"),
        ("train.deterministic=yes", "in YAML 1.2 yes is a string, write true"),
        (
            "data.train.keep_empty=no",
            "CocoDetection: keep_empty is 'no', a string; it takes true or false; in YAML 1.2 no is a string",
        ),
        ("data.train.root=2017", "root is 2017, an integer; it takes a text; put it in quotes: '2017'"),
        ("data.train.labels=[1, 2]", "labels[0] is 1, an integer; it takes a text; put it in quotes: '1'"),
        ("data.train.transforms=3", "data.train.transforms is an integer; it takes a list of nodes"),
        ("data.train.transforms.0.prob=1", "Decode has no key 'prob'"),
        ("data.train=coco", "data.train is 'coco'; it takes a node"),
        ("data.metric=[{type: CocoMap}]", "data.metric is a list; it takes a node"),
        ("data=coco", "data is 'coco'; it takes train, eval, test, infer and metric"),
        ("model.backbone=53", "model.backbone is 53; it takes a node, such as {type: Name"),
        ("model.backbone=null", "model.backbone is null; it takes a node"),
        ("model.backbone.type=5", "there is no '5'"),
        ("model.neck.blocks=[3]", "model.neck.blocks"),
        ("model.neck.blocks=[{type: DarkNet, dpth: 21}]", "DarkNet has no key 'dpth'; did you mean 'depth'?"),
        ("model.backbone.depth=deep", "DarkNet: depth is 'deep', a string; it takes an integer"),
        ("model.head.anchors=[[1, 2]]", "it takes a list of lists of lists of integers"),
        ("train=5", "train is 5; it takes keys and values"),
        ("train.batch_sise=4", "train has no key 'batch_sise'; did you mean 'batch_size'?"),
        ("lerning_rate=1", "unknown key 'lerning_rate'"),
        ("device=gpu0", "device is 'gpu0'; it takes auto, cpu, gpu, or a card such as gpu:0"),
        ("device=quantum", "it takes auto, cpu"),
        ("seed=-1", "seed is -1; allowed: 0 to"),
        ("output_dir=", "output_dir is null; it takes a text"),
        ("labels=[a, a]", "labels contains 'a' twice"),
        ("export.image_size=[0, 608]", "export.image_size is 0; allowed: 1 or more"),
        ("_base_=x.yml", "unknown key '_base_'"),
        ("data.metric.type=VocMap", "there is no 'VocMap'; did you mean 'CocoMap'?"),
    ],
)
def test_wrong_values_are_rejected_with_the_expected_type(fake_kit, override, words):
    message = problems(fake_kit / "configs/yolov3.yml", [override])
    assert message.startswith(f"-o {override}: ")
    assert words in message


@pytest.mark.parametrize(
    "override",
    [
        "train.watchdog=5", "optimizer.lr=1", "train.ema=0.99", "train.ema=null", "train.amp=true", "train.amp=O2",
        "model.backbone.width=2", "model.head.strides=[8, 16]", "model.neck.blocks=[{type: DarkNet}]", "data.eval=null",
        "labels=[a, b]", "device=gpu:1", "model.backbone.type=DeepDarkNet",
        "data.train.labels=null",
        "model.backbone.sizes=[1, 2, 3, 4]", "model.head.num_classes=3", "data.metric={type: CocoMap}",
    ],
)  # fmt: skip
def test_valid_values_pass(fake_kit, override):
    load_config(fake_kit / "configs/yolov3.yml", [override]).check()


def test_number_of_classes_and_labels_must_agree(write_config):
    path = write_config(text="model: {type: DarkNet}\nlabels: [a, b, c]\nnum_classes: 2\n")
    assert "changed.yml:3: num_classes is 2, but labels (" in problems(path)


def test_a_missing_argument_is_named_with_its_meaning(write_config):
    message = problems(write_config((', anchors: "${anchors}"', "")))
    assert "unknown key 'anchors'" in message
    assert (
        "changed.yml:13: YOLOv3Head needs 'anchors' (a list of lists of lists of integers): per level, in pixels"
        in message
    )


def test_a_part_without_type_is_named(write_config):
    assert "model.neck has no 'type', the name of the component to build" in problems(
        write_config(("{type: YOLOv3FPN}", "{}"))
    )
    message = problems(write_config(("{type: YOLOv3FPN}", "{tpye: YOLOv3FPN}")))
    assert "model.neck has no 'type'; did you mean 'type' instead of 'tpye'?" in message


def test_a_configuration_without_model_is_refused(write_config):
    assert "'model:' is missing" in problems(write_config(text="train: {epochs: 1, batch_size: 1}\n"))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("export.nms={score: 0.1}", "NMS is part of the model; write model.nms: {type: MulticlassNMS"),
        ("postprocess.threshold=high", "Detection: threshold is 'high', a string; it takes a number"),
        ("postprocess.treshold=0.3", "Detection has no key 'treshold'; did you mean 'threshold'?"),
        ("postprocess.type=Detecton", "postprocess is 'Detecton': there is no such task; did you mean 'Detection'?"),
        (
            "postprocess.type=YOLOv3",
            "'YOLOv3': there is no such task; the tasks are ActionDetection, ActionLocalization, ",
        ),
        ("postprocess=0.3", "postprocess is 0.3; it takes the arguments of the model's task"),
        ("postprocess={type: SpeechRecognition, decoder: {type: BeamSearch, beam: 3}}", "BeamSearch has no key 'beam'"),
    ],
)
def test_the_arguments_of_the_task_are_checked(fake_kit, override, words):
    load_config(fake_kit / "configs/yolov3.yml", ["postprocess.threshold=0.3"]).check()
    assert words in problems(fake_kit / "configs/yolov3.yml", [override])


def test_a_task_that_does_not_exist_is_refused_at_the_type_of_its_model(fake_kit):
    file = fake_kit / "models/detectors/yolov3.py"
    file.write_text(file.read_text().replace('"Detection"', '"Detektion"'))
    words = ":10: the task of YOLOv3 is 'Detektion': there is no such task; did you mean 'Detection'?"
    assert words in problems(fake_kit / "configs/yolov3.yml")


def test_all_problems_are_reported_in_order_and_at_most_ten_lines(write_config):
    text = "model: {type: DarkNet}\n" + "".join(f"unread{i}: {i}\n" for i in range(30))
    lines = problems(write_config(text=text)).splitlines()
    assert len(lines) == 11
    assert [line.split(":")[1] for line in lines[:10]] == [str(i) for i in range(2, 12)]
    assert lines[10] == "... and 20 more problems"


def test_two_files_with_one_name_are_both_named(fake_kit):
    (fake_kit / "models/heads/other.py").write_text("class DarkNet:\n    pass\n")
    message = problems(fake_kit / "configs/yolov3.yml")
    assert "'DarkNet' is defined twice" in message
    assert "darknet.py:4" in message
    assert "other.py:1" in message


def test_a_source_that_is_not_python_is_named(fake_kit):
    (fake_kit / "models/backbones/darknet.py").write_text("class DarkNet:\n    def (\n")
    assert "darknet.py:2: this is not Python" in problems(fake_kit / "configs/yolov3.yml")


def test_suggestions_prefer_the_fewest_edits():
    assert nearest("lrr", ["lr", "l", "labels"]) == ["lr"]
    assert nearest("epoch", ["epochs", "every_epoch"]) == ["epochs"]
    assert nearest("zzzz", ["lr", "epochs"]) == []


def test_checking_is_fast_and_imports_no_paddle(fake_kit):
    program = (
        "import sys, time; start = time.perf_counter()\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from common.config import load_config\n"
        f"load_config({str(fake_kit / 'configs/yolov3.yml')!r}).check()\n"
        "print(time.process_time()); assert not {'paddle', 'numpy'} & set(sys.modules)\n"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.5, f"{done.stdout} s of CPU, {time.perf_counter() - start:.2f} s in all"
