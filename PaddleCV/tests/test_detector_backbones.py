"""Detectors whose backbone is exchanged in the configuration: the strides and sizes of their features."""

import math

import paddle
import pytest

from common.config import load_config
from PaddleCV.models.backbones.resnext import ResNeXt
from PaddleCV.models.blocks.deformable import DeformableConvNorm

from .test_torch_names import KIT

NARROW = {
    "resnet": "{type: ResNet, depth: 26, width: 0.125",
    "resnet_vd": "{type: ResNet, depth: 26, width: 0.125, variant: vd",
    "resnet_dcn": "{type: ResNet, depth: 26, width: 0.125, variant: vd, deformable_stages: [3]",
    "resnext": "{type: ResNeXt, depth: 14, groups: 4, width_per_group: 2",
    "resnext_dcn": "{type: ResNeXt, depth: 14, groups: 4, width_per_group: 2, variant: vd, deformable_stages: [3]",
    "mobilenet_v1": "{type: MobileNetV1, scale: 0.25",
    "mobilenet_v3": "{type: MobileNetV3, scale: 0.35",
}
# the twin of a detector: (the levels of its backbone that it takes, of residual networks; their strides)
DETECTORS = {
    "yolov3": ("[1, 2, 3]", [8, 16, 32]),
    "retinanet": ("[1, 2, 3]", [8, 16, 32]),
    "faster_rcnn_fpn": ("[0, 1, 2, 3]", [4, 8, 16, 32]),
    "faster_rcnn_c4": ("[2]", [16]),
}
PAIRS = [
    *((backbone, detector) for backbone in NARROW for detector in ("yolov3", "retinanet")),
    *((backbone, "faster_rcnn_fpn") for backbone in NARROW if backbone.startswith("res")),
    *((backbone, "faster_rcnn_c4") for backbone in NARROW if backbone.startswith("resnet")),
]
FULL = {
    "resnet101_vd_dcn": "depth: 101, variant: vd, norm: frozen_bn, freeze_stages: 1, deformable_stages: [1, 2, 3]}",
    "resnext101_vd_64x4d_dcn": "depth: 101, variant: vd, groups: 64, width_per_group: 4, norm: frozen_bn, "
    "freeze_stages: 1, deformable_stages: [1, 2, 3]}",
}


@pytest.mark.parametrize(("backbone", "detector"), PAIRS)
def test_a_backbone_is_exchanged_in_the_configuration(backbone, detector):
    levels, strides = DETECTORS[detector]
    node = NARROW[backbone] + (f", out_indices: {levels}" if backbone.startswith("res") else "") + "}"
    model = load_config(KIT / f"configs/tiny/{detector}.yml", [f"model.backbone={node}"]).build("model", num_classes=3)
    model.eval()
    with paddle.no_grad():
        features = model.backbone(paddle.rand([1, 3, 64, 96]))
        levels = model.neck(features) if model.neck is not None else features
    assert model.backbone.strides == strides
    for feature, channels, stride in zip(features, model.backbone.out_channels, strides, strict=True):
        assert feature.shape == [1, channels, 64 // stride, 96 // stride]
    source = model.neck or model.backbone
    strides = source.strides if detector != "yolov3" else strides[::-1]
    for feature, channels, stride in zip(levels, source.out_channels, strides, strict=True):
        assert feature.shape == [1, channels, math.ceil(64 / stride), math.ceil(96 / stride)]


@pytest.mark.parametrize("name", FULL)
def test_backbones_of_full_size_with_deformable_convolutions_are_built(name):
    kind = "ResNeXt" if "next" in name else "ResNet"
    node = f"{{type: {kind}, out_indices: [0, 1, 2, 3], {FULL[name]}"
    with paddle.LazyGuard():
        model = load_config(KIT / "configs/faster_rcnn_fpn.yml", [f"model.backbone={node}"]).build(
            "model", num_classes=80
        )
    deformable = [layer for layer in model.backbone.sublayers() if isinstance(layer, DeformableConvNorm)]
    assert len(deformable) == 4 + 23 + 3  # the blocks of the last three stages


def test_a_deformable_convolution_in_groups_has_the_groups_of_the_one_it_replaces():
    plain, deformable = (ResNeXt(14, groups=4, width_per_group=2, deformable_stages=stages) for stages in ((), (2, 3)))
    for stage in (2, 3):
        pair = [body.stages[stage][0].middle.conv for body in (plain, deformable)]
        assert pair[0].weight.shape == pair[1].weight.shape and pair[0]._groups == pair[1]._groups == 4
