"""ICNet: the model contract with its three losses, and the sizes of its features."""

import paddle
import pytest

from common.testing import check_model
from PaddleCV.models.backbones.icnet import ICNet
from PaddleCV.models.heads.fcn_head import FCNHead
from PaddleCV.tests.tiny_segmentors import CLASSES, masks, segmentor


def tiny():
    backbone = ICNet(width=0.125, blocks=(1, 2, 1, 1))
    heads = [FCNHead(backbone.out_channels, CLASSES, k, convs=0, dropout=0.0) for k in range(3)]
    return segmentor(backbone, heads[0], auxiliary=heads[1:], auxiliary_weights=[0.4, 0.16], loss_size="logits")


def test_a_cascade_with_three_losses_keeps_the_contract(tmp_path):
    model = check_model(tiny, masks(64), tmp_path)
    losses = model.loss({name: paddle.to_tensor(value) for name, value in masks(64).items()})
    assert list(losses) == ["loss_mask", "loss_aux1", "loss_aux2"]


def test_features_have_the_strides_4_8_and_16_also_of_sizes_that_32_does_not_divide():
    backbone = ICNet(width=0.125, blocks=(1, 2, 1, 1), in_channels=1)
    backbone.eval()
    features = backbone(paddle.rand([1, 1, 72, 100]))
    assert backbone.strides == [4, 8, 16]
    assert [f.shape[1:] for f in features] == [
        [channels, -(-72 // stride), -(-100 // stride)] for channels, stride in zip(backbone.out_channels, (4, 8, 16))
    ]
    with pytest.raises(ValueError, match="four stages"):
        ICNet(blocks=(3, 4, 6))
