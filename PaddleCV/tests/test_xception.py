"""Xception, both kinds: the model contract, dilation, and the official parameter counts."""

import functools

import paddle
import pytest

from PaddleCV.models.backbones.xception import Xception
from PaddleCV.models.backbones.xception_deeplab import XceptionDeepLab
from PaddleCV.tests.backbone_checks import (
    check_backbone,
    check_classifier,
    check_dilation_of_the_same_weights,
    check_output_stride,
    count_classifier,
)

TINY = {
    "plain": functools.partial(Xception, 41, width=0.125, middle=1),
    "71": functools.partial(Xception, 71, width=0.125, middle=1),
    "deeplab": functools.partial(XceptionDeepLab, 41, width=0.125, middle=1),
    "71 deeplab": functools.partial(XceptionDeepLab, 71, width=0.125, middle=1),
}
COUNTS = {  # of 71 published, of the others counted in the official definitions
    (Xception, 41): (22919600, 100320),
    (Xception, 65): (35866352, 170208),
    (Xception, 71): (37678496, 178080),
    (XceptionDeepLab, 41): (26969560, 115312),
    (XceptionDeepLab, 65): (39916312, 185200),
    (XceptionDeepLab, 71): (42338736, 198976),
}


@pytest.mark.parametrize("kind", ["plain", "71 deeplab"])
def test_a_classifier_keeps_the_contract(kind, tmp_path):
    check_classifier(TINY[kind], tmp_path, out_indices=[3])


@pytest.mark.parametrize("kind", ["plain", "71"])
def test_it_is_a_backbone(kind):
    check_backbone(TINY[kind], [4, 8, 16, 32])


def test_that_of_deeplab_is_a_backbone_too():
    check_backbone(TINY["deeplab"], [4, 8, 16, 32])


@pytest.mark.parametrize("kind", TINY)
def test_dilation_keeps_resolution_and_parameters(kind):
    check_output_stride(TINY[kind])


@pytest.mark.parametrize(("kind", "stage", "output_stride"), [("71", 3, 16), ("71", 2, 8), ("71 deeplab", 2, 8)])
def test_dilated_it_sees_at_every_second_place_what_it_saw_with_strides(kind, stage, output_stride):
    check_dilation_of_the_same_weights(functools.partial(TINY[kind], out_indices=[stage]), output_stride)


@pytest.mark.parametrize(("kind", "depth"), COUNTS)
def test_with_its_classifier_it_has_the_official_parameters(kind, depth):
    assert count_classifier(lambda: kind(depth, out_indices=[3])) == COUNTS[kind, depth]


@pytest.mark.parametrize("depth", [41, 65, 71])
def test_the_decoder_of_deeplab_gets_256_channels_at_stride_4(depth):
    with paddle.LazyGuard():
        backbone = XceptionDeepLab(depth, out_indices=[0, 3], output_stride=16)
    assert (backbone.out_channels, backbone.strides) == ([256, 2048], [4, 16])


def test_the_last_block_of_deeplab_is_dilated_by_2_and_by_4_at_output_stride_8():
    def dilation(output_stride):
        backbone = TINY["deeplab"](output_stride=output_stride)
        return backbone.stages[-1][-1].first.depthwise.conv._dilation[0]

    assert [dilation(output_stride) for output_stride in (32, 16, 8)] == [2, 2, 4]


@pytest.mark.parametrize("kind", [Xception, XceptionDeepLab])
def test_another_depth_is_refused(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__} has depth 41, 65, 71, not 50"):
        kind(50)
