"""The heads of segmentation: the model contract, the size of their logits, what each is made of."""

import numpy as np
import paddle
import pytest
from paddle import nn

from common.testing import check_model
from PaddleCV.models.backbones.mobilenet_v2 import MobileNetV2
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.backbones.unet_encoder import UNetEncoder
from PaddleCV.models.backbones.xception_deeplab import XceptionDeepLab
from PaddleCV.models.blocks.batch_norm import groups_of
from PaddleCV.models.heads.deeplabv3_plus_head import DeepLabV3PlusHead
from PaddleCV.models.heads.fcn_head import FCNHead
from PaddleCV.models.heads.glore_head import GlobalReasoning, GloReHead
from PaddleCV.models.heads.psp_head import PSPHead
from PaddleCV.models.heads.unet_head import UNetHead
from PaddleCV.tests.tiny_segmentors import CLASSES, masks, segmentor


def dilated():
    return ResNet(14, width=0.125, out_indices=[2, 3], output_stride=8, multi_grid=[1, 2, 4])


def xception(norm):
    return XceptionDeepLab(41, width=0.125, middle=1, out_indices=[0, 3], output_stride=16, norm=norm)


TINY = {  # a backbone, a head, the stride of its logits
    "FCN, joined": (lambda: ResNet(14, width=0.125), lambda c: FCNHead(c, CLASSES, join=True, channels=0), 8),
    "PSPNet": (dilated, lambda c: PSPHead(c, CLASSES, channels=8, bins=(1, 2)), 8),
    "GloRe": (dilated, lambda c: GloReHead(c, CLASSES, channels=8, nodes=4, states=6), 8),
    "U-Net": (lambda: UNetEncoder(width=0.0625), lambda c: UNetHead(c, CLASSES), 1),
    "U-Net, 2015": (
        lambda: UNetEncoder((4, 8, 16)),
        lambda c: UNetHead(c, CLASSES, [8, 4], transposed=True, kernel_size=1),
        1,
    ),
    "U-Net, MobileNetV2": (lambda: MobileNetV2(0.25, out_indices=[0, 1, 2]), lambda c: UNetHead(c, CLASSES), 2),
    "DeepLabV3+": (lambda: xception("bn"), lambda c: DeepLabV3PlusHead(c, CLASSES, channels=8, fine_channels=4), 4),
    "DeepLabV3+, gn": (
        lambda: xception("gn"),
        lambda c: DeepLabV3PlusHead(c, CLASSES, channels=64, fine_channels=4, separable=False, norm="gn"),
        4,
    ),
}


def tiny(name):
    make_backbone, make_head, _ = TINY[name]
    backbone = make_backbone()
    head = make_head(backbone.out_channels)
    head.dropout = nn.Identity()
    return segmentor(backbone, head)


@pytest.mark.parametrize("name", ["PSPNet", "GloRe", "U-Net", "DeepLabV3+, gn"])
def test_a_segmentor_of_this_head_keeps_the_contract(name, tmp_path):
    check_model(lambda: tiny(name), masks(), tmp_path)


@pytest.mark.parametrize("name", TINY)
def test_logits_have_the_stride_of_the_finest_feature_that_a_head_takes(name):
    model, stride = tiny(name), TINY[name][2]
    model.eval()
    image = paddle.rand([1, 3, 48, 32])
    assert model.training_outputs(image)[0].shape == [1, CLASSES, 48 // stride, 32 // stride]
    assert model.predict(image).shape == [1, CLASSES, 48, 32]


def test_multi_grid_multiplies_the_dilation_of_the_last_stage_only():
    stages = ResNet(50, width=0.0625, output_stride=8, multi_grid=[1, 2, 4], stem_channels=[32, 48]).stages
    assert [[block.middle.conv._dilation[0] for block in stage] for stage in stages[2:]] == [[2] * 6, [4, 8, 16]]
    assert stages[0][0].reduce.conv._in_channels == 3  # 48 of the stem by the width
    with pytest.raises(ValueError, match="multi_grid"):
        ResNet(50, multi_grid=[0])


def test_groups_are_those_nearest_to_32_that_divide_the_channels():
    assert [groups_of(channels) for channels in (256, 32, 728, 48, 304, 1, 30)] == [32, 32, 28, 24, 38, 1, 30]


def test_reasoning_adds_what_the_nodes_say_to_each_cell():
    unit = GlobalReasoning(4, nodes=2, states=3, norm="bn")
    unit.eval()
    x = paddle.rand([1, 4, 2, 5])
    states, assigned = unit.states(x).flatten(2)[0].numpy(), unit.nodes(x).flatten(2)[0].numpy()
    graph = states @ assigned.T / 10  # [3, 2]
    graph = np.maximum(graph + graph @ unit.along_nodes.weight.numpy() + unit.along_nodes.bias.numpy(), 0)
    graph = unit.along_states.weight.numpy().T @ graph
    back = unit.extend(paddle.to_tensor((graph @ assigned).reshape(1, 3, 2, 5)))
    np.testing.assert_allclose(unit(x).numpy(), (x + unit.norm(back)).numpy(), atol=1e-5)


def test_heads_refuse_features_that_they_cannot_take():
    with pytest.raises(ValueError, match="takes two features"):
        DeepLabV3PlusHead([8], CLASSES)
    with pytest.raises(ValueError, match="feature 2"):
        FCNHead([8, 8], CLASSES, feature=2)
    with pytest.raises(ValueError, match="channels for each step"):
        UNetHead([8, 8], CLASSES, channels=[4, 4])
    with pytest.raises(ValueError, match="bins"):
        PSPHead([8], CLASSES, bins=(0, 1))
