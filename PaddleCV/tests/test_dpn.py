"""DPN: the model contract, the two paths by hand, and the official parameter counts."""

import functools

import paddle
import pytest

from PaddleCV.models.backbones.dpn import DPN, DualPath, join_paths, split
from PaddleCV.tests.backbone_checks import check_backbone, check_classifier, count_classifier

tiny = functools.partial(DPN, 68, width=0.25, depths=[1, 2, 1, 1])
COUNTS = {  # of 107 published, of the others counted in the official definitions
    68: (12611602, 65116),
    92: (37668392, 125216),
    98: (61570728, 164896),
    107: (86917800, 213824),
    131: (79254504, 223360),
}


def test_a_classifier_keeps_the_contract(tmp_path):
    check_classifier(tiny, tmp_path, out_indices=[3])


def test_it_is_a_backbone():
    check_backbone(tiny, [4, 8, 16, 32])


@pytest.mark.parametrize("depth", COUNTS)
def test_with_its_classifier_it_has_the_official_parameters(depth):
    assert count_classifier(lambda: DPN(depth, out_indices=[3])) == COUNTS[depth]


def test_a_block_adds_its_first_channels_to_one_path_and_puts_the_others_behind_the_other():
    block = DualPath(in_channels=6, width=4, inner=4, growth=1, groups=2, stride=0, norm="bn")
    block.eval()
    paths = paddle.ones([1, 4, 2, 2]), paddle.full([1, 2, 2, 2], 5.0)
    change = block.layers(join_paths(paths))
    residual, dense = block(paths)
    assert (residual == 1 + change[:, :4]).all()
    assert dense.shape[1] == 3 and (dense[:, :2] == 5).all() and (dense[:, 2:] == change[:, 4:]).all()


def test_the_first_block_of_a_stage_projects_to_both_paths():
    block = DualPath(in_channels=6, width=4, inner=4, growth=1, groups=2, stride=2, norm="bn")
    residual, dense = block(paddle.rand([1, 6, 4, 4]))
    assert (residual.shape, dense.shape) == ([1, 4, 2, 2], [1, 3, 2, 2])
    assert block.out_channels == 7


def test_splitting_undoes_joining():
    paths = paddle.rand([1, 3, 2, 2]), paddle.rand([1, 2, 2, 2])
    for path, again in zip(paths, split(join_paths(paths), 3)):
        assert (path == again).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [(lambda: DPN(50), "68, 92, 98, 107, 131, not 50"), (lambda: DPN(68, depths=[1, 1]), "4 stages, depths names 2")],
)
def test_what_cannot_be_built_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
