"""Networks of points: the operators against loops over all points, the contract, settings that are refused."""

import numpy as np
import paddle
import pytest

from common.data.transform import random_for
from common.testing import check_model
from PaddleCV.models.losses.classification_losses import CrossEntropy
from PaddleCV.models.losses.segmentation_losses import PixelCrossEntropy
from PaddleCV.models.points import point_ops
from PaddleCV.models.points.feature_propagation import FeaturePropagation
from PaddleCV.models.points.point_classifier import PointClassifier, PointHead
from PaddleCV.models.points.point_segmentor import PointSegmentor, PointwiseHead
from PaddleCV.models.points.pointnet2 import PointNet2
from PaddleCV.models.points.set_abstraction import SetAbstraction


def clouds(count=2, points=40, values=3):
    return random_for(3).uniform(-1, 1, (count, points, values)).astype("float32")


def farthest_by_loops(points, count):
    found = [0]
    while len(found) < count:
        apart = [min(float(((p - points[k]) ** 2).sum()) for k in found) for p in points.astype("float64")]
        found.append(int(np.argmax(apart)))
    return found


@pytest.mark.parametrize("find", [point_ops.farthest_points, point_ops.farthest_by_operators])
def test_farthest_points_are_those_of_a_loop_over_all(find):
    given = clouds()
    found = find(paddle.to_tensor(given), 12)
    assert found.dtype == paddle.int32
    assert found.numpy().tolist() == [farthest_by_loops(cloud, 12) for cloud in given]


def test_balls_hold_the_first_points_nearer_than_the_radius():
    given = clouds()
    centers = given[:, :7].copy()
    centers[1, 6] = 50.0  # nothing is near it
    distances = point_ops.squared_distances(paddle.to_tensor(centers), paddle.to_tensor(given))
    found = point_ops.ball_query(distances, 0.8, 5).numpy()
    for n, s in np.ndindex(2, 7):
        inside = [k for k, p in enumerate(given[n]) if ((p - centers[n, s]) ** 2).sum() < 0.8**2][:5]
        assert found[n, s].tolist() == (inside + (inside or [0])[:1] * 5)[:5]
    assert not found[1, 6].any()


def test_points_are_taken_from_their_own_cloud_and_get_its_gradient():
    given = paddle.to_tensor(clouds(values=4), stop_gradient=False)
    index = random_for(1).integers(0, 40, (2, 6, 3)).astype("int32")
    found = point_ops.take_points(given, paddle.to_tensor(index))
    np.testing.assert_array_equal(found.numpy(), np.stack([given.numpy()[n][index[n]] for n in range(2)]))
    found.sum().backward()
    visits = [np.bincount(index[n].ravel(), minlength=40) for n in range(2)]
    np.testing.assert_array_equal(given.grad.numpy()[..., 0], visits)


def test_values_are_interpolated_from_the_three_nearest():
    given, known, values = clouds(), clouds(points=6) * 0.9, clouds(points=6, values=5)
    found = point_ops.interpolate_points(*map(paddle.to_tensor, (given, known, values))).numpy()
    for n, p in np.ndindex(2, 40):
        apart = np.linalg.norm(known[n] - given[n, p], axis=1)
        near = np.argsort(apart)[:3]
        weights = 1 / (apart[near] + 1e-8)
        np.testing.assert_allclose(found[n, p], weights @ values[n][near] / weights.sum(), rtol=1e-4, atol=1e-6)


def test_a_known_point_keeps_its_value():
    known, values = clouds(points=6), clouds(points=6, values=2)
    found = point_ops.interpolate_points(*map(paddle.to_tensor, (known, known, values)))
    np.testing.assert_allclose(found.numpy(), values, atol=1e-4)


def backbone(features, propagation=(), several=False):
    scales = {"widths": [[6, 8], [8, 8]], "radii": [0.5, 0.9], "neighbors": [4, 6]}
    one = {"widths": [[8, 8]], "radii": [0.6], "neighbors": [6]}
    first = SetAbstraction(features, centers=12, **(scales if several else one))
    second = SetAbstraction(first.out_channels, [[12, 16]], *((5, [1.0], [4]) if propagation else ()))
    return PointNet2([first, second], features, propagation)


def classifier():
    paddle.seed(0)
    own = backbone(0, several=True)
    return PointClassifier(own, PointHead(own.out_channels, 3, [8], dropout=0.0), CrossEntropy(), num_points=40)


def segmentor():
    paddle.seed(0)
    own = backbone(2, [[8], [8]])
    return PointSegmentor(own, PointwiseHead(own.out_channels, 3, 8, dropout=0.0), PixelCrossEntropy(), num_points=40)


def test_a_classifier_of_points_keeps_the_contract(tmp_path):
    check_model(classifier, {"points": clouds(3), "label": np.array([0, 2, 1])}, tmp_path)


def test_a_segmentor_of_points_keeps_the_contract(tmp_path):
    mask = random_for(0).integers(0, 3, (2, 40)).astype("uint8")
    mask[0, :5] = 255
    check_model(segmentor, {"points": clouds(values=5), "mask": mask}, tmp_path)


def test_the_order_of_points_after_the_first_does_not_matter_where_balls_hold_all():
    level = SetAbstraction(0, [[4, 6]], centers=5, radii=[0.7], neighbors=[40])
    level.eval()
    given = clouds(1)
    order = np.concatenate([[0], 1 + random_for(5).permutation(39)])
    for one, other in zip(level(paddle.to_tensor(given), None), level(paddle.to_tensor(given[:, order]), None)):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-5)


def test_one_center_gives_its_features_to_all_points():
    layer = FeaturePropagation(4, [3])
    layer.eval()
    found = layer(paddle.to_tensor(clouds()), None, paddle.zeros([2, 1, 3]), paddle.ones([2, 1, 4]))
    assert found.shape == [2, 40, 3] and np.ptp(found.numpy(), axis=1).max() == 0


def test_scales_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="2 lists of widths, 1 radii and 1 neighbors"):
        SetAbstraction(0, [[4], [4]], centers=5, radii=[0.7], neighbors=[4])
    with pytest.raises(ValueError, match="2 levels and 1 lists of propagation"):
        PointNet2([SetAbstraction(0, [[4]]), SetAbstraction(4, [[4]])], 0, [[4]])
