"""The segmentor: the model contract, the size of its loss, auxiliary heads, ties."""

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.testing import check_model
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.heads.fcn_head import FCNHead
from PaddleCV.models.losses.segmentation_losses import PixelCrossEntropy
from PaddleCV.models.segmentors.segmentor import Segmentor, nearest_pixels
from PaddleCV.tests.tiny_segmentors import CLASSES, masks, segmentor


def plain(**keys):
    backbone = ResNet(14, width=0.125, out_indices=[2, 3], output_stride=8)
    heads = [FCNHead(backbone.out_channels, CLASSES, feature, channels=8, dropout=0.0) for feature in (1, 0)]
    return segmentor(backbone, heads[0], auxiliary=heads[1:], **keys)


def test_a_segmentor_with_an_auxiliary_head_keeps_the_contract(tmp_path):
    check_model(plain, masks(), tmp_path)


def test_a_segmentor_gives_classes_and_probabilities_of_every_pixel():
    model = plain(with_scores=True)
    model.eval()
    label_map, scores = model(paddle.to_tensor(masks(40)["image"]))
    assert model.outputs == ("label_map", "scores") and label_map.dtype == paddle.int32
    assert label_map.shape == [2, 40, 40] and scores.shape == [2, CLASSES, 40, 40]
    np.testing.assert_allclose(scores.sum(1).numpy(), 1, rtol=1e-5)
    assert (scores.argmax(1).numpy() == label_map.numpy()).all()


def test_the_loss_of_an_auxiliary_head_has_its_weight():
    whole, half = plain(), plain(auxiliary_weights=[0.2])
    half.set_state_dict(whole.state_dict())
    whole.eval(), half.eval()
    batch = {name: paddle.to_tensor(value) for name, value in masks().items()}
    one, other = whole.loss(batch), half.loss(batch)
    assert float(one["loss_mask"]) == float(other["loss_mask"])
    assert float(one["loss_aux1"]) == pytest.approx(2 * float(other["loss_aux1"]), rel=1e-5)


def test_a_mask_is_reduced_to_the_logits_by_its_nearest_pixels():
    mask = np.arange(16).reshape(1, 4, 4)
    assert nearest_pixels(paddle.to_tensor(mask), 2, 2).tolist() == [[[5, 7], [13, 15]]]
    assert nearest_pixels(paddle.to_tensor(mask), 4, 1).tolist() == [[[2], [6], [10], [14]]]
    model, batch = plain(loss_size="logits"), {name: paddle.to_tensor(value) for name, value in masks().items()}
    model.eval()
    small = model.training_outputs(batch["image"])[0]
    wanted = PixelCrossEntropy()(small, nearest_pixels(batch["mask"].astype("int64"), *small.shape[2:]))
    assert float(model.loss(batch)["loss_mask"]) == pytest.approx(float(wanted))


def test_only_pixels_that_an_error_of_the_logits_could_change_are_undecided():
    class Fixed(paddle.nn.Layer):
        out_channels = [3]

        def forward(self, image):
            return [paddle.to_tensor([[[[5.0, 5.0, 5.0]], [[5.0, 4.9999, 4.0]], [[0.0, 0.0, 0.0]]]])]

    class Same(paddle.nn.Layer):
        def forward(self, features):
            return features[0]

    model = Segmentor(Fixed(), Same(), PixelCrossEntropy())
    image = {"image": np.zeros((1, 3, 1, 3), "float32")}
    assert model.undecided(image, 1e-4)["label_map"].tolist() == [[[True, True, False]]]
    assert model.undecided(image, 1e-6)["label_map"].tolist() == [[[True, False, False]]]


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="no masks"):
        plain().loss({"image": paddle.to_tensor(masks()["image"])})
    with pytest.raises(ValueError, match="1 auxiliary heads and 2 auxiliary_weights"):
        plain(auxiliary_weights=[1, 1])
    with pytest.raises(ValueError, match="loss_size image or logits"):
        plain(loss_size="mask")
