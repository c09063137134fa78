"""MobileNetV3: the model contract, dilation, its head, and the official parameter counts of every width."""

import functools

import numpy as np
import paddle
import pytest

from PaddleCV.models.backbones.mobilenet_v3 import MobileNetV3
from PaddleCV.models.heads.mobilenet_v3_head import MobileNetV3Head
from PaddleCV.tests.backbone_checks import (
    check_backbone,
    check_classifier,
    check_output_stride,
    count_classifier,
)

tiny = functools.partial(MobileNetV3, "small", scale=0.35)
COUNTS = {  # of x1.0 published; the others as counted in PaddleClas 2.6, which has one convolution more, see below
    ("small", 0.35): (1665954, 4272),
    ("small", 0.5): (1902536, 6160),
    ("small", 0.75): (2375106, 9232),
    ("small", 1.0): (2939958, 12144),
    ("small", 1.25): (3627370, 15280),
    ("large", 0.35): (2104328, 8592),
    ("large", 0.5): (2673422, 12368),
    ("large", 0.75): (3912248, 18448),
    ("large", 1.0): (5480206, 24432),
    ("large", 1.25): (7443308, 30640),
}
PUBLISHED = {"small": (2939670, 12112), "large": (5479918, 24400)}


def test_a_classifier_keeps_the_contract(tmp_path):
    head = functools.partial(MobileNetV3Head, hidden=32, dropout=0.0)
    check_classifier(tiny, tmp_path, head=head, out_indices=[5])


@pytest.mark.parametrize("model", ["small", "large"])
def test_it_is_a_backbone(model):
    check_backbone(functools.partial(MobileNetV3, model, scale=0.35), [2, 4, 8, 16, 32, 32])


def test_dilation_keeps_resolution_and_parameters():
    check_output_stride(tiny)


@pytest.mark.parametrize("model", PUBLISHED)
def test_with_its_head_it_has_the_published_parameters(model):
    assert count_classifier(lambda: MobileNetV3(model, out_indices=[5]), MobileNetV3Head) == PUBLISHED[model]


@pytest.mark.parametrize(("model", "scale"), COUNTS)
def test_with_one_convolution_more_it_has_the_parameters_of_later_definitions(model, scale):
    make = functools.partial(MobileNetV3, model, scale, out_indices=[5], always_expand=True)
    assert count_classifier(make, MobileNetV3Head) == COUNTS[model, scale]


def test_the_first_block_of_16_channels_saves_256_weights_and_two_numbers_a_channel():
    def parameters(**keys):
        return sum(p.size for p in MobileNetV3(out_indices=[0], **keys).parameters() if not p.stop_gradient)

    assert parameters(always_expand=True) - parameters() == 16 * 16 + 2 * 16


def test_the_head_is_mean_convolution_hard_swish_and_a_linear_layer():
    head = MobileNetV3Head([1], 1, hidden=1)
    head.eval()
    for parameter, value in zip(head.parameters(), (2.0, 1.0, 0.5)):  # convolution, weight, bias
        parameter.set_value(paddle.full_like(parameter, value))
    answer = head([paddle.to_tensor([[[[0.0, 2.0]]]])])  # mean 1, times 2, hard swish 2 * 5 / 6, plus 0.5
    np.testing.assert_allclose(answer.numpy(), [[2 * 5 / 6 + 0.5]], rtol=1e-6)
