"""HRNet: features of every branch, the exchange between branches, freezing, the published number of parameters."""

import paddle
import pytest

from common.testing import check_model, count_parameters
from PaddleCV.models.backbones.hrnet import Exchange, HRNet, path
from PaddleCV.models.heads.fcn_head import FCNHead
from PaddleCV.tests.backbone_checks import check_features, check_freezing
from PaddleCV.tests.tiny_segmentors import CLASSES, masks, segmentor


def tiny(**keys):
    return HRNet(4, width=0.125, modules=(1, 1, 1), blocks=1, **keys)


def test_a_segmentor_of_all_branches_keeps_the_contract(tmp_path):
    def make():
        backbone = tiny()
        return segmentor(
            backbone, FCNHead(backbone.out_channels, CLASSES, join=True, channels=0, kernel_size=1, dropout=0.0)
        )

    check_model(make, masks(64), tmp_path)


def test_features_have_the_strides_4_to_32_and_frozen_stages_do_not_learn():
    check_features(tiny(), [4, 8, 16, 32])
    check_features(tiny(out_indices=[1], in_channels=1), [8], channels=1)
    check_freezing(tiny(freeze_stages=2))
    with pytest.raises(ValueError, match="three numbers"):
        HRNet(modules=(1, 4))


def test_with_18_channels_it_has_the_parameters_of_the_published_classifier_without_its_head():
    with paddle.LazyGuard():
        counts = count_parameters(HRNet(18))
    widths = zip((18, 36, 72, 144), (32, 64, 128, 256))
    head = sum(c * p + 9 * p * p + 4 * p * p + 4 * c * p + 20 * p for c, p in widths)  # a bottleneck of each branch
    head += sum(9 * a * b + 2 * b for a, b in ((128, 256), (256, 512), (512, 1024)))
    head += 1024 * 2048 + 2 * 2048 + 2048 * 1000 + 1000
    assert counts[0] == 21295164 - head


def test_a_branch_is_the_sum_of_what_all_branches_send():
    exchange = Exchange([4, 8], 1, "bn", True)
    exchange.eval()
    given = [paddle.rand([1, 4, 8, 8]), paddle.rand([1, 8, 4, 4])]
    fine, coarse = exchange(given)
    first, second = (branch(x) for branch, x in zip(exchange.branches, given))
    assert paddle.allclose(coarse, paddle.nn.functional.relu(second + exchange.paths[1][0](first)), atol=1e-5)
    assert fine.shape == given[0].shape and len(path([4, 8, 16], 0, 2, "bn")) == 2
