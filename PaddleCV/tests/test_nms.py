"""NMS: the operator of PaddlePaddle 1.8, a plain loop on random cases, empty results."""

import numpy as np
import paddle
import pytest

from PaddleCV.models.heads.nms import MatrixNMS, MulticlassNMS

from .golden_numbers import golden


def overlap(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    common = width * height
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def plain_nms(boxes, scores, score, iou, keep, top_k):
    """The same of one image, as a loop: boxes [P, 4], scores [C, P]; rows (label, score, x1, y1, x2, y2)."""
    rows = []
    for label, of_class in enumerate(scores):
        order = [i for i in np.argsort(-of_class, kind="stable") if of_class[i] > score][:top_k]
        while order:
            best = order.pop(0)
            rows.append([label, of_class[best], *boxes[best]])
            order = [i for i in order if overlap(boxes[best], boxes[i]) <= iou]
    return sorted(rows, key=lambda row: -row[1])[:keep]


def random_case(rng, images=2, number=40, classes=3):
    corner = rng.uniform(0, 60, (images, number, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 40, (images, number, 2))], axis=2)
    return boxes.astype("float32"), rng.random((images, classes, number)).astype("float32")


def by_score(rows):
    return np.array(sorted(np.asarray(rows).tolist(), key=lambda row: (-row[1], row[0])), "float32")


@pytest.mark.parametrize("seed", range(6))
def test_multiclass_nms_equals_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    boxes, scores = random_case(rng)
    settings = {"score": 0.2, "iou": float(rng.uniform(0.1, 0.7)), "keep": int(rng.integers(5, 60)), "top_k": 30}
    rows, counts = MulticlassNMS(**settings)(paddle.to_tensor(boxes), paddle.to_tensor(scores))
    start = 0
    for image, count in enumerate(counts.tolist()):
        right = plain_nms(boxes[image], scores[image], **settings)
        np.testing.assert_allclose(by_score(rows.numpy()[start : start + count]), by_score(right), rtol=1e-6)
        start += count
    assert start == len(rows)


def test_rows_equal_multiclass_nms_of_1_8_but_for_its_background_class():
    # the operator left out class 0 as background; here every class counts, so class 0 is taken out of the scores
    numbers = golden("multiclass_nms")
    scores = numbers["s"].copy()
    scores[:, 0] = 0
    nms = MulticlassNMS(score=0.1, iou=0.45, keep=6, top_k=8)
    rows, counts = nms(paddle.to_tensor(numbers["b"]), paddle.to_tensor(scores))
    assert counts.tolist() == [6, 6]
    np.testing.assert_allclose(rows.numpy(), numbers["o"], rtol=1e-6)


def test_of_two_boxes_with_an_iou_of_81_of_119_the_better_is_kept():
    # both 10 x 10, moved by (1, 1): common 81, together 119, IoU 0.68
    boxes = paddle.to_tensor([[[0.0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60]]])
    scores = paddle.to_tensor([[[0.8, 0.9, 0.3]]])
    assert MulticlassNMS(iou=0.68)(boxes, scores)[0][:, 1].tolist() == pytest.approx([0.9, 0.3])
    assert MulticlassNMS(iou=0.69)(boxes, scores)[0][:, 1].tolist() == pytest.approx([0.9, 0.8, 0.3])


def test_boxes_of_different_classes_do_not_suppress_each_other():
    boxes = paddle.to_tensor([[[0.0, 0, 10, 10], [0, 0, 10, 10]]])
    scores = paddle.to_tensor([[[0.8, 0.0], [0.0, 0.7]]])
    assert MulticlassNMS()(boxes, scores)[0][:, 0].tolist() == [0, 1]


def test_linear_matrix_nms_multiplies_the_lower_score_by_one_minus_iou():
    # IoU 81 / 119, of the better box with any better one 0: 0.8 * (1 - 81 / 119) / (1 - 0)
    boxes = paddle.to_tensor([[[0.0, 0, 10, 10], [1, 1, 11, 11]]])
    scores = paddle.to_tensor([[[0.8, 0.9]]])
    rows, counts = MatrixNMS(post_score=0.0)(boxes, scores)
    assert counts.tolist() == [2]
    assert rows[:, 1].tolist() == pytest.approx([0.9, 0.8 * (1 - 81 / 119)], rel=1e-5)
    assert MatrixNMS(post_score=0.3)(boxes, scores)[1].tolist() == [1]


@pytest.mark.parametrize("nms", [MulticlassNMS(), MatrixNMS()], ids=lambda nms: type(nms).__name__)
def test_without_detections_there_are_no_rows(nms):
    rows, counts = nms(paddle.rand([2, 8, 4]), paddle.zeros([2, 3, 8]))
    assert rows.shape == [0, 6] and counts.tolist() == [0, 0]
    assert counts.dtype == paddle.int32


@pytest.mark.parametrize("nms", [MulticlassNMS(), MatrixNMS()], ids=lambda nms: type(nms).__name__)
def test_one_image_without_detections_leaves_those_of_the_other(nms):
    scores = paddle.to_tensor([[[0.0, 0.0]], [[0.9, 0.0]]])
    boxes = paddle.to_tensor([[[0.0, 0, 1, 1], [2, 2, 3, 3]], [[4, 4, 5, 5], [6, 6, 7, 7]]])
    rows, counts = nms(boxes, scores)
    assert counts.tolist() == [0, 1]
    assert rows[0].tolist() == pytest.approx([0, 0.9, 4, 4, 5, 5])


@pytest.mark.parametrize("nms", [MulticlassNMS(), MatrixNMS()], ids=lambda nms: type(nms).__name__)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_non_finite_values_do_not_crash(nms, bad):
    boxes, scores = random_case(np.random.default_rng(0), images=1)
    boxes[0, :5], scores[0, :, 5:9], boxes[0, 9] = bad, bad, [9, 9, 1, 1]
    rows, counts = nms(paddle.to_tensor(boxes), paddle.to_tensor(scores))
    assert len(rows) == counts.sum().item()
