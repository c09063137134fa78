"""Siamese trackers: the contract, correlations, labels and anchors by hand, and what a response means."""

import numpy as np
import paddle
import pytest

from common.testing import check_model, count_parameters
from PaddleCV.models.trackers.siam_fc import SiamFC, cell_labels
from PaddleCV.models.trackers.siam_rpn import (
    IGNORED,
    SiamRPN,
    anchor_grid,
    anchor_shapes,
    center_overlaps,
    decode_centers,
    encode_centers,
)
from PaddleCV.models.trackers.siamese_alexnet import SiameseAlexNet, correlate, correlate_fully


def small(kind):
    """A tracker of few cells: templates of 51 pixels have 5, regions of 67 have 9."""
    paddle.seed(0)
    if kind is SiamFC:
        return SiamFC(SiameseAlexNet(0.0625, groups=1, small=True), 51, 67, radius=4.0, gain=0.01, scale_step=1.06)
    backbone = SiameseAlexNet(0.0625, groups=1, small=True, last_norm=True)
    return SiamRPN(backbone, 51, 67, hidden=4, positive=0.2, samples=16, ratios=(0.5, 1.0))


def batch_for(model):
    rng = np.random.default_rng(0)
    crops = {name: rng.uniform(0, 255, (2, 3, side, side)).astype("float32")
             for name, side in (("template", model.exemplar), ("search", model.instance))}  # fmt: skip
    target = np.array([[2, -3, 30, 28], [-4, 1, 24, 40]], np.float32)
    return crops | {"size": target[:, 2:] * np.float32(0.9), "target": target, "same": np.array([1, 1])}


def test_a_program_correlates_as_the_model_in_memory():
    rng = np.random.default_rng(2)
    given = [rng.normal(size=shape).astype("float32") for shape in ((2, 3, 6, 5), (2, 3, 3, 2))]
    paddle.enable_static()
    try:
        with paddle.static.program_guard(paddle.static.Program()):
            inputs = [paddle.static.data(n, [-1, *a.shape[1:]], "float32") for n, a in zip("xy", given)]
            found = correlate(*inputs)
            (found,) = paddle.static.Executor().run(feed=dict(zip("xy", given)), fetch_list=[found])
    finally:
        paddle.disable_static()
    np.testing.assert_allclose(found, correlate(*map(paddle.to_tensor, given)).numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", [SiamFC, SiamRPN])
def test_trackers_keep_the_contract(kind, tmp_path):
    # a bias before a normalization has no gradient but rounding
    check_model(lambda: small(kind), batch_for(small(kind)), tmp_path, unused=("backbone.layers.*.bias",))


def test_the_correlation_in_memory_and_in_a_program_are_sums_of_products():
    rng = np.random.default_rng(1)
    search, template = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(2, 3, 3, 2))
    expected = np.zeros((2, 3, 4, 4))
    for y in range(4):
        for x in range(4):
            expected[:, :, y, x] = (search[:, :, y : y + 3, x : x + 2] * template).sum((2, 3))
    search, template = (paddle.to_tensor(value.astype("float32")) for value in (search, template))
    np.testing.assert_allclose(correlate(search, template).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(correlate_fully(search, template).numpy(), expected.sum(1, keepdims=True), atol=1e-5)


def test_backbones_have_the_cells_of_the_papers():
    large, little = SiameseAlexNet(0.03125, groups=1), SiameseAlexNet(0.0625, groups=1, small=True)
    assert [large.cells(side) for side in (127, 255)] == [6, 22] and large.stride == 8
    assert [little.cells(side) for side in (63, 127)] == [8, 24] and little.stride == 4
    assert large(paddle.zeros([1, 3, 127, 127])).shape[2:] == [6, 6]
    assert count_parameters(SiameseAlexNet(groups=1, last_norm=True))[0] == 3749952


def test_cells_near_the_object_are_positive():
    found = cell_labels(paddle.to_tensor([[4.0, 0.0, 9, 9], [100.0, 0.0, 9, 9]]), 3, 4, 4.0).numpy()
    assert found[0].tolist() == [[0, 0, 1], [0, 1, 1], [0, 0, 1]]  # cells at -4, 0 and 4; the object at x 4, y 0
    assert not found[1].any()


def test_anchors_are_those_of_the_original_and_boxes_come_back():
    shapes = anchor_shapes((0.33, 0.5, 1, 2, 3), 8, 8)
    assert shapes.tolist() == [[104, 32], [88, 40], [64, 64], [40, 80], [32, 96]]
    anchors = anchor_grid(shapes, 17, 8)
    assert anchors.shape == (5 * 17 * 17, 4) and anchors[0].tolist() == [-64, -64, 104, 32]
    assert anchors[1, :2].tolist() == [-56, -64] and anchors[2 * 289 + 144].tolist() == [0, 0, 64, 64]
    box = np.array([3.0, -5.0, 50.0, 70.0])
    deltas = encode_centers(anchors, box).astype("float32")
    back = decode_centers(paddle.to_tensor(deltas[None]), paddle.to_tensor(anchors)).numpy()[0]
    np.testing.assert_allclose(back, np.tile(box, (len(anchors), 1)), rtol=1e-4, atol=1e-3)
    overlap = center_overlaps(np.array([[0, 0, 4, 4], [2, 0, 4, 4], [9, 9, 1, 1.0]]), np.array([0, 0, 4, 4.0]))
    np.testing.assert_allclose(overlap, [1, 8 / 24, 0])


def test_another_object_has_no_positive_anchor():
    model = small(SiamRPN)
    labels, _ = model.targets(batch_for(model) | {"same": np.array([1, 0])})
    assert (labels[0] == 1).any() and (labels[0] == IGNORED).any()
    assert not (labels[1] == 1).any() and (labels[1] == 0).sum() == model.samples // 4


def test_the_maximum_of_a_response_is_the_shift_and_sizes_change_by_their_rates():
    model = small(SiamRPN)
    model.eval()
    place = int(np.flatnonzero((model.anchors.numpy() == [4, -4, *model.shapes[1]]).all(1))[0])
    logits = np.zeros((1, len(model.anchors), 2), np.float32)
    logits[0, :, 0], logits[0, place] = 9, [-9, 9]
    size = paddle.to_tensor([[32.0, 32.0]])
    box, score, best = model.choose(paddle.to_tensor(logits), paddle.zeros([1, len(model.anchors), 4]), size)
    assert best.item() == place and score.item() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(box.numpy(), [[4, -4, 32, 32]], atol=1e-3)  # the anchor of the same size and shape
    box, _, _ = model.choose(paddle.to_tensor(logits), paddle.zeros([1, len(model.anchors), 4]), size * 2)
    penalty = np.exp((1 - 2) * model.penalty)  # twice the size, the same shape
    expected = 64 + (32 - 64) * penalty * model.rate
    np.testing.assert_allclose(box.numpy()[0, 2:], [expected] * 2, rtol=1e-3)
