"""EfficientNet: the model contract, padding and drop-connect by hand, the official parameter counts of B0 to B7."""

import functools

import numpy as np
import paddle
import pytest

from PaddleCV.models.backbones.efficientnet import EfficientNet, drop_connect
from PaddleCV.models.blocks.conv_norm import ConvNorm
from PaddleCV.models.blocks.excitation import SwishExcitation
from PaddleCV.tests.backbone_checks import check_backbone, check_classifier, count_classifier

tiny = functools.partial(EfficientNet, "b0", scale=0.25, depth=0.5, drop_connect=0.0)
COUNTS = {  # of B0 published, of the others counted in the official definitions
    "b0": (5288548, 42016),
    "b1": (7794184, 62048),
    "b2": (9109994, 67568),
    "b3": (12233232, 87296),
    "b4": (19341616, 125200),
    "b5": (30389784, 172736),
    "b6": (43040704, 224432),
    "b7": (66347960, 310720),
}


def test_a_classifier_keeps_the_contract(tmp_path):
    check_classifier(tiny, tmp_path, out_indices=[5])


def test_it_is_a_backbone():
    check_backbone(tiny, [2, 4, 8, 16, 32, 32])


@pytest.mark.parametrize("model", COUNTS)
def test_with_its_classifier_it_has_the_official_parameters(model):
    assert count_classifier(lambda: EfficientNet(model, out_indices=[5])) == COUNTS[model]


def test_the_small_one_has_the_official_parameters():
    make = functools.partial(EfficientNet, "b0", out_indices=[5], excite=False, same=False)
    assert count_classifier(make) == (4652008, 42016)


def test_same_padding_sees_one_pixel_to_the_right_where_equal_padding_sees_one_to_the_left():
    image = paddle.to_tensor([[[[1.0, 2.0, 3.0, 4.0]] * 4]])
    for padding, expected in (("same", [1 + 2 + 3, 3 + 4]), (None, [1 + 2, 2 + 3 + 4])):
        layer = ConvNorm(1, 1, stride=2, activation="none", padding=padding)
        layer.conv.weight.set_value(paddle.to_tensor([[[[0.0] * 3, [1.0] * 3, [0.0] * 3]]]))
        layer.eval()
        np.testing.assert_allclose(layer(image)[0, 0, 0].numpy(), expected, rtol=1e-4)


def test_any_size_of_an_image_gives_features_rounded_up():
    features = tiny()(paddle.rand([1, 3, 75, 50]))
    assert [feature.shape[2:] for feature in features] == [[10, 7], [5, 4], [3, 2]]


def test_drop_connect_leaves_out_whole_samples_and_keeps_the_mean():
    paddle.seed(2)
    dropped = drop_connect(paddle.ones([4000, 2, 1, 1]), 0.2)[:, :, 0, 0].numpy()
    assert set(dropped.flatten().tolist()) == {0.0, 1.25}
    assert (dropped[:, 0] == dropped[:, 1]).all()
    assert abs(dropped.mean() - 1) < 0.03  # the standard error is 0.5 / sqrt(4000) = 0.008


def test_drop_connect_rises_from_0_in_proportion_to_the_place_of_a_block():
    blocks = [block for stage in EfficientNet(scale=0.25, drop_connect=0.16).stages for block in stage]
    np.testing.assert_allclose([block.rate for block in blocks], [0.01 * place for place in range(16)], atol=1e-12)


def test_in_evaluation_nothing_is_left_out():
    backbone = tiny(drop_connect=0.9)
    backbone.eval()
    image = paddle.rand([2, 3, 32, 32])
    assert (backbone(image)[-1] == backbone(image)[-1]).all()


def test_squeeze_and_excitation_of_zeros_halves():
    layer = SwishExcitation(8, 2)
    for parameter in layer.parameters():
        parameter.set_value(paddle.zeros_like(parameter))
    assert (layer(paddle.ones([1, 8, 2, 2])).numpy() == 0.5).all()


def test_its_normalization_is_that_of_its_authors():
    norm = tiny().stem.norm
    assert (norm._epsilon, norm._momentum) == (1e-3, 0.99)


def test_another_model_is_refused():
    with pytest.raises(ValueError, match=r"drop_connect 1\.5; it is 0 or more"):
        EfficientNet(drop_connect=1.5)
    with pytest.raises(ValueError, match="b0, b1, b2, b3, b4, b5, b6, b7, not 'b8'"):
        EfficientNet("b8")
