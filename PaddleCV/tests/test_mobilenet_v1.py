"""MobileNetV1: the model contract, and the official parameter counts of every width."""

import functools

import paddle
import pytest

from PaddleCV.models.backbones.mobilenet_v1 import MobileNetV1
from PaddleCV.tests.backbone_checks import check_backbone, check_classifier, count_classifier

tiny = functools.partial(MobileNetV1, scale=0.25)
COUNTS = {0.25: (470072, 5472), 0.5: (1331592, 10944), 0.75: (2585560, 16416), 1.0: (4231976, 21888)}


def test_a_classifier_keeps_the_contract(tmp_path):
    check_classifier(tiny, tmp_path, out_indices=[4])


def test_it_is_a_backbone():
    check_backbone(tiny, [2, 4, 8, 16, 32])


@pytest.mark.parametrize("scale", COUNTS)
def test_with_its_classifier_it_has_the_official_parameters(scale):
    assert count_classifier(lambda: MobileNetV1(scale, out_indices=[4])) == COUNTS[scale]


def test_stages_of_your_own_have_their_kernels_and_strides():
    net = MobileNetV1(stem_stride=1, out_indices=[0, 1], stages=[[8, 1, 1], [12, 2, 2, 5]])
    net.eval()
    fine, coarse = net(paddle.zeros([1, 3, 8, 8]))
    assert fine.shape == [1, 8, 8, 8] and coarse.shape == [1, 12, 4, 4]
    assert net.strides == [1, 2] and net.stages[1][1].depthwise.conv.weight.shape == [12, 1, 5, 5]
