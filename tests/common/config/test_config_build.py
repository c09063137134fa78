"""Tests of building components from nodes, and of the complete configuration."""

import subprocess
import sys
from pathlib import Path

import pytest

from common.config import load_config
from common.errors import ConfigError, EnvironmentProblem

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def config(fake_kit):
    return load_config(fake_kit / "configs/yolov3.yml")


def test_an_assembly_passes_published_values_to_the_next_part(config):
    model = config.build("model", num_classes=80)
    assert type(model).__name__ == "YOLOv3"
    assert model.neck.in_channels == [256, 512, 1024]
    assert model.head.in_channels == [1024, 512, 256]
    assert (model.head.num_classes, model.head.anchors[0][0]) == (80, [116, 90])
    assert model.loss.ignore_iou == 0.7


def test_a_data_set_is_built_without_its_transforms_and_they_by_themselves(config):
    dataset = config.build("data.train", labels=["a"])
    assert (dataset.root, dataset.labels) == ("dataset/coco", ["a"])
    transforms = config.build("data.train.transforms", seed=1)
    assert [type(t).__name__ for t in transforms] == ["Decode", "RandomFlip", "ResizeBatch"]
    assert config.build("data.train.transforms.1").prob == 0.5
    assert config.build("data.metric", dataset=dataset).dataset is dataset


def test_nodes_inside_arguments_are_built_and_lists_become_tuples_where_those_are_meant(fake_kit):
    overrides = ["model.neck.blocks=[{type: DarkNet, depth: 21, sizes: [1, 2]}]"]
    model = load_config(fake_kit / "configs/yolov3.yml", overrides).build("model", num_classes=2)
    assert (model.neck.blocks[0].depth, model.neck.blocks[0].sizes) == (21, (1, 2))
    assert model.head.strides == (32, 16, 8)


def test_errors_of_a_constructor_are_reported_at_their_line(fake_kit, write_config):
    config = load_config(write_config(("depth: 53", "depth: 34")))
    with pytest.raises(ConfigError, match=r"changed.yml:11: DarkNet has 21 or 53 layers, not 34"):
        config.build("model", num_classes=2)
    config = load_config(fake_kit / "configs/yolov3.yml", ["model.backbone.depth=1"])
    with pytest.raises(ConfigError, match=r"not 1"):
        config.build("model", num_classes=2)


def test_classes_that_differ_from_the_data_are_refused(fake_kit):
    config = load_config(fake_kit / "configs/yolov3.yml", ["model.head.num_classes=4"])
    assert config.build("model", num_classes=4).head.num_classes == 4
    with pytest.raises(ConfigError, match=r"-o model.head.num_classes=4: num_classes is 4, but the data have 3"):
        config.build("model", num_classes=3)


def test_a_component_may_have_its_own_seed(fake_kit):
    (fake_kit / "models/layers.py").write_text(
        "class Noise:\n    def __init__(self, seed=0):\n        self.seed = seed\n"
    )
    config = load_config(fake_kit / "configs/yolov3.yml", ["model={type: Noise, seed: 5}"])
    assert config.build("model", seed=1).seed == 5
    assert load_config(fake_kit / "configs/yolov3.yml", ["model={type: Noise}"]).build("model", seed=1).seed == 1


def test_a_kit_shadowed_by_another_package_is_an_error(fake_kit, tmp_path):
    import shutil

    hidden = tmp_path / "elsewhere" / fake_kit.name
    shutil.copytree(fake_kit, hidden)
    load_config(fake_kit / "configs/yolov3.yml").build("model", num_classes=1)
    with pytest.raises(ConfigError, match=r"is shadowed by .*; rename the kit's folder"):
        load_config(hidden / "configs/yolov3.yml").build("model", num_classes=1)


def test_an_argument_that_the_program_does_not_provide_is_named(config):
    with pytest.raises(
        ConfigError, match=r"yolov3.yml:13: YOLOv3Head needs num_classes, which the program does not provide here"
    ):
        config.build("model")


def test_a_missing_package_is_an_environment_problem(fake_kit, config):
    path = fake_kit / "models/backbones/darknet.py"
    path.write_text("import surely_not_installed\n" + path.read_text())
    with pytest.raises(EnvironmentProblem, match="pip install surely_not_installed"):
        config.build("model", num_classes=2)


def test_the_complete_configuration_has_all_defaults(config):
    completed = config.to_dict()
    backbone = {"type": "DarkNet", "depth": 53, "width": 1.0, "norm": "bn", "sizes": [3, 3]}
    assert completed["model"]["backbone"] == backbone
    assert completed["model"]["loss"] == {"type": "YOLOv3Loss", "ignore_iou": 0.7, "label_smoothing": 0.0}
    assert completed["model"]["head"]["anchors"][0][0] == [116, 90]
    assert "anchors" not in completed
    assert list(completed)[:6] == ["kit", "name", "model", "data", "optimizer", "postprocess"]
    assert completed["train"]["workers"] == 4
    assert completed["eval"]["batch_size"] == 8
    assert completed["data"]["train"]["keep_empty"] is True
    assert completed["log_every"] == 20


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["name='1e-3'", "output_dir='a ${b}'"],
        ["train.amp=O1", "labels=[no, 'on', '010']"],
        ["data.eval=null", "eval.batch_size=2"],
    ],
)
def test_a_dump_loads_and_dumps_the_same(fake_kit, tmp_path, overrides):
    overrides = [o.replace("${", "$${") for o in overrides]
    first = load_config(fake_kit / "configs/yolov3.yml", overrides)
    first.check()
    folder = tmp_path / "output/yolov3/step_1"
    folder.mkdir(parents=True)
    (folder / "config.yml").write_text(first.dump(), encoding="utf-8")
    second = load_config(folder / "config.yml")
    second.check()
    assert second.to_dict() == first.to_dict()
    assert second.dump() == first.dump()
    assert (second.name, second.kit) == (first.name, first.kit)
    assert second.build("model", num_classes=5).backbone.sizes == first.build("model", num_classes=5).backbone.sizes


def test_values_from_the_data_are_written_to_the_dump(config, tmp_path):
    config.fix(labels=["cat", "dog"], num_classes=2)
    (tmp_path / "config.yml").write_text(config.dump())
    again = load_config(tmp_path / "config.yml")
    again.check()
    assert again.get("labels") == ["cat", "dog"]
    assert again.build("data.train", labels=again.get("labels")).labels == ["cat", "dog"]


def test_a_copy_of_a_kit_uses_its_own_classes(fake_kit, tmp_path):
    import shutil

    copy = tmp_path / "MyCopyOfIt"
    shutil.copytree(fake_kit, copy)
    path = copy / "models/losses/yolov3_loss.py"
    path.write_text(
        path.read_text().replace("SMOOTH = 0.0", "SMOOTH = 0.25").replace("ignore_iou=0.7", "ignore_iou=0.6")
    )
    overrides = ["model.loss={type: YOLOv3Loss}"]
    ours = load_config(fake_kit / "configs/yolov3.yml", overrides)
    theirs = load_config(copy / "configs/yolov3.yml", overrides)
    assert theirs.to_dict()["model"]["loss"]["label_smoothing"] == 0.0
    loss = load_config(copy / "configs/yolov3.yml", ["model.loss.type=YOLOv3Loss"])
    assert loss.kit == copy
    theirs.tree["model"]["loss"].pop("label_smoothing")
    assert theirs.to_dict()["model"]["loss"]["label_smoothing"] == 0.25
    assert type(ours.build("model", num_classes=1)).__module__.startswith(fake_kit.name)
    assert type(theirs.build("model", num_classes=1)).__module__.startswith("MyCopyOfIt.")


def test_building_a_node_of_the_kit_imports_no_paddle(fake_kit):
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from common.config import load_config\n"
        f"config = load_config({str(fake_kit / 'configs/yolov3.yml')!r})\n"
        "print(type(config.build('optimizer')).__name__)\n"
        "config.build('data.train'); assert 'paddle' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "Momentum"), done.stderr
