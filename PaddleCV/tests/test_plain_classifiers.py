"""AlexNet, VGG, GoogLeNet, InceptionV4 and SqueezeNet with their classifiers."""

from pathlib import Path

import numpy as np
import paddle
import pytest

from common.build.model import build_model
from common.config import load_config
from common.errors import ConfigError
from common.testing import check_model
from PaddleCV.models.backbones.alexnet import AlexNet
from PaddleCV.models.backbones.googlenet import GoogLeNet, Inception
from PaddleCV.models.backbones.inception_v4 import InceptionV4
from PaddleCV.models.backbones.squeezenet import Fire, SqueezeNet
from PaddleCV.models.backbones.vgg import VGG
from PaddleCV.models.heads.classifier_head import ClassifierHead
from PaddleCV.models.heads.conv_classifier_head import ConvClassifierHead
from PaddleCV.models.heads.fully_connected_head import FullyConnectedHead
from PaddleCV.models.heads.googlenet_head import GoogLeNetHead
from PaddleCV.tests.tiny_classifiers import CLASSES, batch, classifier

BACKBONES = {
    "AlexNet": lambda **keys: AlexNet(width=0.25, **keys),
    "VGG11": lambda **keys: VGG(11, width=0.25, **keys),
    "GoogLeNet": lambda **keys: GoogLeNet(width=0.25, **keys),
    "InceptionV4": lambda **keys: InceptionV4([1, 1, 1], width=0.125, **keys),
    "SqueezeNet1_0": lambda **keys: SqueezeNet("1.0", width=0.5, **keys),
    "SqueezeNet1_1": lambda **keys: SqueezeNet(width=0.5, **keys),
}
# out_indices, head and its keys, side of the images
CLASSIFIERS = {
    "AlexNet": ([2], FullyConnectedHead, {"cells": 1, "hidden": 32, "dropout": 0.0, "dropout_first": True}, 64),
    "VGG11": ([4], FullyConnectedHead, {"cells": 2, "hidden": 32, "dropout": 0.0}, 32),
    "GoogLeNet": ([1, 2, 4], GoogLeNetHead, {"cells": 1, "hidden": 32, "dropout": 0.0, "auxiliary_dropout": 0.0}, 64),
    "InceptionV4": ([2], ClassifierHead, {"dropout": 0.0}, 80),
    "SqueezeNet1_1": ([2], ConvClassifierHead, {"dropout": 0.0}, 48),
}
# (height, width) of every stage of an image of 224 pixels, and of 299 for InceptionV4, as the published weights see it
SIDES = {
    "AlexNet": [27, 13, 6],
    "VGG11": [112, 56, 28, 14, 7],
    "GoogLeNet": [27, 13, 13, 13, 6],
    "InceptionV4": [35, 17, 8],
    "SqueezeNet1_0": [54, 26, 12],
    "SqueezeNet1_1": [55, 27, 13],
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_keeps_the_contract(name, tmp_path):
    out_indices, head, keys, size = CLASSIFIERS[name]
    check_model(lambda: classifier(BACKBONES[name](out_indices=out_indices), head, **keys), batch(size), tmp_path)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_stage_has_the_sides_and_channels_it_names(name):
    backbone = BACKBONES[name](out_indices=range(len(SIDES[name])), in_channels=1)
    backbone.eval()
    size = 299 if name == "InceptionV4" else 224
    shapes = [feature.shape for feature in backbone(paddle.rand([1, 1, size, size]))]
    assert shapes == [[1, c, side, side] for c, side in zip(backbone.out_channels, SIDES[name], strict=True)]
    # what is not padded loses a pixel or two at each pooling
    assert all(abs(size / stride - side) < 2.5 for stride, side in zip(backbone.strides, SIDES[name], strict=True))


@pytest.mark.parametrize("name", BACKBONES)
def test_out_indices_leave_out_what_comes_after(name):
    with paddle.LazyGuard():
        first, whole = BACKBONES[name](out_indices=[0]), BACKBONES[name]()
    assert len(first.stages) == 1 < len(whole.stages)


@pytest.mark.parametrize("name", BACKBONES)
def test_frozen_stages_do_not_learn(name):
    backbone = BACKBONES[name](freeze_stages=1)
    frozen = [p for p in backbone.parameters() if p.stop_gradient]
    first = {id(p) for p in backbone.stages[0].parameters()}
    assert first <= {id(p) for p in frozen}
    later = [
        p
        for stage in backbone.stages[1:]
        for n, p in stage.named_parameters()
        if not n.endswith(("_mean", "_variance"))
    ]
    assert later and not any(p.stop_gradient for p in later)


def test_frozen_norm_trains_the_convolutions_of_inception_alone():
    backbone = InceptionV4([1, 1, 1], width=0.125, norm="frozen_bn")
    assert {n.split(".")[-2] for n, p in backbone.named_parameters() if not p.stop_gradient} == {"conv"}


def test_the_auxiliary_losses_count_0_3_each_and_answer_nothing():
    out_indices, head, keys, size = CLASSIFIERS["GoogLeNet"]
    model = classifier(BACKBONES["GoogLeNet"](out_indices=out_indices), head, **keys)
    for layer in (model.head.fc, *(part.fc for part in model.head.auxiliaries)):
        layer.weight.set_value(paddle.zeros_like(layer.weight))
    given = {name: paddle.to_tensor(value) for name, value in batch(size).items()}
    losses = {name: value.item() for name, value in model.loss(given).items()}
    # of logits that are all 0 each loss is ln 5, smoothed labels or not
    expected = {"loss_class": np.log(5), "loss_aux1": 0.3 * np.log(5), "loss_aux2": 0.3 * np.log(5)}
    assert losses == pytest.approx(expected, rel=1e-5)
    assert model.predict(given["image"]).shape == [3, CLASSES]


def test_an_inception_module_puts_1x1_3x3_5x5_and_pooling_side_by_side():
    module = Inception(1, 1, 1, 1, 1, 1, 1)
    for parameter in module.parameters():
        parameter.set_value(paddle.ones_like(parameter))
    y = module(paddle.ones([1, 1, 5, 5]))[0].numpy()
    # of ones: each sums the ones under its kernel; in the middle 1, 9, 25, and the largest, 1; in the corner 1, 4, 9, 1
    assert y[:, 2, 2].tolist() == [1, 9, 25, 1] and y[:, 0, 0].tolist() == [1, 4, 9, 1]


def test_a_fire_module_expands_by_1x1_and_3x3():
    module = Fire(2, 1, 1)
    for name, parameter in module.named_parameters():
        parameter.set_value(paddle.zeros_like(parameter) if "bias" in name else paddle.ones_like(parameter))
    y = module(paddle.ones([1, 2, 3, 3]))[0].numpy()
    # squeezed to 2; then 2, and 2 for each of 9 in the middle and 4 in the corner
    assert y[:, 1, 1].tolist() == [2, 18] and y[:, 0, 0].tolist() == [2, 8]


def test_a_classifier_by_convolution_has_no_logit_below_0():
    head = ConvClassifierHead([4], 3)
    head.eval()
    assert head([paddle.randn([2, 4, 5, 5])]).min().item() >= 0


@pytest.mark.parametrize(("dropout_first", "dropped"), [(True, ["first", "second"]), (False, ["second", "fc"])])
def test_dropout_comes_before_the_hidden_layers_of_alexnet_and_after_those_of_vgg(dropout_first, dropped):
    head = FullyConnectedHead([2], 3, cells=1, hidden=2, dropout=1.0, dropout_first=dropout_first)
    seen = {}
    for name in ("first", "second", "fc"):
        layer = getattr(head, name)
        layer.bias.set_value(paddle.ones_like(layer.bias))  # what follows a layer that got zeros is not zero
        layer.register_forward_pre_hook(lambda _, given, name=name: seen.update({name: given[0].numpy()}))
    head([paddle.ones([1, 2, 1, 1])])
    assert [name for name, given in seen.items() if not given.any()] == dropped


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: VGG(12), "VGG has depth 11, 13, 16, 19, not 12"),
        (lambda: SqueezeNet("1.2"), "1.0 or 1.1, not '1.2'"),
        (lambda: InceptionV4([1, 1]), r"A, B and C modules.*\[1, 1\]"),
        (lambda: AlexNet(out_indices=[3]), "AlexNet has stages 0 to 2"),
        (lambda: GoogLeNetHead([8], 5), "takes 3 features, the backbone gives 1"),
        (lambda: ClassifierHead([8], 5, dropout=1.5), "dropout is 1.5; it is 0 to 1"),
        (lambda: FullyConnectedHead([8], 5, dropout=-1), "dropout is -1"),
    ],
)
def test_what_cannot_be_built_is_refused_with_what_can(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_numbers_of_which_nothing_can_be_built_are_named_by_their_line():
    config = load_config(Path(__file__).parents[1] / "configs/tiny/resnext.yml", ["model.backbone.groups=0"])
    with pytest.raises(ConfigError, match=r"resnext.yml:\d+: ResNeXt cannot be built .*is one of them 0"):
        build_model(config, ["a", "b"])
