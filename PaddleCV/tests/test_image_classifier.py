"""The image classifier: the model contract, targets of every kind, auxiliary heads."""

import numpy as np
import paddle
import pytest
from paddle import nn

from common.errors import ConfigError
from common.testing import check_model
from PaddleCV.models.backbones.mobilenet_v3 import MobileNetV3
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.classifiers.image_classifier import ImageClassifier
from PaddleCV.models.heads.classifier_head import ClassifierHead
from PaddleCV.models.losses.classification_losses import CrossEntropy, FocalLoss, MultiLabelLoss
from PaddleCV.tests.test_yolov3 import build

BACKBONES = {
    "ResNet18": lambda: ResNet(18, width=0.25, out_indices=[3]),
    "MobileNetV3": lambda: MobileNetV3("small", scale=0.35, out_indices=[4]),
}


def tiny(backbone="ResNet18", loss=None, dropout=0.0):
    paddle.seed(0)
    body = BACKBONES[backbone]()
    return ImageClassifier(body, ClassifierHead(body.out_channels, 5, dropout), loss or CrossEntropy())


def batch(several=False, images=4):
    rng = np.random.default_rng(1)
    labels = (rng.random((images, 5)) < 0.4).astype("float32") if several else rng.integers(0, 5, images)
    return {"image": rng.normal(size=(images, 3, 64, 64)).astype("float32"), "label": labels}


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_classifier_keeps_the_contract(backbone, tmp_path):
    check_model(lambda: tiny(backbone, CrossEntropy(0.1)), batch(), tmp_path)


def test_a_classifier_of_several_classes_keeps_the_contract(tmp_path):
    check_model(lambda: tiny(loss=MultiLabelLoss()), batch(several=True), tmp_path)


def test_a_classifier_of_gray_images_keeps_the_contract(tmp_path):
    def gray():
        body = ResNet(18, width=0.25, out_indices=[3], in_channels=1)
        return ImageClassifier(body, ClassifierHead(body.out_channels, 5), CrossEntropy())

    paddle.seed(0)
    given = batch()
    check_model(gray, {**given, "image": given["image"][:, :1]}, tmp_path)
    assert gray().inputs == {"image": ([None, 1, None, None], "float32")}


def test_scores_are_shares_of_one_class_and_probabilities_of_several():
    image = paddle.to_tensor(batch()["image"])
    for loss, activation in ((FocalLoss(), nn.functional.softmax), (MultiLabelLoss(), nn.functional.sigmoid)):
        model = tiny(loss=loss)
        model.eval()
        np.testing.assert_allclose(model(image).numpy(), activation(model.predict(image)).numpy(), rtol=1e-6)


def test_blended_targets_take_the_place_of_the_classes():
    model = tiny()
    given = {name: paddle.to_tensor(value) for name, value in batch().items()}
    model.eval()
    hard = model.loss(given)["loss_class"].item()
    given["soft_label"] = nn.functional.one_hot(given["label"], 5)
    assert model.loss(given)["loss_class"].item() == pytest.approx(hard, rel=1e-5)
    given["soft_label"] = paddle.full([4, 5], 0.2)
    assert model.loss(given)["loss_class"].item() != pytest.approx(hard, rel=1e-3)


@pytest.mark.parametrize(
    ("loss", "given", "words"),
    [
        (CrossEntropy(), batch(several=True), "CrossEntropy does not suit data of several classes .* MultiLabelLoss"),
        (MultiLabelLoss(), batch(), "MultiLabelLoss does not suit data of one class .* CrossEntropy"),
        (CrossEntropy(), {"image": batch()["image"]}, "have no labels, which CrossEntropy"),
    ],
)
def test_a_loss_that_does_not_suit_the_labels_is_refused(loss, given, words):
    with pytest.raises(ConfigError, match=words):
        tiny(loss=loss).loss({name: paddle.to_tensor(value) for name, value in given.items()})


class HeadOfTwo(ClassifierHead):
    """A head with one auxiliary exit, whose logits are all 0."""

    auxiliary_weight = 0.3

    def auxiliary(self, features):
        """Logits [N, 5] of a head that knows nothing."""
        return [paddle.zeros([len(features[-1]), 5])]


def test_an_auxiliary_exit_adds_its_weight_times_its_loss_and_answers_nothing():
    model = tiny()
    model.head = HeadOfTwo([128], 5)
    given = {name: paddle.to_tensor(value) for name, value in batch().items()}
    losses = model.loss(given)
    assert losses["loss_aux1"].item() == pytest.approx(0.3 * np.log(5), rel=1e-5)  # of five equal scores
    assert set(losses) == {"loss_class", "loss_aux1"}
    assert model.predict(given["image"]).shape == [4, 5]


def test_from_config_tells_the_head_the_channels_and_the_classes():
    model = ImageClassifier.from_config(
        backbone={"type": ResNet, "depth": 18, "width": 0.25},
        head={"type": ClassifierHead, "dropout": 0.2},
        loss={"type": CrossEntropy, "label_smoothing": 0.1},
        num_classes=7,
        build=build,
    )
    assert model.head.fc.weight.shape == [128, 7] and model.head.dropout.p == 0.2
    assert model.loss_terms.label_smoothing == 0.1


def test_the_last_layer_begins_uniform_within_one_over_the_root_of_its_inputs():
    weight = ClassifierHead([400], 1000).fc.weight.numpy()
    assert 0.0499 < np.abs(weight).max() <= 0.05 and abs(weight.std() - 0.05 / 3**0.5) < 1e-3
