"""The video classifiers: published sizes, the contract, and what their temporal parts compute, worked out by hand."""

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from common.testing import check_model
from PaddleCV.models.heads.classifier_head import ClassifierHead
from PaddleCV.models.losses.classification_losses import CrossEntropy
from PaddleCV.models.video_backbones.non_local_net import NonLocalBlock, NonLocalNet
from PaddleCV.models.video_backbones.stnet import StNet, TemporalBlock
from PaddleCV.models.video_backbones.tsm import TSM, shift_frames
from PaddleCV.models.video_backbones.tsn import TSN
from PaddleCV.models.video_classifiers.video_classifier import VideoClassifier

WIDTH = {"depth": 14, "width": 0.0625}
BACKBONES = {
    "tsn": lambda: TSN(**WIDTH),
    "tsm": lambda: TSM(4, **WIDTH),
    "stnet": lambda: StNet(2, **WIDTH, features=8),
    "non_local": lambda: NonLocalNet(4, **WIDTH, every=1),
}


def classifier(name):
    paddle.seed(0)
    backbone = BACKBONES[name]()
    return VideoClassifier(backbone, ClassifierHead(backbone.out_channels, 3), CrossEntropy())


def clips(count=2, frames=4, size=32):
    rng = np.random.default_rng(0)
    return {"clip": rng.normal(size=(count, frames, 3, size, size)).astype("float32"), "label": np.arange(count)}


@pytest.mark.parametrize("name", BACKBONES)
def test_a_video_classifier_keeps_the_contract(name, tmp_path):
    # the scale of a non-local block's last normalization begins at 0: nothing reaches what is before it in one step
    unused = [f"backbone.attention.*.{part}.*" for part in ("query", "key", "value", "out")]
    check_model(lambda: classifier(name), clips(), tmp_path, unused if name == "non_local" else ())


def test_an_eighth_of_the_channels_comes_from_the_frame_before_and_an_eighth_from_the_one_after():
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 1, 2)).astype("float32")  # 2 clips of 3 frames
    found = shift_frames(paddle.to_tensor(x.reshape(6, 8, 1, 2)), 3, 0.125).numpy().reshape(x.shape)
    np.testing.assert_array_equal(found[:, 1:, 0], x[:, :-1, 0])
    np.testing.assert_array_equal(found[:, :-1, 1], x[:, 1:, 1])
    np.testing.assert_array_equal(found[:, :, 2:], x[:, :, 2:])
    assert not found[:, 0, 0].any() and not found[:, -1, 1].any()


def test_scores_of_several_views_are_averaged():
    model, given = classifier("tsm"), clips(1, 8)["clip"]
    model.eval()
    both = model(paddle.to_tensor(given)).numpy()
    each = [model(paddle.to_tensor(given[:, part : part + 4])).numpy() for part in (0, 4)]
    np.testing.assert_allclose(both, np.mean(each, 0), rtol=1e-5)
    assert np.abs(each[0] - each[1]).max() > 1e-4


def test_tsm_sees_the_order_of_frames_and_tsn_does_not():
    given = paddle.to_tensor(clips(1)["clip"])
    for name, differs in (("tsn", False), ("tsm", True)):
        model = classifier(name)
        model.eval()
        gap = float((model(given) - model(given.flip(1))).abs().max())
        assert (gap > 1e-4) == differs, name


def test_a_non_local_block_is_the_formula():
    paddle.seed(0)
    block, frames = NonLocalBlock(4), 2
    block.norm.weight.set_value(paddle.ones([4]))
    block.eval()
    x = paddle.randn([4, 4, 2, 4])  # 2 clips of 2 frames
    found = block(x, frames)
    pooled = F.max_pool2d(x, 2)
    for clip in range(2):
        rows = slice(2 * clip, 2 * clip + 2)
        query = block.query(x[rows]).transpose([0, 2, 3, 1]).reshape([-1, 2])
        key, value = (conv(pooled[rows]).transpose([0, 2, 3, 1]).reshape([-1, 2]) for conv in (block.key, block.value))
        mean = F.softmax(query @ key.t() / 2**0.5) @ value  # of 16 places over 4
        more = block.norm(block.out(mean.reshape([2, 2, 4, 2]).transpose([0, 3, 1, 2])))
        np.testing.assert_allclose(found[rows].numpy(), (x[rows] + more).numpy(), atol=1e-6)
    assert (NonLocalBlock(4)(x, frames) == x).all(), "it begins as the identity"


def test_a_temporal_block_adds_what_the_three_nearest_segments_say():
    block = TemporalBlock(1)
    block.conv.weight.set_value(paddle.to_tensor(np.reshape([1.0, 2.0, 4.0], (1, 1, 3, 1)).astype("float32")))
    block.eval()  # the normalization of new statistics divides by sqrt(1 + 1e-5)
    x = paddle.to_tensor(np.reshape([1.0, 10.0, 100.0], (3, 1, 1, 1)).astype("float32"))
    # 1 + 2*1 + 4*10, 10 + 1*1 + 2*10 + 4*100, 100 + 1*10 + 2*100
    np.testing.assert_allclose(block(x, 1).flatten().numpy(), [43, 431, 310], rtol=1e-4)
