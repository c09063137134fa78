"""ATOM: the contract, the pooling of boxes against numeric integration, and the slopes of overlaps."""

import numpy as np
import paddle
import pytest

from common.data.transform import random_for
from common.inference.online_tracks import OnlineTrack
from common.inference.tracks import follow_frames, start_track
from common.testing import check_model
from common.vision.area_crops import AreaCrops, AreaPair, corner_overlap
from PaddleCV.metrics.tracking_scores import runner_of
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.trackers.atom import ATOM
from PaddleCV.models.trackers.iou_net import IoUNet, LinearNorm
from PaddleCV.models.trackers.precise_pooling import pool_boxes, pool_with_slopes


def small(size=64, best=4, length=0.2):
    """A tracker of crops of 64 pixels: 8x8 and 4x4 cells, a response of 5x5."""
    paddle.seed(0)
    backbone = ResNet(18, width=0.125, out_indices=(1, 2), freeze_stages=3, first_shortcut=False)
    return ATOM(backbone, IoUNet(backbone.out_channels, 0.0625), size, 4, boxes=4, steps=2, best=best, length=length)


def crops_for(model):
    channels, depth = model.inputs["projection"][0][1:]
    return AreaCrops(model.size, 4.0, channels, depth, 4, model.iou.out_channels, 4)


def batch_for(model):
    rng = np.random.default_rng(0)
    batch = {name: rng.normal(size=(2, *shape[1:])) for name, (shape, _) in model.inputs.items()}
    for name in ("image", "template", "search"):
        batch[name] = rng.uniform(0, 255, (2, 3, 64, 64))
    batch["size"], batch["jitter"] = np.array([[16, 20], [12, 9]]), batch["jitter"] * 0.1
    batch["template_box"] = np.array([[24, 22, 40, 42], [26, 27, 38, 37]])
    corner = rng.uniform(5, 25, (2, 8, 2))
    batch["proposals"] = np.concatenate([corner, corner + rng.uniform(6, 30, (2, 8, 2))], 2)
    batch["overlaps"] = rng.random((2, 8))
    return {name: value.astype(np.float32) for name, value in batch.items()}


def test_atom_keeps_the_contract(tmp_path):
    # a bias before a normalization has no gradient but rounding
    unused = ("iou.*.conv.bias", "iou.full*.linear.bias")
    model = check_model(small, batch_for(small()), tmp_path, unused=unused)
    assert all(p.stop_gradient for p in model.backbone.parameters())


def hat_mean(values, box, bins, fine=200):
    """The means of bins of a box by sums over a fine grid of the bilinear map, float64 [bins, bins]."""
    x1, y1, x2, y2 = box
    at = [low + (np.arange(bins * fine) + 0.5) * (high - low) / (bins * fine) for low, high in ((y1, y2), (x1, x2))]
    hats = [np.maximum(0, 1 - np.abs(a[:, None] - np.arange(n))) for a, n in zip(at, values.shape)]
    whole = hats[0] @ values @ hats[1].T
    return whole.reshape(bins, fine, bins, fine).mean((1, 3))


BOXES = [[1.3, 0.4, 5.2, 6.9], [-1.5, 2.0, 3.0, 3.7], [4.0, 1.0, 9.5, 5.0]]


def test_pooling_is_the_integral_of_the_bilinear_map():
    values = np.random.default_rng(1).normal(size=(7, 8))
    features, boxes = (paddle.to_tensor(np.float32(v)) for v in (values[None, None], [BOXES]))
    found = pool_boxes(features, boxes, 3).numpy()[0, :, 0]
    expected = [hat_mean(values, box, 3) for box in BOXES]
    np.testing.assert_allclose(found, expected, atol=2e-4)
    # a bin from -1/2 to 1/2 about the only cell of 1: the hat is 1/2 at both ends, its mean 3/4, in both directions
    one = paddle.zeros([1, 1, 3, 3])
    one[0, 0, 1, 1] = 1.0
    assert pool_boxes(one, paddle.to_tensor([[[0.5, 0.5, 1.5, 1.5]]]), 1).item() == pytest.approx(0.75**2)


def test_the_slopes_of_pooling_are_those_of_finite_differences():
    features = paddle.to_tensor(np.random.default_rng(2).normal(size=(1, 2, 7, 8)))
    features, boxes = features.astype("float32"), np.array([BOXES])
    found = pool_with_slopes(features, paddle.to_tensor(np.float32(boxes)), 3).numpy()[0]
    np.testing.assert_allclose(found[:, 0], pool_boxes(features, paddle.to_tensor(np.float32(boxes)), 3)[0], atol=1e-6)
    step = 3e-3
    for corner in range(4):
        moved = [boxes + step * sign * np.eye(4)[corner] for sign in (1, -1)]
        high, low = (pool_boxes(features, paddle.to_tensor(np.float32(box)), 3).numpy()[0] for box in moved)
        np.testing.assert_allclose(found[:, 1 + corner], (high - low) / (2 * step), atol=5e-3)


def test_the_slopes_of_overlaps_are_the_gradients():
    paddle.seed(1)
    iou = IoUNet([4, 6], 0.0625)
    iou.eval()
    rng = np.random.default_rng(3)
    features = [paddle.to_tensor(rng.normal(size=(2, c, s, s)).astype("float32")) for c, s in ((4, 8), (6, 4))]
    known = iou.know(features, paddle.to_tensor([[8.0, 9, 40, 41], [20, 10, 50, 30]]))
    boxes = paddle.to_tensor(batch_for(small())["proposals"])
    boxes.stop_gradient = False
    sought = iou.seek(features)
    expected = iou.overlaps(sought, known, boxes)
    (gradient,) = paddle.grad(expected.sum(), [boxes])
    value, slope = iou.climb(sought, known, boxes)
    np.testing.assert_allclose(value.numpy(), expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(slope.numpy(), gradient.numpy(), atol=1e-5 + 1e-3 * np.abs(gradient.numpy()).max())


def test_a_linear_layer_with_slopes_has_none_where_relu_is_off():
    layer = LinearNorm(2, 2)
    layer.eval()
    layer.norm._epsilon = 0.0
    layer.linear.weight.set_value(paddle.to_tensor([[1.0, -1.0], [2.0, 0.0]]))
    x = paddle.to_tensor([[[[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]]])
    value, slope = layer.with_slopes(x)
    assert value.numpy().tolist() == [[[3.0, 0.0]]] == layer(x[:, :, 0]).numpy().tolist()
    assert slope.numpy().tolist() == [[[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [0.0, 0.0]]]]


def test_the_response_is_that_of_the_filter_of_numpy():
    from common.inference.online_filter import respond

    model, batch = small(), batch_for(small())
    model.eval()
    outputs = model(*(paddle.to_tensor(batch[name]) for name in model.inputs))
    features, response = outputs[3].numpy(), outputs[2].numpy()
    for n in range(2):
        maps = np.tensordot(batch["projection"][n], features[n], 1)[:, None]
        np.testing.assert_allclose(response[n], respond(maps, batch["filter"][n])[0], rtol=1e-3, atol=1e-4)


def test_boxes_of_extreme_shape_are_not_chosen():
    model = small(best=2)
    model.eval()
    model.steps = 0
    model.iou.overlaps = lambda sought, known, boxes: paddle.to_tensor([[0.9, 0.5, 0.4, 0.1]])
    tried = paddle.to_tensor([[[0.0, 0, 70, 10], [2, 0, 10, 10], [4, 2, 20, 10], [0, 0, 5, 5]]])
    np.testing.assert_allclose(model.improve(None, None, tried).numpy(), [[3, 1, 15, 10]])  # the mean of the next two


def test_a_step_goes_up_the_slope_in_sizes_of_the_box():
    model = small(length=1.0)
    model.steps, model.best = 1, 1
    model.iou.climb = lambda sought, known, boxes: (None, paddle.to_tensor([[[0.1, 0.0, 0.3, 0.2]]]))
    model.iou.overlaps = lambda sought, known, boxes: paddle.zeros([1, 1])
    # x by 0.1 + 0.3, y by 0.2, width by (0.3 - 0.1) / 2, height by 0.2 / 2, in sizes 20 and 10
    found = model.improve(None, None, paddle.to_tensor([[[1.0, 2.0, 20.0, 10.0]]])).numpy()
    np.testing.assert_allclose(found, [[1 + 8, 2 + 2, 22, 11]], rtol=1e-5)


def test_proposals_overlap_as_they_say():
    frame = np.zeros((100, 140, 3), np.uint8)
    frame[40:60, 60:80] = 255
    pair = AreaPair(64, 5.0, gray=0, brightness=0, proposals=8)
    for seed in range(4):
        sample = {"path": "a", "frames": [frame, frame], "boxes": np.array([[60, 40, 20, 20.0]] * 2)}
        found = pair(sample, random_for(seed))
        rows, columns = np.nonzero(found["search"][0] > 127)
        truth = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        for box, overlap in zip(found["proposals"], found["overlaps"], strict=True):
            assert overlap >= 0.1 and corner_overlap(box.astype(float), truth) == pytest.approx(overlap, abs=0.25)
        x1, y1, x2, y2 = found["template_box"]
        assert (x1 + x2) / 2 == pytest.approx(32) and x2 - x1 == y2 - y1 == pytest.approx(64 / 5)


def test_the_overlap_of_corners_by_hand():
    assert corner_overlap(np.array([0, 0, 4, 4.0]), np.array([2, 0, 6, 4.0])) == pytest.approx(8 / 24)
    assert corner_overlap(np.array([0, 0, 4, 4.0]), np.array([5, 0, 6, 4.0])) == 0


def moving_square(count=6):
    """Frames in which a textured square moves over gray noise, and its boxes."""
    rng = np.random.default_rng(4)
    ground, thing = rng.integers(90, 130, (90, 120, 3), np.uint8), rng.integers(0, 255, (16, 16, 3), np.uint8)
    frames, boxes = [], []
    for number in range(count):
        frame, x, y = ground.copy(), 30 + 3 * number, 40 - number
        frame[y : y + 16, x : x + 16] = thing
        frames.append(frame)
        boxes.append([x, y, 16, 16])
    return frames, np.array(boxes, float)


def test_the_filter_follows_an_object_that_it_has_learned():
    model = small(128)
    model.eval()
    model.steps = 0  # the network of overlaps is not trained
    frames, boxes = moving_square()
    crops = crops_for(model)
    crops.beginning["jitter"][:] = 0
    found, scores = follow_frames(runner_of(model), crops, frames, boxes[0])
    apart = np.hypot(*(found[:, :2] + found[:, 2:] / 2 - boxes[:, :2] - boxes[:, 2:] / 2).T)
    assert apart.max() < 8 and scores[1:].min() > 0.1  # cells are of 8 pixels of the frame
    np.testing.assert_allclose(found[:, 2:], 16, rtol=1e-4)


def test_the_state_of_a_track_is_learned_in_the_first_frame_and_kept():
    model = small()
    model.eval()
    frames, boxes = moving_square(12)
    track = start_track(runner_of(model), crops_for(model), frames[0], boxes[0])
    assert isinstance(track, OnlineTrack) and len(track.filter.maps) == 30
    known, before = track.inputs["known3"].copy(), track.inputs["filter"].copy()
    for frame in frames[1:]:
        track.follow(frame)
    np.testing.assert_array_equal(track.inputs["known3"], known)
    assert len(track.filter.maps) == 41 and not np.array_equal(track.inputs["filter"], before)
    assert track.filter.weights.sum() == pytest.approx(1)
