"""The residual networks: dilation, squeeze and excitation, the variants, and classifiers of them."""

import numpy as np
import paddle
import pytest

from common.testing import check_model, count_parameters
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.backbones.resnext import ResNeXt
from PaddleCV.models.backbones.small_resnet import SmallResNet
from PaddleCV.models.blocks.conv_norm import ConvNorm
from PaddleCV.models.blocks.excitation import ChannelGate
from PaddleCV.tests.tiny_classifiers import batch, classifier

TINY = {
    "ResNet14": lambda **keys: ResNet(14, width=0.25, **keys),
    "ResNet18_vc": lambda **keys: ResNet(18, "vc", width=0.25, **keys),
    "SE_ResNet18_vd": lambda **keys: ResNet(18, "vd", width=0.25, se=True, **keys),
    "ResNeXt14": lambda **keys: ResNeXt(14, groups=4, width_per_group=2, **keys),
    "SE_ResNeXt14_vd": lambda **keys: ResNeXt(14, "vd", groups=4, width_per_group=2, se=True, **keys),
}


@pytest.mark.parametrize("name", ["SE_ResNet18_vd", "ResNeXt14"])
def test_a_classifier_of_residual_blocks_keeps_the_contract(name, tmp_path):
    check_model(lambda: classifier(TINY[name](out_indices=[3])), batch(32), tmp_path)


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize(("output_stride", "strides"), [(32, [4, 8, 16, 32]), (16, [4, 8, 16, 16]), (8, [4, 8, 8, 8])])
def test_dilation_keeps_the_resolution_beyond_the_output_stride(name, output_stride, strides):
    backbone = TINY[name](out_indices=[0, 1, 2, 3], output_stride=output_stride, in_channels=1)
    features = backbone(paddle.rand([1, 1, 64, 96]))
    assert backbone.strides == strides
    assert [feature.shape for feature in features] == [
        [1, channels, 64 // stride, 96 // stride]
        for channels, stride in zip(backbone.out_channels, strides, strict=True)
    ]


@pytest.mark.parametrize("name", TINY)
def test_dilation_changes_no_parameter(name):
    with paddle.LazyGuard():
        whole, dilated = TINY[name](), TINY[name](output_stride=8)
    assert [(n, p.shape) for n, p in whole.named_parameters()] == [(n, p.shape) for n, p in dilated.named_parameters()]


def test_with_output_stride_8_the_last_stages_are_dilated_by_2_and_4():
    backbone = ResNet(14, width=0.25, output_stride=8)
    assert [stage[0].middle.conv._dilation for stage in backbone.stages] == [[1, 1], [1, 1], [2, 2], [4, 4]]


def test_a_dilated_convolution_sees_every_other_pixel():
    # of 5x5 ones, a 3x3 kernel of ones with dilation 2 sees 9 in the middle, 4 at the corners, 6 at the edges' middles
    layer = ConvNorm(1, 1, dilation=2, activation="none")
    layer.conv.weight.set_value(paddle.ones([1, 1, 3, 3]))
    layer.eval()
    y = layer.conv(paddle.ones([1, 1, 5, 5]))[0, 0].numpy()
    assert (y[2, 2], y[0, 0], y[0, 2], y[2, 4]) == (9, 4, 6, 6)


@pytest.mark.parametrize("training", [True, False])
def test_a_convolution_of_dilation_2_in_training_is_the_framework_s(training):
    paddle.seed(0)
    layer = ConvNorm(4, 6, dilation=2, groups=2)
    layer.train() if training else layer.eval()
    x = paddle.randn([2, 4, 9, 9])
    expected = layer.activation(layer.norm(layer.conv(x)))
    np.testing.assert_allclose(layer(x).numpy(), expected.numpy(), atol=1e-5)


def test_excitation_that_gets_0_halves_every_channel():
    gate = ChannelGate(32)
    for parameter in gate.parameters():
        parameter.set_value(paddle.zeros_like(parameter))
    assert (gate(paddle.ones([1, 32, 2, 2])).numpy() == 0.5).all()


def test_a_channel_is_scaled_by_the_sigmoid_of_what_the_means_say():
    # 16 channels whose means are 1 to 16: squeezed by 1/16 each, 8.5; excited by 0.1 and -0.05: sigmoid(0.8)
    gate = ChannelGate(16)
    gate.squeeze.weight.set_value(paddle.full([16, 1], 1 / 16))
    gate.squeeze.bias.set_value(paddle.zeros([1]))
    gate.excite.weight.set_value(paddle.full([1, 16], 0.1))
    gate.excite.bias.set_value(paddle.full([16], -0.05))
    means = paddle.arange(1, 17, dtype="float32").reshape([1, 16, 1, 1])
    y = gate(means.expand([1, 16, 2, 2]))
    assert y.numpy()[0, 9] == pytest.approx(10 / (1 + np.exp(-0.8)), rel=1e-5)


def test_resnext_of_one_group_of_64_is_resnet():
    with paddle.LazyGuard():
        assert count_parameters(ResNeXt(50, groups=1, width_per_group=64)) == count_parameters(ResNet(50))


def test_the_deep_stem_is_wider_where_groups_meet_excitation():
    with paddle.LazyGuard():
        backbones = ResNet(14, "vd", se=True), ResNeXt(14, "vd"), ResNeXt(14, "vd", se=True)
    widths = [[layer.conv.weight.shape[0] for layer in backbone.stem[:3]] for backbone in backbones]
    assert widths == [[32, 32, 64], [32, 32, 64], [64, 64, 128]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ResNet(output_stride=4), "output_stride 8, 16, 32, not 4"),
        (lambda: ResNeXt(18), "ResNeXt has depth 14, 26, 50, 101, 152, 200, not 18"),
        (lambda: ResNeXt(variant="va"), "variant b, vc, vd, not 'va'"),
        (lambda: ResNeXt(out_indices=[4]), "ResNeXt has stages 0 to 3"),
    ],
)
def test_what_cannot_be_built_is_refused_with_what_can(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_each_stage_may_have_blocks_and_a_width_of_its_own():
    net = ResNet(depth=18, width=[0.25, 0.125, 0.25, 0.5], blocks=[1, 2, 1, 1], out_indices=[0, 1, 2, 3])
    assert net.out_channels == [16, 16, 64, 256]  # 64, 128, 256, 512 times the widths
    assert [len(stage) for stage in net.stages] == [1, 2, 1, 1]
    net.eval()
    shapes = [list(f.shape[1:]) for f in net(paddle.zeros([1, 3, 32, 32]))]
    assert shapes == [[16, 8, 8], [16, 4, 4], [64, 2, 2], [256, 1, 1]]
    small = SmallResNet(depth=8, width=[2, 1, 1], blocks=[1, 1, 2])
    small.eval()
    assert [list(f.shape[1:]) for f in small(paddle.zeros([1, 3, 8, 8]))] == [[32, 8, 8], [32, 4, 4], [64, 2, 2]]
    with pytest.raises(ValueError, match="4 stages"):
        ResNet(depth=18, blocks=[1, 2, 1])
    with pytest.raises(ValueError, match="3 stages"):
        SmallResNet(width=[1, 1])
