from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from common.errors import ConfigError
from common.layers import sync_batch_norm
from common.layers.sync_batch_norm import SyncBatchNorm, convert_sync_batch_norm
from common.system import distributed
from tests.common.small_net import Net, weights


@pytest.fixture
def golden():
    with np.load(Path(__file__).parents[1] / "golden" / "batch_norm.npz") as values:
        return dict(values)


@pytest.fixture
def one_of_two(monkeypatch):
    """This process takes itself for rank 0 of two, the other of which has the same batch."""
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    monkeypatch.setattr(distributed, "second_channel", lambda: None)

    def both(array, group=None):
        if isinstance(array, np.ndarray):  # the statistics: rank 1 fills its row
            return np.concatenate([array[:1], array[:1]])
        return array * 2

    monkeypatch.setattr(distributed, "all_reduce_sum", both)


def forward_and_back(layer, x, dy):
    """(output, gradient of x) of a layer in training."""
    x = paddle.to_tensor(x, stop_gradient=False)
    layer.train()
    y = layer(x)
    y.backward(paddle.to_tensor(dy))
    return y.numpy(), x.grad.numpy()


def test_alone_it_equals_the_official_numbers(golden):
    layer = convert_sync_batch_norm(nn.Sequential(nn.BatchNorm2D(3)))
    y, dx = forward_and_back(layer, golden["x"], np.ones_like(golden["y"]))
    np.testing.assert_allclose(y, golden["y"], atol=1e-5)
    np.testing.assert_allclose(dx, golden["dx"], atol=1e-5)
    np.testing.assert_allclose(layer[0]._mean.numpy(), golden["mean"], atol=1e-5)
    np.testing.assert_allclose(layer[0]._variance.numpy(), golden["variance"], atol=1e-5)  # biased: over M, not M - 1


def test_joint_statistics_of_equal_parts_equal_the_official_numbers(golden, one_of_two):
    layer = convert_sync_batch_norm(nn.Sequential(nn.BatchNorm2D(3)))
    y, dx = forward_and_back(layer, golden["x"], np.ones_like(golden["y"]))
    np.testing.assert_allclose(y, golden["y"], atol=1e-5)
    np.testing.assert_allclose(dx, golden["dx"], atol=1e-5)
    np.testing.assert_allclose(layer[0]._mean.numpy(), golden["mean"], atol=1e-5)
    np.testing.assert_allclose(layer[0]._variance.numpy(), golden["variance"], atol=1e-5)


@pytest.mark.parametrize(
    "layer, shape",
    [
        (lambda: nn.BatchNorm1D(3), [6, 3]),
        (lambda: nn.BatchNorm1D(3), [6, 3, 5]),
        (lambda: nn.BatchNorm2D(3, weight_attr=False, bias_attr=False), [2, 3, 4, 5]),
        (lambda: nn.BatchNorm2D(3, data_format="NHWC"), [2, 4, 5, 3]),
        (lambda: nn.BatchNorm3D(3, momentum=0.7, epsilon=1e-3), [2, 3, 2, 2, 2]),
    ],
)
def test_every_kind_has_the_gradients_of_the_plain_one(one_of_two, layer, shape):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(3, 2, shape).astype("float32"), rng.normal(size=shape).astype("float32")
    plain, synchronised = layer(), layer()
    if plain.weight is not None:
        for one in (plain, synchronised):
            one.weight.set_value(np.array([0.5, 1.0, 2.0], "float32"))
    convert_sync_batch_norm(synchronised)
    for mine, theirs in zip(forward_and_back(synchronised, x, dy), forward_and_back(plain, x, dy)):
        np.testing.assert_allclose(mine, theirs, atol=2e-5)
    for mine, theirs in zip(synchronised.parameters(), plain.parameters()):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), atol=1e-5)
        if theirs.grad is not None:
            np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-4, atol=1e-5)


def test_converting_keeps_weights_and_names_and_can_be_repeated():
    net = Net()
    before, parameters = weights(net), dict(net.named_parameters())
    convert_sync_batch_norm(convert_sync_batch_norm(net))
    assert isinstance(net.backbone[1], SyncBatchNorm)
    assert type(net.backbone[1]).__name__ == "SyncBatchNorm2D"
    assert all(value is parameters[name] for name, value in net.named_parameters())
    assert all((weights(net)[name] == value).all() for name, value in before.items())


def test_in_evaluation_nothing_is_exchanged(one_of_two, monkeypatch):
    monkeypatch.setattr(sync_batch_norm, "joint_statistics", None)
    net = convert_sync_batch_norm(Net())
    net.eval()
    assert net(paddle.ones([2, 3, 6, 6])).shape == [2, 2]


def test_the_first_generation_is_refused():
    with pytest.raises(ConfigError, match=r"'0' is an nn.BatchNorm, which cannot be synchronized; use nn.BatchNorm2D"):
        convert_sync_batch_norm(nn.Sequential(nn.BatchNorm(3)))


def test_the_conversion_for_gpus_leaves_what_is_frozen_and_keeps_the_parameters():
    net = nn.Sequential(nn.Conv2D(3, 4, 1), nn.BatchNorm2D(4), nn.Sequential(nn.BatchNorm2D(4), nn.ReLU()))
    frozen, moving = net[2][0], net[1]
    frozen._use_global_stats = True
    for parameter in frozen.parameters():
        parameter.stop_gradient = True
    moving._mean.set_value(paddle.to_tensor([1.0, 2.0, 3.0, 4.0]))
    moving.bias.stop_gradient = True
    names, before = list(net.state_dict()), {name: value.numpy() for name, value in net.state_dict().items()}
    assert sync_batch_norm.convert_for_gpus(net) is net
    assert net[2][0] is frozen and type(frozen) is nn.BatchNorm2D
    assert type(net[1]) is nn.SyncBatchNorm and net[1].weight is moving.weight
    assert net[1].bias.stop_gradient and not net[1].weight.stop_gradient
    assert list(net.state_dict()) == names
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name], err_msg=name)


def test_the_conversion_for_gpus_is_chosen_where_there_is_one(monkeypatch):
    monkeypatch.setattr(paddle.device, "get_device", lambda: "gpu:0")
    assert type(convert_sync_batch_norm(nn.Sequential(nn.BatchNorm2D(3)))[0]) is nn.SyncBatchNorm
    assert type(convert_sync_batch_norm(nn.BatchNorm2D(3))) is nn.SyncBatchNorm
