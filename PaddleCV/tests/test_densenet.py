"""DenseNet: the model contract, the growth of its channels, and the official parameter counts."""

import functools

import paddle
import pytest

from PaddleCV.models.backbones.densenet import DenseLayer, DenseNet
from PaddleCV.tests.backbone_checks import check_backbone, check_classifier, count_classifier

tiny = functools.partial(DenseNet, 121, width=0.25, depths=[1, 2, 1, 2])
COUNTS = {  # of 161 published, of the others counted in the official definitions
    121: (7978856, 83648),
    161: (28681000, 219936),
    169: (14149480, 158400),
    201: (20013928, 229056),
    264: (33337704, 398528),
}


def test_a_classifier_keeps_the_contract(tmp_path):
    check_classifier(tiny, tmp_path, out_indices=[3])


def test_it_is_a_backbone():
    check_backbone(tiny, [4, 8, 16, 32])


@pytest.mark.parametrize("depth", COUNTS)
def test_with_its_classifier_it_has_the_official_parameters(depth):
    assert count_classifier(lambda: DenseNet(depth, out_indices=[3])) == COUNTS[depth]


def test_channels_grow_by_32_a_layer_and_halve_between_blocks():
    with paddle.LazyGuard():
        channels = DenseNet(121, out_indices=[0, 1, 2, 3]).out_channels
    first, second = 64 + 6 * 32, (64 + 6 * 32) // 2 + 12 * 32
    assert channels == [first, second, second // 2 + 24 * 32, 1024]


def test_what_comes_into_a_layer_goes_out_before_what_it_adds():
    x = paddle.rand([1, 8, 4, 4])
    y = DenseLayer(8, 4, "bn")(x)
    assert y.shape == [1, 12, 4, 4] and (y[:, :8] == x).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DenseNet(100), "121, 161, 169, 201, 264, not 100"),
        (lambda: DenseNet(depths=[1, 1]), "4 dense blocks, depths names 2"),
    ],
)
def test_what_cannot_be_built_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
