"""Tests of all configurations of all kits: loading, unknown keys, round trip, and their row in the model zoo."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from common.config import load_config
from common.config.kits import ROOT, find_config, is_tiny, shipped_kits
from common.errors import ConfigError
from tests.made.commands import command
from tests.made.tiny_twins import made_set
from tests.made.tracked import tracked
from tools import zoo

CONFIGS = [file for kit in shipped_kits() for file in tracked(f"{kit.name}/configs/*.yml")]
WHOLE = [file for file in CONFIGS if "_base_" not in file.parts]
TINY = [file for file in WHOLE if is_tiny(file)]
with (ROOT / "tests/zoo_tasks.csv").open(encoding="utf-8", newline="") as rows:
    TASKS = {(row["kit"], folder) for row in csv.DictReader(rows) for folder in row["folders"].split()}


def name(file):
    return str(file.relative_to(ROOT)).replace("/configs/", "/").removesuffix(".yml")


def split(file):
    """(name of the kit, `_base_`, `tiny` or nothing, folder of the task, file's name) of a shipped configuration."""
    kit, _, *folders, last = file.relative_to(ROOT).parts
    area = folders.pop(0) if folders and folders[0] in ("_base_", "tiny") else ""
    return kit, area, "/".join(folders), last


def short(file):
    """How a user writes a shipped configuration after `-c`."""
    return f"configs/tiny/{file.name}" if file in TINY else f"configs/{file.name}"


def checked(file, *overrides):
    config = load_config(file, overrides)
    config.check()
    return config


def test_configurations_are_in_the_folder_of_their_task():
    for file in CONFIGS:
        kit, area, task, last = split(file)
        assert (kit, task.split("/")[0]) in TASKS or (area, task, last) == ("_base_", "", "runtime.yml"), file


def test_names_are_unique_within_full_size_tiny_and_base_configurations_of_a_kit():
    count = Counter((kit, area, last) for kit, area, _, last in map(split, CONFIGS))
    assert [which for which, number in count.items() if number > 1] == []


@pytest.mark.parametrize("file", WHOLE, ids=name)
def test_a_configuration_is_found_by_its_short_name(file):
    kit = ROOT / split(file)[0]
    assert find_config(short(file), kit) == find_config(kit / short(file)) == file


@pytest.mark.parametrize("file", WHOLE, ids=name)
def test_a_configuration_loads_and_has_no_unknown_key(file):
    config = checked(file)
    assert config.name == file.stem and (config.kit in file.parents or config.get("slim", config.get("search", None)))
    assert config.run_folder == Path("output/tiny" if file in TINY else "output") / file.stem
    assert config.settings("train").epochs > 0


@pytest.mark.parametrize("file", WHOLE, ids=name)
def test_a_dumped_configuration_loads_again(file, tmp_path):
    config = checked(file)
    (tmp_path / "again.yml").write_text(config.dump())
    again = checked(tmp_path / "again.yml")
    assert again.to_dict() == config.to_dict()
    assert again.dump() == config.dump()


def test_a_misspelled_key_is_found_at_every_depth():
    file = ROOT / "PaddleCV/configs/tiny/yolov3_voc.yml"
    paths = list(keys(yaml.safe_load(load_config(file).dump())))
    assert len(paths) > 100
    for path in paths[::11]:
        *above, last = path.split(".")
        with pytest.raises(ConfigError, match=f"{last}q"):
            checked(file, ".".join([*above, f"{last}q"]) + "=1")


def keys(tree, above=""):
    """The dotted paths of every key at every depth."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        if isinstance(tree, dict):
            yield f"{above}{key}"
        yield from keys(value, f"{above}{key}.")


@pytest.mark.parametrize("file", [file for file in CONFIGS if "_base_" in file.parts], ids=name)
def test_a_base_is_used_by_some_configuration(file):
    assert any(file.name in other.read_text() for other in WHOLE)


@pytest.mark.parametrize("file", WHOLE, ids=name)
def test_a_configuration_begins_with_a_description_and_its_command(file):
    text = file.read_text()
    head = text[: text.index("\n_base_")] if "\n_base_" in text else text
    assert head.startswith("# ")
    assert set(re.findall(r"-c (configs/\S+)", head)) == {short(file)}
    for run in re.findall(r"(?:-o|--weights) (?:weights=)?(output/\S+)/(?:best|last)", head):
        assert Path(run) == load_config(file).run_folder


@pytest.mark.parametrize("file", WHOLE, ids=name)
def test_run_sh_finds_the_script_that_creates_the_data(file):
    found = re.search(r"^# *data: *(\S+\.py)\b", file.read_text(), re.MULTILINE)
    kit = ROOT / file.relative_to(ROOT).parts[0]
    assert found is None or (kit / found[1]).is_file(), f"{kit.name} has no {found[1]}"
    assert not re.search(r"^# *data: *python ", file.read_text(), re.MULTILINE), "run.sh brings its own Python"


def test_every_full_size_configuration_has_a_tiny_twin_and_every_twin_is_used():
    twins = {ROOT / row["kit"] / row["config"]: ROOT / row["kit"] / row["tiny"].split()[0] for row in zoo.read_zoo()}
    assert all(twins[file].is_file() for file in WHOLE if file not in TINY)
    assert set(TINY) <= set(twins.values())


@pytest.mark.parametrize("file", TINY, ids=name)
def test_a_tiny_configuration_passes_a_dry_run(file, made_sets, tmp_path):
    paths = [f"output_dir={tmp_path}"]
    if load_config(file).get("dataset", None) is None:
        pytest.importorskip("gymnasium")  # an environment instead of files
    else:
        paths.append(f"dataset={made_set(file, made_sets)}")
    answer = command("train", "--eval", "--dry-run", "-c", file, "-o", *paths)
    assert answer.code == 0 and "dry run passed" in answer.err, answer.err


def test_the_configuration_of_the_demo_passes_a_dry_run(digits, tmp_path):
    roots = [f"data.{split}.root={digits / 'digits'}" for split in ("train", "eval")]
    more = [*roots, f"output_dir={tmp_path}", "train.batch_size=4", "train.workers=0"]
    answer = command("train", "--eval", "--dry-run", "-c", "configs/digits.yml", "-o", *more)
    assert answer.code == 0, answer.err


def test_a_generated_configuration_passes_a_dry_run_on_custom_data(digits, tmp_path):
    mine = tmp_path / "mine.yml"
    answer = command("configure", "generate", "--model", "YOLOv3", "--dataset", "CocoDetection", "--out", mine)
    assert answer.code == 0 and mine.is_file()
    again = command("configure", "generate", "--model", "YOLOv3", "--dataset", "CocoDetection", "--out", mine)
    again.refused(2, "mine.yml", "exists")
    own = [
        text
        for split in ("train", "eval")
        for text in (
            f"data.{split}.root={digits / 'digits'}",
            f"data.{split}.annotations=annotations/{split}.json",
            f"data.{split}.images=JPEGImages",
        )
    ]
    small = ["model.backbone.width=0.0625", "model.neck.channels=16", "train.batch_size=2", "train.workers=0"]
    sizes = ["data.train.transforms.6.sizes=[96]", "data.eval.transforms.1.size=96"]
    given = [*own, *small, *sizes, f"output_dir={tmp_path}"]
    answer = command("train", "--eval", "--dry-run", "-c", mine, "-o", *given)
    assert answer.code == 0 and "dry run passed" in answer.err, answer.err
