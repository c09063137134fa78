"""The names of torchvision and timm onto ours, without either.

torch_names.json.gz holds facts: for some networks of torchvision 0.29, timm 1.0 and efficientnet_pytorch the names and
shapes of their state dictionaries, in the order in which they create them.
"""

import csv
import functools
import gzip
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

from common.build.foreign import model_shapes
from common.config import load_config
from common.errors import ConfigError

from ..models.foreign import official_names
from ..models.foreign.torch_names import FAMILIES, OFFICIAL, ForeignNames

KIT = Path(__file__).resolve().parents[1]
NAMES = json.loads(gzip.decompress((KIT / "tests/torch_names.json.gz").read_bytes()))
# (source, network there): configuration; those whose weights ours can take as they are
PAIRS = {
    ("torchvision", "alexnet"): "alexnet",
    ("torchvision", "vgg11"): "vgg11",
    ("torchvision", "resnet18"): "resnet18",
    ("torchvision", "resnet50"): "resnet50",
    ("torchvision", "resnext50_32x4d"): "resnext50_32x4d",
    ("torchvision", "densenet121"): "densenet121",
    ("torchvision", "squeezenet1_1"): "squeezenet1_1",
    ("torchvision", "mobilenet_v2"): "mobilenet_v2",
    ("torchvision", "shufflenet_v2_x0_5"): "shufflenet_v2_x0_5",
    ("timm", "tf_efficientnet_b0"): "efficientnet_b0",
    ("efficientnet_pytorch", "efficientnet_lite0"): "efficientnet_lite0",
    ("timm", "mobilenetv1_100"): "mobilenet_v1",
    ("timm", "mobilenetv2_100"): "mobilenet_v2",
    ("timm", "darknet53"): "darknet53",
    ("timm", "xception41"): "xception41_deeplab",
    ("timm", "dpn68"): "dpn68",
    ("timm", "resnet18d"): "resnet18_vd",
    ("timm", "resnet50d"): "resnet50_vd",
    ("timm", "seresnext50_32x4d"): "se_resnext50_32x4d",
    ("timm", "densenet121"): "densenet121",
    ("timm", "vgg19"): "vgg19",
}


@functools.cache
def ours(name):
    """Name -> shape of our model, in order."""
    return model_shapes(load_config(KIT / f"configs/{name}.yml"), 1000)


def network(name):
    """The class of a configuration's backbone."""
    return load_config(KIT / f"configs/{name}.yml").get("model.backbone.type")


def arrays(source, name):
    """A state dictionary in no order; each array holds its own number everywhere, what must be 0 is 0."""
    items = [
        (
            theirs,
            np.broadcast_to(np.float32(0 if re.fullmatch(r"features\.\d+\.bias", theirs) and "vgg" in name else n), s),
        )
        for n, (theirs, s) in enumerate(NAMES[source][name].items(), 1)
    ]
    random.Random(0).shuffle(items)
    return dict(items)


def converted(source, name, config):
    given = arrays(source, name)
    return ForeignNames(source, network(config), given).order.rename(given, ours(config)), given


def same_part(theirs, mine):
    """Tells whether a name has the same suffix as ours, in PyTorch terms."""
    words = {"running_mean": "_mean", "running_var": "_variance"}
    end = theirs.rpartition(".")[2]
    return mine.endswith(f".{words.get(end, end)}")


@pytest.mark.parametrize(("source", "name"), PAIRS, ids="-".join)
def test_a_state_dictionary_fills_our_model_in_the_order_of_its_layers(source, name):
    config = PAIRS[source, name]
    found, given = converted(source, name, config)
    assert {mine: array.shape for mine, array in found.items()} == ours(config)
    by_number = {round(float(array.flat[0])): theirs for theirs, array in given.items()}
    more = FAMILIES[source][network(config)].identities or "nothing"
    made = [mine for mine in found if re.fullmatch(more, mine)] if len(ours(config)) > len(used(given)) else []
    taken = [by_number[round(float(array.flat[0]))] for mine, array in found.items() if mine not in made]
    assert sorted(taken) == sorted(used(given)) and len(made) in (0, 5)
    kept = [mine for mine in found if mine not in made]
    assert all(same_part(theirs, mine) for theirs, mine in zip(taken, kept, strict=True))
    if "xception" not in name:
        assert taken == [theirs for theirs in NAMES[source][name] if theirs in set(taken)]


def used(given):
    """The names of a state dictionary that our model has a place for."""
    zero = {theirs for theirs, array in given.items() if not array.any()}
    return [theirs for theirs in given if not theirs.endswith("num_batches_tracked") and theirs not in zero]


def test_the_shortcuts_of_timms_xception_become_ours():
    found, given = converted("timm", "xception41", "xception41_deeplab")
    numbers = {float(array.flat[0]): theirs for theirs, array in given.items()}
    for mine, array in found.items():
        assert ("shortcut" in mine) == ("shortcut" in numbers[float(array.flat[0])])


def test_the_statistics_of_timms_dpn_make_up_for_its_epsilon():
    found, given = converted("timm", "dpn68", "dpn68")
    mine, theirs = "backbone.stem.0.norm._variance", "features.conv1_1.bn.running_var"
    assert np.allclose(found[mine] - given[theirs], 1e-3 - 1e-5, rtol=0.1)


def test_what_torch_leaves_out_becomes_a_layer_that_changes_nothing():
    found, _ = converted("torchvision", "mobilenet_v2", "mobilenet_v2")
    first = {n.rpartition(".layers.0.")[2]: array for n, array in found.items() if ".0.0.layers.0." in n}
    x = np.random.default_rng(0).uniform(0, 6, (2, 32)).astype("f4")
    x_out = x @ first["conv.weight"][:, :, 0, 0].T
    x_out = (x_out - first["norm._mean"]) / np.sqrt(first["norm._variance"] + 1e-5)
    assert np.allclose(x_out * first["norm.weight"] + first["norm.bias"], x, rtol=1e-6)


def test_the_pooling_branch_of_inception_comes_first():
    order = FAMILIES["timm"]["InceptionV4"]
    names = order.sort_names(arrays("timm", "inception_v4"))
    module = [name for name in names if name.startswith("features.6.") and name.endswith("conv.weight")]
    assert [name.split(".")[2] for name in module] == ["branch3", "branch0", *["branch1"] * 2, *["branch2"] * 3]


@pytest.mark.parametrize(
    ("source", "name", "config", "words"),
    [
        ("torchvision", "mobilenet_v3_small", "mobilenet_v3_small_x1_0", r"has shape \[8, 16, 1, 1\], but "),
        ("timm", "inception_v4", "inceptionv4", r"has shape \[64, 64, 1, 7\], but "),
        ("torchvision", "resnet50", "resnet18", r"has shape .*, but "),
        ("torchvision", "resnet18", "resnet34", "102 arrays, the model 187|has shape .*, but "),
        ("torchvision", "densenet121", "resnet50", "is not a name of this family"),
        ("timm", "resnet50d", "googlenet", "to a GoogLeNet are not known"),
        ("keras", "resnet50", "resnet50", "there is no source 'keras'"),
    ],
)
def test_weights_of_another_definition_are_refused(source, name, config, words):
    given = arrays(source, name) if source in NAMES else {}
    with pytest.raises(ConfigError, match=words):
        ForeignNames(source, network(config), given).order.rename(given, ours(config))


def test_biases_that_our_vgg_lacks_are_refused_unless_they_are_zero():
    given = arrays("torchvision", "vgg11") | {"features.3.bias": np.full(128, 1e-3, "f4")}
    with pytest.raises(ConfigError, match=r"features\.3\.bias: must be 0"):
        ForeignNames("torchvision", "VGG", list(given)).order.rename(given, ours("vgg11"))


def test_official_names_are_distinguished_among_the_families_of_a_network():
    names = json.loads(gzip.decompress((KIT / "tests/official_names.json.gz").read_bytes()))
    for name in ("resnet50", "resnet50_vc", "resnext50_32x4d", "resnext101_32x8d_wsl", "xception41_deeplab"):
        given = {theirs: np.broadcast_to(np.float32(1), shape) for theirs, shape in names[name].items()}
        order = ForeignNames("paddleclas", network(name), given).order
        assert {n: array.shape for n, array in order.rename(given, ours(name)).items()} == ours(name)


def test_every_backbone_with_official_weights_is_known():
    index = csv.DictReader((KIT / "pretrained.csv").read_text().splitlines())
    classifiers = [row["name"] for row in index if row["family"] in official_names.FAMILIES and not row["config"]]
    assert {network(name) for name in classifiers} == set(OFFICIAL)
