"""Backbones: published parameter counts, shapes, freezing, invalid settings."""

import pathlib
import re

import paddle
import pytest

from common.layers.leaky_relu import LeakyReLU
from common.testing import count_parameters
from PaddleCV.models.backbones.darknet import DarkNet
from PaddleCV.models.backbones.mobilenet_v1 import MobileNetV1
from PaddleCV.models.backbones.mobilenet_v3 import MobileNetV3
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.backbones.tables import divisible
from PaddleCV.models.blocks.batch_norm import NORMS, freeze
from PaddleCV.models.blocks.conv_norm import ConvNorm
from PaddleCV.models.blocks.excitation import SqueezeExcitation
from PaddleCV.models.blocks.upsample import upsample_nearest

FC = 1000  # classes of the published classifiers


# (backbone, parameters of its classifier, published parameters, published batch statistics)
COUNTS = {
    "DarkNet53": (DarkNet, {}, 1024 * FC + FC, 41609928, 35712),
    "MobileNetV1": (MobileNetV1, {}, 1024 * FC + FC, 4231976, 21888),
    "ResNet18": (ResNet, {"depth": 18}, 512 * FC + FC, 11693736, 9728),
    "ResNet50": (ResNet, {"depth": 50}, 2048 * FC + FC, 25557032, 53120),
    "ResNet50_vd": (ResNet, {"depth": 50, "variant": "vd"}, 2048 * FC + FC, 25576264, 53248),
    "ResNet200_vd": (ResNet, {"depth": 200, "variant": "vd"}, 2048 * FC + FC, 74738504, 194560),
}
TINY = {
    "DarkNet": lambda **keys: DarkNet(depths=[1, 1, 1, 1, 1], width=0.25, **keys),
    "MobileNetV1": lambda **keys: MobileNetV1(scale=0.25, **keys),
    "MobileNetV3-large": lambda **keys: MobileNetV3(scale=0.35, **keys),
    "MobileNetV3-small": lambda **keys: MobileNetV3("small", scale=0.35, **keys),
    "ResNet18": lambda **keys: ResNet(18, width=0.25, **keys),
    "ResNet50_vd": lambda **keys: ResNet(50, "vd", width=0.25, **keys),
    "ResNet50_vc": lambda **keys: ResNet(50, "vc", width=0.25, **keys),
}


@pytest.mark.parametrize("name", COUNTS)
def test_with_its_classifier_a_backbone_has_the_published_parameters(name):
    kind, keys, classifier, trained, statistics = COUNTS[name]
    counts = count_parameters(kind(**keys))
    assert (counts[0] + classifier, counts[1]) == (trained, statistics)


@pytest.mark.parametrize(
    ("model", "channels", "squeezed", "trained", "statistics"),
    [("small", 96, 576, 2939670, 12112), ("large", 160, 960, 5479918, 24400)],
)
def test_mobilenet_v3_with_its_classifier_has_the_published_parameters(model, channels, squeezed, trained, statistics):
    # the classifier: 1x1 convolution with batch norm, 1x1 convolution to 1280 without bias, fully connected
    classifier = channels * squeezed + 2 * squeezed + squeezed * 1280 + 1280 * FC + FC
    counts = count_parameters(MobileNetV3(model))
    assert (counts[0] + classifier, counts[1] + 2 * squeezed) == (trained, statistics)


@pytest.mark.parametrize("name", TINY)
def test_features_have_the_channels_and_strides_that_are_published(name):
    backbone = TINY[name]()
    features = backbone(paddle.rand([2, 3, 64, 96]))
    assert [feature.shape for feature in features] == [
        [2, channels, 64 // stride, 96 // stride]
        for channels, stride in zip(backbone.out_channels, backbone.strides, strict=True)
    ]
    assert backbone.strides == sorted(backbone.strides)


@pytest.mark.parametrize("name", TINY)
def test_the_default_strides_are_8_16_32_as_yolov3_needs_them(name):
    assert TINY[name]().strides == [8, 16, 32]


@pytest.mark.parametrize("name", TINY)
def test_out_indices_choose_stages_and_leave_out_what_comes_after(name):
    backbone = TINY[name](out_indices=[1])
    assert len(backbone(paddle.rand([1, 3, 64, 64]))) == 1
    assert count_parameters(backbone)[0] < count_parameters(TINY[name]())[0]


@pytest.mark.parametrize("name", TINY)
def test_frozen_stages_neither_learn_nor_gather_statistics(name):
    backbone = TINY[name](freeze_stages=2)
    frozen = [*backbone.stem.parameters(), *backbone.stages[0].parameters(), *backbone.stages[1].parameters()]
    assert frozen and all(parameter.stop_gradient for parameter in frozen)
    before = [parameter.numpy() for parameter in frozen]
    backbone.train()
    sum(feature.mean() for feature in backbone(paddle.rand([2, 3, 64, 64]))).backward()
    assert all((parameter.numpy() == value).all() for parameter, value in zip(frozen, before))
    assert any(parameter.grad is not None for parameter in backbone.stages[2].parameters())


def test_images_may_have_other_than_three_channels():
    assert DarkNet(depths=[1, 1, 1, 1, 1], width=0.25, in_channels=1)(paddle.rand([1, 1, 32, 32]))[-1].shape[2:] == [
        1,
        1,
    ]


def test_frozen_norm_trains_convolutions_alone():
    backbone = ResNet(18, width=0.25, norm="frozen_bn")
    names = {name.split(".")[-2] for name, p in backbone.named_parameters() if not p.stop_gradient}
    assert names == {"conv"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DarkNet(depth=54), "DarkNet has depth 53, not 54"),
        (lambda: DarkNet(depths=[1, 1]), "5 stages, depths names 2"),
        (lambda: ResNet(51), "not 51"),
        (lambda: ResNet(50, "e"), "b, vc, vd, not 'e'"),
        (lambda: MobileNetV3("medium"), "large or small, not 'medium'"),
        (lambda: ResNet(out_indices=[1, 4]), r"stages 0 to 3.*\(1, 4\)"),
        (lambda: DarkNet(out_indices=[3, 2]), "must rise"),
        (lambda: DarkNet(freeze_stages=-1), "DarkNet has 5 stages .* freeze_stages is 0 to that, not -1"),
        (lambda: ResNet(18, freeze_stages=5), "ResNet has 4 stages .* not 5"),
        (lambda: DarkNet(norm="ln"), "no normalization 'ln'"),
        (lambda: ConvNorm(3, 8, activation="rellu"), "no activation 'rellu'"),
    ],
)
def test_invalid_settings_are_refused_with_the_valid_ones(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_upsampling_repeats_each_pixel_twice_each_way():
    x = paddle.to_tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    rows = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert upsample_nearest(x).numpy().tolist() == [[rows]]


def test_the_gradient_of_upsampling_is_the_sum_over_the_four_copies():
    x = paddle.ones([1, 2, 1, 1])
    x.stop_gradient = False
    (upsample_nearest(x) * paddle.to_tensor([[[1.0, 2.0], [3.0, 4.0]]])).sum().backward()
    assert x.grad.flatten().tolist() == [10, 10]


def test_leaky_relu_of_minus_20_is_minus_2():
    assert LeakyReLU()(paddle.to_tensor([-20.0, 0.0, 3.0])).tolist() == [-2, 0, 3]


def test_squeeze_and_excitation_halves_where_the_hard_sigmoid_gets_0():
    layer = SqueezeExcitation(8)
    for parameter in layer.parameters():
        parameter.set_value(paddle.zeros_like(parameter))
    assert (layer(paddle.ones([1, 8, 2, 2])).numpy() == 0.5).all()


def test_divisible_rounds_to_8_but_never_below_90_percent():
    assert [divisible(n) for n in (16 * 0.35, 11, 12, 20, 24 * 0.35)] == [8, 16, 16, 24, 8]


def test_freeze_holds_in_training_mode():
    layer = ConvNorm(1, 1)
    freeze(layer)
    layer.train()
    before = layer.norm._mean.numpy()
    layer(paddle.rand([4, 1, 8, 8]))
    assert (layer.norm._mean.numpy() == before).all()


def test_every_part_with_a_norm_documents_all_of_them():
    kit = pathlib.Path(__file__).parents[1]
    adversarial = {*kit.glob("models/generators/*.py"), *kit.glob("models/discriminators/*.py")}
    paths = set(kit.glob("models/**/*.py")) - adversarial - {kit / "models/blocks/gan_layers.py"}
    paths -= {*kit.glob("models/points/*.py")}  # norms of their own
    lines = [(path, line) for path in paths for line in path.read_text().splitlines()]
    documented = [(path.name, line) for path, line in lines if re.match(r" +norm \(str\)", line)]
    assert len(documented) > 25
    assert [found for found in documented if any(name not in found[1] for name in NORMS)] == []
