"""The weights that PaddleDetection and PaddleSeg publish: their names onto ours.

official_kits.json.gz holds facts: for each model of the index the names and shapes of its arrays, in the order in which
paddledet 2.6 and paddleseg 2.8 create them, or the name of another one that has the same.
"""

import functools
import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest

from common.config import load_config
from common.config.kits import find_config
from common.errors import ConfigError
from common.weights.published import find_published, read_index

from ..models.foreign import official_detectors, official_segmentors
from ..models.foreign.official_names import OfficialNames
from ..models.foreign.official_order import (
    absorbed,
    background_first,
    background_first_of_priors,
    blocks_of_inputs,
    other_epsilon,
    ratios_first,
    zeros_first,
)
from ..models.foreign.torch_names import ForeignNames

KIT = Path(__file__).resolve().parents[1]
FAMILIES = official_detectors.FAMILIES | official_segmentors.FAMILIES
INDEX = read_index(KIT)
ENTRIES = {name: entry for name, entry in INDEX.items() if entry.family in FAMILIES}
OFFICIAL = json.loads(gzip.decompress((KIT / "tests/official_kits.json.gz").read_bytes()))
FIRST = list(  # of each family the one with the fewest arrays
    {
        entry.family: name
        for name, entry in sorted(ENTRIES.items(), key=lambda item: -len(OFFICIAL[item[0]]))
        if isinstance(OFFICIAL[name], dict)
    }.values()
)


@functools.cache
def ours(name):
    """Name -> shape of our model, in order."""
    return ENTRIES[name].shapes()


def arrays(name):
    """The arrays of an official file, in no order; each holds its own number everywhere."""
    known = OFFICIAL[name] if isinstance(OFFICIAL[name], dict) else OFFICIAL[OFFICIAL[name]]
    items = [
        (theirs, np.broadcast_to(np.float32(number), shape)) for number, (theirs, shape) in enumerate(known.items())
    ]
    random.Random(0).shuffle(items)
    return dict(items)


def test_every_entry_has_its_configuration_its_names_and_a_score():
    assert len(ENTRIES) > 60 and set(OFFICIAL) == set(ENTRIES)
    assert {entry.family for entry in ENTRIES.values()} == set(FAMILIES)
    for name, entry in ENTRIES.items():
        assert find_config(entry.config_path()), name
        assert entry.address.endswith(".pdparams") and name in entry.address and entry.license == "Apache-2.0"
        assert entry.score and len(set(entry.class_names())) == len(entry.class_names())


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in FIRST else pytest.mark.slow) for n in ENTRIES])
def test_an_official_file_fills_our_model_with_nothing_left_over(name):
    given = arrays(name)
    order = OfficialNames(ENTRIES[name].family).order
    assert order.count_classes(given) == len(ENTRIES[name].class_names())
    found = order.rename(given, ours(name))
    assert {mine: value.shape for mine, value in found.items()} == ours(name)
    # each array of ours has the number of one of theirs, each of theirs but biases and doubles one of ours
    numbers = {float(value.flat[-1]) for mine, value in found.items() if not mine.endswith(("_mean", "_variance"))}
    named = {float(array.flat[0]): theirs for theirs, array in given.items() if "_mean" not in theirs}
    missing = {named[number] for number in named.keys() - numbers if "_variance" not in named[number]}
    assert all(theirs.endswith("_conv.bias") or theirs.startswith("conv.") for theirs in missing), missing
    assert numbers <= named.keys()


def test_official_weights_need_the_settings_that_make_the_model_theirs():
    entry = ENTRIES["faster_rcnn_r50_fpn_1x_coco"]
    entry.check_settings(load_config(entry.config_path(), entry.settings.split()))
    with pytest.raises(ConfigError, match=r"need a model with model\.rpn\.anchors\.offset=0; add -o model\.rpn"):
        entry.check_settings(load_config(entry.config_path()))


@pytest.mark.parametrize("name", [name for name, entry in INDEX.items() if entry.refused])
def test_weights_of_another_definition_are_refused_by_name(name):
    with pytest.raises(ConfigError, match=rf"^{name}: there is no such model here: \w"):
        find_published(KIT, name).check_settings(load_config(KIT / "configs/unet.yml"))


@pytest.mark.parametrize(
    ("source", "config", "name"),
    [
        ("paddledetection", "mask_rcnn_fpn", "mask_rcnn_r50_fpn_1x_coco"),
        ("paddledetection", "ssd_mobilenet_v1_voc", "ssd_mobilenet_v1_300_120e_voc"),
        ("paddleseg", "fcn_hrnet_w18", "fcn_hrnetw18_cityscapes_1024x512_80k"),
    ],
)
def test_files_are_converted_by_the_class_of_the_model(source, config, name):
    network = ForeignNames.network_of(load_config(KIT / f"configs/{config}.yml"))
    names = ForeignNames(source, network, arrays(name))
    assert names.order is FAMILIES[ENTRIES[name].family] and "pretrained.csv" in names.note


def test_the_background_comes_first():
    bias, weight = np.arange(3.0), np.arange(6.0).reshape(2, 3)  # of two classes and the background; [2 inputs, 3]
    assert background_first("a.bias", {"a.bias": bias}).tolist() == [2, 0, 1]
    assert background_first("a.weight", {"a.weight": weight}).tolist() == [[2, 0, 1], [5, 3, 4]]
    given = {"scores0.bias": np.arange(6.0), "boxes0.bias": np.zeros(8)}  # two anchors
    assert background_first_of_priors("scores", "boxes")("scores0.bias", given).tolist() == [2, 0, 1, 5, 3, 4]


def test_the_background_that_a_file_lacks_is_zero():
    given = {"delta.weight": np.ones((2, 4)), "mask.weight": np.ones((3, 2, 1, 1))}
    assert zeros_first(4)("delta.weight", given).tolist() == [[0] * 4 + [1] * 4] * 2
    assert zeros_first(1)("mask.weight", given)[:, 0, 0, 0].tolist() == [0, 1, 1, 1]


def test_anchors_run_over_the_sizes_of_each_ratio():
    # two sizes, three ratios: (size, ratio) is numbered 10 * size + ratio there
    scores = np.array([0, 1, 2, 10, 11, 12.0])
    deltas = np.repeat(scores, 4)
    given = {"rpn_score.bias": scores, "rpn_delta.bias": deltas}
    expected = [0, 10, 1, 11, 2, 12]
    assert ratios_first(3)("rpn_score.bias", given).tolist() == expected
    assert ratios_first(3)("rpn_delta.bias", given).tolist() == np.repeat(expected, 4).tolist()


def test_a_bias_before_a_normalization_goes_into_its_mean():
    given = {"x._conv.bias": np.float32([1, 2]), "x._batch_norm._mean": np.float32([5, 5])}
    assert absorbed("x._conv.bias", given) is None and given["x._batch_norm._mean"].tolist() == [4, 3]
    variance = {"x._variance": np.float32([1.0])}
    assert other_epsilon(1e-5, 1e-3)("x._variance", variance) + 1e-3 == pytest.approx(1 + 1e-5)


def test_blocks_of_input_channels_change_places():
    weight = np.arange(4.0).reshape(1, 4, 1, 1)
    assert blocks_of_inputs([(1 / 2, 1), (0, 1 / 2)])("w", {"w": weight}).flatten().tolist() == [2, 3, 0, 1]
