"""Which kit a configuration belongs to, where `-c` looks, and what the index of a kit knows."""

import shutil

import pytest

from common.config import kits as kit
from common.config import load_config
from common.config.kits import find_config, kit_of, shipped_kits
from common.config.namespace import Namespace, namespace_of
from common.config.signature import parse_arguments
from common.errors import ConfigError


def refused(path, default=None):
    with pytest.raises(ConfigError) as caught:
        find_config(path, default)
    return str(caught.value)


@pytest.fixture
def two_kits(fake_kit, tmp_path, monkeypatch):
    """Two shipped kits in a separate root; the current folder is another one."""
    root = tmp_path / "root"
    for name in ("PaddleCV", "PaddleNLP"):
        shutil.copytree(fake_kit, root / name)
    (root / "PaddleNLP/configs/bert.yml").write_text("seed: 1\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(kit, "ROOT", root)
    monkeypatch.chdir(elsewhere)
    return root


def test_a_configuration_is_tried_from_the_current_folder_first(fake_kit, monkeypatch):
    monkeypatch.chdir(fake_kit)
    assert find_config("configs/yolov3.yml") == fake_kit / "configs/yolov3.yml"


def test_then_in_the_shipped_kits_where_one_may_have_it(two_kits):
    assert find_config("configs/bert.yml") == two_kits / "PaddleNLP/configs/bert.yml"
    message = refused("configs/yolov3.yml")
    assert "the name is ambiguous" in message
    assert "PaddleCV" in message
    assert "PaddleNLP" in message


def test_the_kit_whose_script_runs_comes_before_the_others(two_kits, fake_kit):
    assert find_config("configs/yolov3.yml", fake_kit) == fake_kit / "configs/yolov3.yml"


def test_a_folder_beside_common_that_is_not_shipped_is_not_searched(two_kits):
    shutil.copytree(two_kits / "PaddleNLP", two_kits / "MyKit")
    (two_kits / "MyKit/configs/mine.yml").write_text("seed: 1\n")
    assert "no such configuration" in refused("configs/mine.yml")
    assert len(shipped_kits()) == 2


@pytest.fixture
def by_task(fake_kit, monkeypatch):
    """A kit whose configurations lie by task; the current folder is the kit."""
    names = (
        "detection/ssd",
        "detection/face/ssd_lite",
        "tiny/detection/ssd",
        "tiny/classification/net",
        "_base_/detection/coco",
    )
    for name in names:
        path = fake_kit / f"configs/{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("seed: 1\n")
    monkeypatch.chdir(fake_kit)
    return fake_kit


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("configs/ssd.yml", "detection/ssd"),
        ("configs/detection/ssd.yml", "detection/ssd"),
        ("configs/ssd_lite.yml", "detection/face/ssd_lite"),
        ("configs/face/ssd_lite.yml", "detection/face/ssd_lite"),
        ("configs/tiny/ssd.yml", "tiny/detection/ssd"),
        ("configs/tiny/detection/ssd.yml", "tiny/detection/ssd"),
        ("configs/_base_/coco.yml", "_base_/detection/coco"),
        ("./configs/ssd.yml", "detection/ssd"),
    ],
)
def test_the_folders_between_configs_and_the_name_may_be_left_out(by_task, path, file):
    assert find_config(path) == by_task / f"configs/{file}.yml"
    assert find_config(by_task / path) == by_task / f"configs/{file}.yml"
    assert find_config(f"../{by_task.name}/{path}") == by_task / f"configs/{file}.yml"


@pytest.mark.parametrize(
    "path",
    ["configs/net.yml", "configs/coco.yml", "configs/tiny/ssd_lite.yml", "configs/lite.yml", "configs/ce/ssd_lite.yml",
     "configs/*.yml", "configs/detection", "configs/tiny", "ssd.yml", "detection/ssd.yml"],
)  # fmt: skip
def test_a_tiny_one_a_base_a_part_of_a_name_and_a_folder_are_not_meant(by_task, path):
    with pytest.raises(ConfigError, match=r"no such configuration|is a folder"):
        find_config(path)


def test_a_file_that_is_there_comes_before_one_in_a_deeper_folder(by_task):
    (by_task / "configs/ssd.yml").write_text("seed: 2\n")
    assert find_config("configs/ssd.yml") == by_task / "configs/ssd.yml"


def test_a_path_from_the_repository_is_found_from_every_folder(two_kits):
    shutil.copytree(two_kits / "PaddleNLP", two_kits / "MyKit")
    assert find_config("MyKit/configs/bert.yml") == two_kits / "MyKit/configs/bert.yml"


def test_a_name_that_several_configurations_of_a_kit_have_is_refused_with_all_of_them(by_task):
    (by_task / "configs/face").mkdir()
    (by_task / "configs/face/ssd.yml").write_text("seed: 2\n")
    message = refused("configs/ssd.yml")
    assert message.startswith("configs/ssd.yml: the name is ambiguous; write one of: ")
    assert message.endswith("configs/detection/ssd.yml, configs/face/ssd.yml")
    assert "did you mean configs/detection/ssd.yml or configs/face/ssd.yml" in refused("configs/sssd.yml")


def test_a_short_name_is_looked_for_in_the_kit_in_use_then_in_the_shipped_ones(
    two_kits, by_task, tmp_path, monkeypatch
):
    shutil.copytree(by_task / "configs/detection", two_kits / "PaddleCV/configs/detection")
    monkeypatch.chdir(tmp_path)
    assert find_config("configs/ssd.yml", by_task) == by_task / "configs/detection/ssd.yml"
    assert find_config("configs/ssd.yml") == two_kits / "PaddleCV/configs/detection/ssd.yml"
    shutil.copytree(by_task / "configs/detection", two_kits / "PaddleNLP/configs/other")
    assert "PaddleNLP/configs/other/ssd.yml" in refused("configs/ssd.yml")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("configs/sdd.yml", "did you mean configs/ssd.yml"),
        ("configs/tiny/sdd.yml", "did you mean configs/tiny/ssd.yml"),
        ("configs/classification/ssd.yml", "did you mean configs/ssd.yml"),
        ("ssd_lite", "did you mean configs/ssd_lite.yml"),
    ],
)
def test_a_near_miss_suggests_the_short_name(by_task, path, words):
    assert words in refused(path)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("configs/bart.yml", "did you mean configs/bert.yml?"),
        ("configs/yolov.yml", "configs/yolov3.yml"),
        ("bert.yml", "did you mean configs/bert.yml?"),
        ("bert", "configs/bert.yml"),
        ("configs/tiny/bert.yml", "configs/bert.yml"),
        (".", "this is a folder"),
        ("", "-c needs the path of a configuration"),
    ],
)
def test_an_unknown_configuration_suggests_the_nearest(two_kits, path, words):
    assert words in refused(path)


def test_a_configuration_belongs_to_the_nearest_kit_above_it(fake_kit, tmp_path):
    assert kit_of(fake_kit / "configs/yolov3.yml") == fake_kit
    inner = fake_kit / "Inner"
    (inner / "models").mkdir(parents=True)
    (inner / "configs").mkdir()
    assert kit_of(inner / "configs/x.yml") == inner


def test_a_file_outside_every_kit_says_which(fake_kit, tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text("model: {type: DarkNet}\n")
    with pytest.raises(ConfigError, match="this file is outside every kit; name its kit in the file"):
        load_config(path)
    assert load_config(path, default_kit=fake_kit).kit == fake_kit
    assert load_config(path, [f"kit={fake_kit}"]).kit == fake_kit
    path.write_text(f"kit: {fake_kit.name}\nmodel: {{type: DarkNet}}\n")
    assert load_config(path).kit == fake_kit
    path.write_text("kit: PaddelCV\n")
    with pytest.raises(ConfigError, match=r"mine.yml:1: there is no kit 'PaddelCV'; did you mean 'PaddleCV'\?"):
        load_config(path)


# The index ------------------------------------------------------------------------------------------------------------


def test_names_of_the_kit_come_before_those_of_common(fake_kit):
    namespace = Namespace(fake_kit)
    assert namespace.find("Decode").file == fake_kit / "data/steps.py"
    assert namespace.find("Normalize").module.startswith("common.vision.")
    assert namespace.find("TrainingSession") is None


def test_an_inherited_constructor_is_found_and_its_arguments_are_documented(fake_kit):
    namespace = Namespace(fake_kit)
    signature = namespace.signature(namespace.find("DeepDarkNet"))
    assert signature.names == ["depth", "width", "norm", "sizes"]
    assert (signature["depth"].type, signature["depth"].help) == ("int", "number of layers.")
    assert signature.summary == "Inherits how it is made."


def test_from_config_defines_the_keys_and_the_values_passed_to_parts(fake_kit):
    namespace = Namespace(fake_kit)
    signature = namespace.signature(namespace.find("YOLOv3"))
    assert signature.names == ["backbone", "neck", "head", "loss"]
    assert all(p.slot and p.required for p in signature.parameters)
    assert signature.gives == {"in_channels"}


def test_defaults_that_are_constants_of_a_module_or_arithmetic_are_known(fake_kit):
    (fake_kit / "models/layers.py").write_text(
        "from .losses.yolov3_loss import SMOOTH as S\n\nclass Layer1:\n"
        "    def __init__(self, a=S, b=1 / 4, c=(1, 3 * 2), d=-1, e=len('x'), *, f='t'):\n        pass\n"
    )
    namespace = Namespace(fake_kit)
    found = {p.name: p.literal for p in namespace.signature(namespace.find("Layer1")).parameters}
    known = {name: value for name, (is_known, value) in found.items() if is_known}
    assert known == {"a": 0.0, "b": 0.25, "c": (1, 6), "d": -1, "f": "t"}


def test_the_fields_of_a_dataclass_are_its_keys(fake_kit):
    (fake_kit / "models/layers.py").write_text(
        "import dataclasses\nfrom dataclasses import field\n\n@dataclasses.dataclass\nclass Box:\n"
        '    """A box.\n\n    Args:\n        x (int): left.\n    """\n\n'
        "    x: int\n    names: list = field(default_factory=list)\n    y: float = 2.0\n"
    )
    namespace = Namespace(fake_kit)
    signature = namespace.signature(namespace.find("Box"))
    assert [str(p) for p in signature.parameters] == ["x", "names=[]", "y=2.0"]
    assert signature["x"].help == "left."


def test_arguments_are_read_from_docstrings_of_several_lines():
    text = """Does it.

    Args:
        a (int | None): first
            goes on: here.
        b (dict[str, tuple(int)], optional): second
        c: no type

    Returns:
        d (int): not an argument
    """
    assert parse_arguments(text) == {
        "a": ("int | None", "first goes on: here."),
        "b": ("dict[str, tuple(int)], optional", "second"),
        "c": ("", "no type"),
    }


def test_a_namespace_is_kept_while_no_source_of_it_changes(fake_kit):
    before = namespace_of(fake_kit)
    assert namespace_of(fake_kit) is before and before.find("Norm") is None
    (fake_kit / "models/norm.py").write_text('class Norm:\n    """Scales."""\n')
    after = namespace_of(fake_kit)
    assert after is not before and after.find("Norm").line == 1
    methods = namespace_of(fake_kit, after=after)
    assert namespace_of(fake_kit, after=after) is methods is not after
    assert namespace_of(fake_kit, after=before) is not methods
