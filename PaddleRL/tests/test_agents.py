"""Agents: the contract, the published numbers of parameters, and the targets of the three."""

import numpy as np
import paddle
import pytest

from common.testing import check_model, count_parameters
from PaddleRL.models.agents.double_dqn import DoubleDQN
from PaddleRL.models.agents.dqn import DQN
from PaddleRL.models.agents.dueling_dqn import DuelingDQN, DuelingHead
from PaddleRL.models.networks.frame_network import FrameNetwork
from PaddleRL.models.networks.vector_network import VectorNetwork

RNG = np.random.default_rng(0)
BATCH = {
    "observation": RNG.normal(size=(5, 4)).astype("float32"),
    "next_observation": RNG.normal(size=(5, 4)).astype("float32"),
    "action": np.array([0, 2, 1, 2, 0]),
    "reward": np.array([1, 1, 0, -1, 1], "float32"),
    "terminated": np.array([0, 1, 0, 0, 1], "float32"),
}


@pytest.mark.parametrize("agent", [DQN, DuelingDQN])
def test_an_agent_keeps_the_contract(agent, tmp_path):
    def made():
        paddle.seed(1)
        return agent(VectorNetwork(4, [16]), 3)

    check_model(made, BATCH, tmp_path)


@pytest.mark.parametrize(("agent", "count"), [(DQN, 124_228), (DoubleDQN, 124_228), (DuelingDQN, 130_629)])
def test_agents_of_frames_have_the_published_numbers_of_parameters(agent, count):
    model = agent(FrameNetwork(4, 84), 4)
    assert count_parameters(model) == (count, 0)
    action, values = model(paddle.zeros([2, 4, 84, 84]))
    assert action.shape == [2] and values.shape == [2, 4]


def linear_agent(agent):
    """An agent of two numbers whose values are these numbers, and whose copy has them exchanged."""
    model = agent(VectorNetwork(2, [2]), 2)
    for part, weights in ((model.online, np.eye(2)), (model.target, np.eye(2)[::-1].copy())):
        for layer, matrix in ((part.network.layers[0], np.eye(2)), (part.head, weights)):
            layer.weight.set_value(matrix.astype("float32"))
            layer.bias.set_value(np.zeros(2, "float32"))
    return model


@pytest.mark.parametrize(("agent", "later"), [(DQN, 3.0), (DoubleDQN, 1.0)])
def test_the_target_is_the_reward_and_the_value_of_what_comes_next(agent, later):
    """The copy values the next observation [1, 3] as [3, 1]; the network prefers the second action."""
    model = linear_agent(agent)
    batch = {"observation": [[2.0, 5.0]] * 2, "next_observation": [[1.0, 3.0]] * 2, "reward": [1.0, 1.0]}
    batch = {name: paddle.to_tensor(values) for name, values in (batch | {"terminated": [0.0, 1.0]}).items()}
    loss = model.loss(batch | {"action": paddle.to_tensor([0, 1])})["loss_value"].item()
    assert loss == pytest.approx(((1 + 0.99 * later - 2) ** 2 + (1 - 5) ** 2) / 2, rel=1e-5)
    model.renew_target()
    np.testing.assert_array_equal(model.target.head.weight.numpy(), np.eye(2))


def test_a_dueling_head_tells_value_and_advantage_apart():
    head = DuelingHead(1, 2)
    for layer, bias in ((head.value, [10.0]), (head.advantage, [1.0, 3.0])):
        layer.weight.set_value(paddle.zeros_like(layer.weight))
        layer.bias.set_value(paddle.to_tensor(bias))
    assert head(paddle.zeros([1, 1])).tolist() == [[9.0, 11.0]]


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="num_actions=1"):
        DQN(VectorNetwork(4), 1)
    with pytest.raises(ValueError, match="size=8"):
        FrameNetwork(4, 8)
    with pytest.raises(ValueError, match="numbers=0"):
        VectorNetwork(0)
