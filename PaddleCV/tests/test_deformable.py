"""Deformable convolution: by hand, in a ResNet, and exported."""

import numpy as np
import paddle
import pytest
from paddle import nn

from common.inference.predictor import run_engine
from common.testing import arrays, load_program, save_program
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.blocks.deformable import DeformableConv2D


def test_it_starts_as_half_a_convolution():
    layer = DeformableConv2D(2, 3, stride=2)
    usual = nn.Conv2D(2, 3, 3, stride=2, padding=1, bias_attr=False)
    usual.weight.set_value(layer.weight)
    x = paddle.rand([1, 2, 7, 8])
    np.testing.assert_allclose(layer(x).numpy(), 0.5 * usual(x).numpy(), atol=1e-6)


def test_a_predicted_place_one_cell_to_the_right_is_read():
    layer = DeformableConv2D(1, 1, kernel_size=1)
    layer.weight.set_value(np.ones([1, 1, 1, 1], "f4"))
    layer.offsets.bias.set_value(np.array([0, 1, 50], "f4"))  # down, right, a weight of 1
    x = paddle.arange(6, dtype="float32").reshape([1, 1, 2, 3])
    assert layer(x).reshape([2, 3]).tolist() == [[1, 2, 0], [4, 5, 0]]


class Body(nn.Layer):
    inputs = {"image": ([None, 3, None, None], "float32")}
    outputs = ("feature",)

    def __init__(self):
        super().__init__()
        self.body = ResNet(26, width=0.125, out_indices=(3,), deformable_stages=(2, 3))

    def forward(self, image):
        return self.body(image)[0]


def test_a_resnet_with_deformable_stages_is_trained_and_exported(tmp_path):
    paddle.seed(0)
    model = Body()
    middles = [type(block.middle).__name__ for stage in model.body.stages for block in stage]
    assert middles == ["ConvNorm"] * 4 + ["DeformableConvNorm"] * 4
    image = paddle.rand([2, 3, 64, 96])
    model(image).sum().backward()
    model.eval()
    for block in model.body.stages[3]:
        assert np.any(block.middle.conv.offsets.weight.grad.numpy())
        block.middle.conv.offsets.bias.set_value(paddle.rand(block.middle.conv.offsets.bias.shape))
    save_program(model, tmp_path / "model")
    for onednn in (False, True):
        (got,) = run_engine(load_program(tmp_path / "model", onednn), {"image": image.numpy()})
        np.testing.assert_allclose(got, arrays(model(image))[0], rtol=1e-3, atol=1e-4)


def test_depths_without_bottlenecks_have_no_deformable_stages():
    with pytest.raises(ValueError, match="which depth 18 does not have"):
        ResNet(18, deformable_stages=[3])
