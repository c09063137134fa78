"""The weights that PaddleClas publishes: the index, and their names onto ours.

official_names.json.gz holds facts: for each model of the index the names and shapes of its arrays, in the order in
which PaddleClas 2.6 creates them.
"""

import functools
import gzip
import json
import random
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.config import load_config
from common.config.kits import find_config
from common.errors import ConfigError
from common.weights.pdparams import encode_pdparams
from common.weights.published import INDEX, find_published, read_index
from tests.common.weights.lying_server import serving
from tests.made.commands import command

from ..models.foreign.official_names import FAMILIES, OfficialNames

KIT = Path(__file__).resolve().parents[1]
ENTRIES = {name: entry for name, entry in read_index(KIT).items() if entry.family in FAMILIES}
OFFICIAL = json.loads(gzip.decompress((KIT / "tests/official_names.json.gz").read_bytes()))
FIRST = list({entry.family: name for name, entry in reversed(ENTRIES.items())}.values())


@functools.cache
def ours(name):
    """Name -> shape of our model, in order."""
    return ENTRIES[name].shapes()


def arrays(name):
    """The arrays of an official file, in no order; each holds its own number everywhere."""
    shapes = OFFICIAL[name].items()
    items = [(theirs, np.broadcast_to(np.float32(number), shape)) for number, (theirs, shape) in enumerate(shapes)]
    random.Random(0).shuffle(items)
    return dict(items)


def test_every_entry_has_its_configuration_its_names_and_a_known_family():
    assert len(ENTRIES) > 90 and set(OFFICIAL) == set(ENTRIES)
    for name, entry in ENTRIES.items():
        assert find_config(KIT / f"configs/{name}.yml") and entry.license == "Apache-2.0"
        assert entry.family in FAMILIES and 40 < float(entry.top1) < float(entry.top5) < 100
        assert len(set(entry.class_names())) == 1000
    assert {entry.family for entry in ENTRIES.values()} == set(FAMILIES)


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in FIRST else pytest.mark.slow) for n in ENTRIES])
def test_an_official_file_fills_our_model_with_nothing_left_over(name):
    family = ENTRIES[name].family
    found = OfficialNames(family).rename(arrays(name), ours(name))
    assert {ours_: value.shape for ours_, value in found.items()} == ours(name)
    scales = dict(FAMILIES[family].scales)
    wanted = [number * scales.get(theirs, 1) for number, theirs in enumerate(OFFICIAL[name])]
    assert np.allclose([value.flat[0] for value in found.values()], wanted)


def test_weights_of_another_depth_are_refused():
    entry = ENTRIES["resnet34"]
    with pytest.raises(ConfigError, match=r"has shape \[64, 64, 3, 3\], but"):
        OfficialNames(entry.family).rename(arrays("resnet34"), ours("resnet18"))


def test_weights_with_a_convolution_the_model_lacks_name_the_key():
    config = load_config(KIT / "configs/mobilenet_v3_small_x1_0.yml")
    with pytest.raises(ConfigError, match=r"add -o model\.backbone\.always_expand=true"):
        find_published(KIT, "mobilenet_v3_small_x1_0").check_settings(config)


def test_an_image_is_classified_by_weights_named_in_the_index(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    body = encode_pdparams({n: rng.normal(0, 0.05, s).astype("f4") for n, s in OFFICIAL["squeezenet1_1"].items()})
    cv2.imwrite(str(tmp_path / "a.png"), rng.integers(0, 255, (64, 80, 3), "uint8"))
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KIT_ALLOW_LOCAL", "1")
    with serving(body) as server:
        index = (KIT / INDEX).read_text().replace(ENTRIES["squeezenet1_1"].address, server.address)
        monkeypatch.setattr("common.weights.published.INDEX", str(tmp_path / "index.csv"))
        (tmp_path / "index.csv").write_text(index)
        given = [
            "-c",
            "configs/squeezenet1_1.yml",
            "-o",
            "weights=squeezenet1_1",
            "--image",
            tmp_path / "a.png",
            "--json",
        ]
        answers = [command("infer", *given) for _ in range(2)]
        assert len(server.asked) == 1
    for answer in answers:
        assert answer.code == 0, answer.err
        best = json.loads(answer.out)["predictions"][0]
        assert best["label"] in ENTRIES["squeezenet1_1"].class_names() and 0 < best["score"] <= 1
    assert answers[0].out == answers[1].out
