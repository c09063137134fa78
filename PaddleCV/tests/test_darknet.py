"""DarkNet-53 as a classifier."""

import functools

from PaddleCV.models.backbones.darknet import DarkNet
from PaddleCV.tests.backbone_checks import check_backbone, check_classifier, count_classifier

tiny = functools.partial(DarkNet, depths=[1, 1, 1, 1, 1], width=0.25)


def test_a_classifier_keeps_the_contract(tmp_path):
    check_classifier(tiny, tmp_path, out_indices=[4])


def test_it_is_a_backbone():
    check_backbone(tiny, [2, 4, 8, 16, 32])


def test_with_its_classifier_it_has_the_published_parameters():
    assert count_classifier(lambda: DarkNet(out_indices=[4])) == (41609928, 35712)
