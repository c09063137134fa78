"""Features and targets of regions of interest."""

import numpy as np
import paddle
import pytest

from PaddleCV.models.rois.roi_align import RoIAlign, level_of
from PaddleCV.models.rois.rows import image_of_rows, with_row, with_row_of_last
from PaddleCV.models.rois.targets import RoiSampler

from .golden_numbers import golden


def test_roi_align_equals_that_of_1_8_and_so_does_its_gradient():
    numbers = golden("roi_align")
    x = paddle.to_tensor(numbers["x"])
    x.stop_gradient = False
    align = RoIAlign([2], [8], size=3, samples=2)
    out = align([x], paddle.to_tensor(numbers["r"]), paddle.to_tensor([3], dtype="int32"))
    out.sum().backward()
    np.testing.assert_allclose(out.numpy(), numbers["o"], atol=1e-5)
    np.testing.assert_allclose(x.grad.numpy(), numbers["grad_x"], atol=1e-5)


def test_a_box_of_224_pixels_comes_from_stride_16_and_one_of_half_its_side_from_stride_8():
    boxes = paddle.to_tensor([[0.0, 0.0, 224.0, 224.0], [10.0, 10.0, 122.0, 122.0], [0.0, 0.0, 448.0, 112.0]])
    assert level_of(boxes, 224.0, 4).tolist() == [4, 3, 4]


def test_a_row_more_belongs_to_the_last_image():
    assert with_row(paddle.ones([0, 2])).tolist() == [[0, 0]]
    assert with_row_of_last(paddle.to_tensor([2, 0], dtype="int32")).tolist() == [2, 1]


def test_rows_belong_to_the_image_that_their_counts_say():
    counts = paddle.to_tensor([2, 0, 1], dtype="int32")
    assert image_of_rows(paddle.zeros([3, 4]), counts).tolist() == [0, 0, 2]


@pytest.mark.parametrize("sides", [(20, 120, 300, 30), (20, 22, 30, 31), ()], ids=["levels", "one", "no"])
def test_rows_of_several_levels_keep_their_order(sides):
    rng = np.random.default_rng(0)
    features = [paddle.to_tensor(rng.normal(size=(2, 3, 512 // s, 512 // s)).astype("f4")) for s in (4, 8, 16, 32)]
    rois = paddle.to_tensor([[5.0, 7.0, 5.0 + s, 7.0 + s] for s in sides], dtype="float32").reshape([-1, 4])
    counts = paddle.to_tensor([len(sides) // 2, len(sides) - len(sides) // 2], dtype="int32")
    align = RoIAlign([3] * 5, [4, 8, 16, 32, 64], size=2)
    out = align(features, rois, counts)
    assert out.shape == [len(sides), 3, 2, 2]
    for row, side in enumerate(sides):
        level = min(max(int(np.floor(4 + np.log2(side / 224))) - 2, 0), 3)
        only = RoIAlign([3], [4 * 2**level], size=2)
        image = 0 if row < counts[0].item() else 1
        right = only([features[level][image : image + 1]], rois[row : row + 1], paddle.to_tensor([1], dtype="int32"))
        np.testing.assert_allclose(out[row].numpy(), right[0].numpy(), atol=1e-5)


def test_rois_are_trained_on_the_object_they_overlap_and_objects_are_rois_too():
    rois = paddle.to_tensor([[0.0, 0.0, 10.0, 9.0], [50.0, 50.0, 60.0, 60.0], [0.0, 0.0, 5.0, 5.0]])
    objects = [
        (paddle.to_tensor([[0.0, 0.0, 10.0, 10.0]]), paddle.to_tensor([6])),
        (paddle.zeros([0, 4]), paddle.zeros([0], dtype="int64")),
    ]
    sampled = RoiSampler(random=False)(rois, paddle.to_tensor([2, 1], dtype="int32"), objects)
    assert sampled.counts.tolist() == [3, 1] and sampled.labels.tolist() == [7, 7, 0, 0]
    assert sampled.objects.tolist() == [0, 0, -1, -1]
    assert sampled.rois.tolist() == [[0, 0, 10, 9], [0, 0, 10, 10], [50, 50, 60, 60], [0, 0, 5, 5]]
    assert sampled.boxes[:3].tolist() == [[0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60]]


def test_a_quarter_of_the_rois_at_most_is_positive():
    boxes = paddle.to_tensor([[0.0, 0.0, 10.0, 10.0]])
    rois = paddle.concat([boxes] * 8 + [boxes + 50] * 8)
    sampled = RoiSampler(count=8)(rois, paddle.to_tensor([16], dtype="int32"), [(boxes, paddle.to_tensor([0]))])
    assert sampled.labels.tolist() == [1, 1, 0, 0, 0, 0, 0, 0]


def test_levels_of_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"equal channels, not \[3, 4\]"):
        RoIAlign([3, 4], [4, 8])
