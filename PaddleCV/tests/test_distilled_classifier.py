"""Distillation of classifiers: losses by hand, checkpoints, invalid settings."""

import math

import numpy as np
import paddle
import pytest
from safetensors.numpy import save_file

from common.errors import ConfigError
from common.layers.distillation import JensenShannonLoss, SoftLabelLoss, jensen_shannon, kullback_leibler
from common.testing import check_model
from PaddleCV.models.backbones.small_resnet import SmallResNet
from PaddleCV.models.classifiers.distilled_classifier import DistilledClassifier, Teacher
from PaddleCV.models.classifiers.image_classifier import ImageClassifier
from PaddleCV.models.heads.classifier_head import ClassifierHead
from PaddleCV.models.losses.classification_losses import CrossEntropy

LABELS = [str(digit) for digit in range(10)]
CONFIG = "configs/tiny/resnet.yml"
P, Q = paddle.to_tensor([[0.5, 0.5]]), paddle.to_tensor([[0.25, 0.75]])


def test_divergence_of_a_half_from_a_quarter():
    right = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    assert kullback_leibler(P, Q).item() == pytest.approx(right, abs=1e-6)


def test_jensen_shannon_is_the_same_both_ways_and_at_most_log_2():
    middle = (0.375, 0.625)
    half = sum(p * math.log(p / m) for p, m in zip((0.5, 0.5), middle))
    other = sum(q * math.log(q / m) for q, m in zip((0.25, 0.75), middle))
    assert jensen_shannon(P, Q).item() == pytest.approx((half + other) / 2, abs=1e-6)
    assert jensen_shannon(Q, P).item() == pytest.approx(jensen_shannon(P, Q).item(), abs=1e-7)
    far = JensenShannonLoss()(paddle.to_tensor([[100.0, 0.0]]), paddle.to_tensor([[0.0, 100.0]]))
    assert far.item() == pytest.approx(math.log(2), abs=1e-5)


def test_soft_labels_are_divided_by_the_temperature_and_the_loss_multiplied_by_its_square():
    # logits 4 log p at a temperature of 4 have the probabilities p
    loss = SoftLabelLoss(temperature=4.0)(4 * paddle.log(Q), 4 * paddle.log(P))
    assert loss.item() == pytest.approx(16 * kullback_leibler(P, Q).item(), rel=1e-4)
    with pytest.raises(ValueError, match="temperature 0"):
        SoftLabelLoss(0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The first weights of the tiny teacher, as a file."""
    from common.build.model import build_model
    from common.config import load_config

    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    model = build_model(load_config(CONFIG), LABELS)
    save_file({name: value.numpy() for name, value in model.state_dict().items()}, path)
    return str(path)


def parts():
    paddle.seed(0)
    body = SmallResNet(depth=8, width=0.5)
    return body, ClassifierHead(body.out_channels, 10), CrossEntropy()


def student(weights, **keys):
    return DistilledClassifier(*parts(), JensenShannonLoss(), Teacher(CONFIG, weights, LABELS), **keys)


def batch():
    rng = np.random.default_rng(1)
    return {"image": rng.normal(size=(3, 3, 32, 32)).astype("float32"), "label": np.array([1, 2, 3])}


@pytest.mark.parametrize("label_weight", [0.0, 0.5])
def test_a_student_keeps_the_contract(label_weight, weights, tmp_path):
    check_model(lambda: student(weights, label_weight=label_weight), batch(), tmp_path)


def test_what_is_saved_is_the_student_under_the_names_of_a_plain_classifier(weights):
    model = student(weights)
    names = list(model.state_dict())
    image = paddle.to_tensor(batch()["image"])
    losses = model.loss({"image": image})  # without a label
    assert set(losses) == {"loss_teacher"}
    assert list(model.state_dict()) == names == list(ImageClassifier(*parts()).state_dict())
    assert len(model.parameters()) == len(ImageClassifier(*parts()).parameters())


def test_a_teacher_does_not_learn_and_uses_up_no_random_number(weights):
    teacher = Teacher(CONFIG, weights, LABELS)
    paddle.seed(3)
    expected = paddle.rand([1]).item()
    paddle.seed(3)
    logits = teacher.logits(paddle.to_tensor(batch()["image"]))
    assert paddle.rand([1]).item() == expected
    assert logits.stop_gradient and not teacher.model.training and logits.shape == [3, 10]


def test_a_teacher_of_other_classes_or_without_weights_is_refused(weights, tmp_path):
    image = paddle.zeros([1, 3, 32, 32])
    with pytest.raises(ConfigError, match="does not match the model"):
        Teacher(CONFIG, weights, ["cat", "dog"]).logits(image)
    with pytest.raises(ConfigError, match=r"nowhere"):
        Teacher(CONFIG, str(tmp_path / "nowhere"), LABELS).logits(image)


def test_small_residual_networks_have_the_layers_of_their_depth_and_the_parameters_of_the_paper():
    network = SmallResNet(depth=20)
    weights_of = [p for name, p in network.named_parameters() if name.endswith("conv.weight")]
    assert len(weights_of) == 19 + 2  # and two shortcuts; the twentieth layer is the classifier
    # table 6 gives 0.27 M with shortcuts that pad with zeros
    assert 0.27e6 < sum(p.size for p in network.parameters()) < 0.275e6
    assert (network.out_channels, network.strides) == ([16, 32, 64], [1, 2, 4])
    with pytest.raises(ValueError, match="not 21"):
        SmallResNet(21)
