"""Tests of docs/datasets.md: it names the data and the weights of every shipped configuration."""

import re

import pytest

from common.config import load_config
from common.config.kits import ROOT, is_tiny, shipped_kits
from tests.made.tracked import tracked

PAGE = (ROOT / "docs/datasets.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (Paddle\w+)\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))
ROW = re.compile(r"^\| `([\w./-]+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)
KITS = [kit.name for kit in shipped_kits()]


def configurations(kit):
    """{name: configuration} of the shipped configurations of a kit that are no tiny twins and no bases."""
    files = [file for file in tracked(f"{kit}/configs/*.yml") if not is_tiny(file) and "_base_" not in file.parts]
    return {file.stem: load_config(file) for file in files}


def paths(config):
    """The files and folders that the splits of a configuration read, or the readers within these."""
    splits = [config.get(f"data.{split}") for split in ("train", "eval")]
    splits += [part for node in splits for part in node.get("parts", {}).values()]
    splits += [value for node in splits for value in node.values() if isinstance(value, dict) and "type" in value]
    return [
        path
        for node in splits
        for key in ("root", "file", "files", "environment", *["features"] * (node.get("type") == "KaldiFrames"))
        for path in ([node[key]] if isinstance(node.get(key), str) else node.get(key) or [])
        if key == "root" or "root" not in node
    ]


@pytest.mark.parametrize("kit", KITS)
def test_the_dataset_of_every_configuration_is_in_its_row(kit):
    rows = {folder: re.findall(r"`(\w+)`", names) or [names] for folder, names, _ in ROW.findall(SECTIONS[kit])}
    named = [name for names in rows.values() for name in names if name != "all others"]
    found = configurations(kit)
    assert len(named) == len(set(named)) and set(named) <= set(found)
    for name, config in found.items():
        folder = next((folder for folder, names in rows.items() if name in names), None)
        folder = folder or next(folder for folder, names in rows.items() if names == ["all others"])
        folders = list(rows) if config.get("data.train.parts", None) else [folder]  # of several tasks, or of one
        found_in = {one for path in paths(config) for one in folders if path == one or path.startswith(f"{one}/")}
        assert all(any(path == one or path.startswith(f"{one}/") for one in folders) for path in paths(config)), name
        assert folder in found_in, name
        assert paths(config), name


@pytest.mark.parametrize("kit", KITS)
def test_every_dataset_has_an_address_or_a_command(kit):
    for folder, _, about in ROW.findall(SECTIONS[kit].split("**Pretrained weights**")[0]):
        own = re.search(r"your own|as above|made by|synthetic", about)
        assert own or "://" in about or SECTIONS[kit].count(folder.removeprefix("dataset/")) > 1, folder


def test_the_weights_that_configurations_name_are_listed():
    listed = {name for name, *_ in re.findall(r"^\| `(pretrained/[\w.]+|lac)` \| (.*) \|$", PAGE, re.MULTILINE)}
    files = [file for kit in KITS for file in tracked(f"{kit}/configs/*.yml") if not is_tiny(file)]
    texts = [file.read_text(encoding="utf-8") for file in files]
    named = {
        found for text in texts for found in re.findall(r"\bpretrained/[\w.]+?(?=/|\.pdparams|\.safetensors)", text)
    }
    assert listed == named | {"lac"}
