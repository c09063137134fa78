"""Checks that every backbone must pass, for the tests of each family.

`make(**keys)` builds a tiny backbone.
"""

import numpy as np
import paddle

from common.testing import check_model, count_parameters
from PaddleCV.models.classifiers.image_classifier import ImageClassifier
from PaddleCV.models.heads.classifier_head import ClassifierHead
from PaddleCV.models.losses.classification_losses import CrossEntropy


def check_backbone(make, strides):
    """Shapes, choice of stages, freezing and channels of the image of a backbone whose stages have these strides."""
    every = list(range(len(strides)))
    backbone = make(out_indices=every)
    check_features(backbone, strides)
    for index in every:
        one = make(out_indices=[index])
        assert one.out_channels == [backbone.out_channels[index]] and one.strides == [strides[index]]
    assert count_parameters(make(out_indices=[1]))[0] < count_parameters(make(out_indices=every[-1:]))[0]
    assert make().strides == [8, 16, 32], "detection takes the strides 8, 16 and 32 by default"
    check_features(make(in_channels=1), [8, 16, 32], channels=1)
    check_freezing(make(out_indices=every, freeze_stages=2))
    frozen = make(norm="frozen_bn")
    moving = {name.split(".")[-2] for name, p in frozen.named_parameters() if not p.stop_gradient}
    assert moving and "norm" not in moving


def check_features(backbone, strides, channels=3):
    """Each feature has the channels and the stride that its backbone publishes."""
    backbone.eval()
    features = backbone(paddle.rand([1, channels, 64, 96]))
    assert backbone.strides == list(strides)
    assert [feature.shape for feature in features] == [
        [1, width, 64 // stride, 96 // stride] for width, stride in zip(backbone.out_channels, strides, strict=True)
    ]


def check_freezing(backbone):
    """The stem and two stages that are frozen neither learn nor gather statistics; what comes after does."""
    frozen = [*backbone.stem.parameters(), *backbone.stages[0].parameters(), *backbone.stages[1].parameters()]
    before = [parameter.numpy() for parameter in frozen]
    backbone.train()
    sum(feature.mean() for feature in backbone(paddle.rand([2, 3, 64, 64]))).backward()
    assert frozen and all(parameter.stop_gradient for parameter in frozen)
    assert all((parameter.numpy() == value).all() for parameter, value in zip(frozen, before))
    assert any(parameter.grad is not None for parameter in backbone.stages[2].parameters())


def check_output_stride(make):
    """Dilation keeps the resolution and the parameters."""
    plain = make()
    for output_stride, strides in ((16, [8, 16, 16]), (8, [8, 8, 8])):
        dilated = make(output_stride=output_stride)
        check_features(dilated, strides)
        names = {name: value.shape for name, value in plain.state_dict().items()}
        assert {name: value.shape for name, value in dilated.state_dict().items()} == names
        dilated.train()
        assert all(np.isfinite(feature.numpy()).all() for feature in dilated(paddle.rand([2, 3, 64, 64])))


def check_dilation_of_the_same_weights(make, output_stride=16):
    """Of shared weights, the dilated network gives at every second place what the strided one gives there."""
    plain, dilated = make(), make(output_stride=output_stride)
    dilated.set_state_dict(plain.state_dict())
    plain.eval(), dilated.eval()
    image = paddle.rand([1, 3, 128, 128])
    strided, dense = plain(image)[-1].numpy(), dilated(image)[-1].numpy()
    np.testing.assert_allclose(dense[:, :, ::2, ::2], strided, atol=1e-4 * np.abs(strided).max())


def check_classifier(make, folder, head=ClassifierHead, unused=(), **keys):
    """The contract of models, for a classifier of five classes on the last stage of a backbone."""

    def classifier():
        backbone = make(**keys)
        return ImageClassifier(backbone, head(backbone.out_channels, 5), CrossEntropy(0.1))

    rng = np.random.default_rng(1)
    batch = {"image": rng.normal(size=(4, 3, 64, 64)).astype("float32"), "label": rng.integers(0, 5, 4)}
    paddle.seed(0)
    return check_model(classifier, batch, folder, unused=unused)


def count_classifier(make, head=ClassifierHead):
    """(trained, other) parameters of a classifier of 1000 classes, without making their values."""
    with paddle.LazyGuard():
        backbone = make()
        parts = backbone, head(backbone.out_channels, 1000)
        counts = [count_parameters(part) for part in parts]
    return sum(count[0] for count in counts), sum(count[1] for count in counts)
