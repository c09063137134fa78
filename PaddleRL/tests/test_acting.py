"""Acting: the replay memory, a run on CartPole that is killed and resumes exactly, and the export of its policy."""

import os
import signal

import numpy as np
import paddle
import pytest

from common import api
from common.config.kits import ROOT
from common.errors import ConfigError, EnvironmentProblem, Stopped
from common.weights.checkpoint import read_checkpoint, read_weights
from PaddleRL.data.environment_steps import Episodes
from PaddleRL.data.player import Player, open_environment
from PaddleRL.data.replay_memory import ReplayMemory
from PaddleRL.models.agents.dqn import DQN
from PaddleRL.models.networks.vector_network import VectorNetwork
from PaddleRL.training.q_trainer import QTrainer

TINY = ROOT / "PaddleRL/configs/tiny/control/dqn.yml"
QUIET = {"eval_every": 0, "save_every": 0}


def filled(capacity, lengths, stack=1):
    """A memory of episodes of these lengths, whose k-th frame is k, from 1, and whose actions are the frames."""
    memory, number = ReplayMemory(capacity, np.zeros(1, np.float32), stack), 0
    for length in lengths:
        for step in range(length):
            number += 1
            memory.add(np.array([number]), number, 10 * number, step == length - 1, step == 0)
        number += 1
        memory.add(np.array([number]))
    return memory


def test_a_drawn_step_has_the_frame_after_it_and_never_one_of_another_episode():
    memory = filled(100, [3, 1, 5])  # frames 1 2 3 (4), 5 (6), 7 8 9 10 11 (12)
    drawn = memory.sample(500, np.random.default_rng(0))
    assert set(drawn["action"].tolist()) == {1, 2, 3, 5, 7, 8, 9, 10, 11}
    np.testing.assert_array_equal(drawn["observation"][:, 0], drawn["action"])
    np.testing.assert_array_equal(drawn["next_observation"], drawn["observation"] + 1)
    np.testing.assert_array_equal(drawn["reward"], 10 * drawn["action"])
    assert set(drawn["action"][drawn["terminated"] == 1].tolist()) == {3, 5, 11}


def test_stacks_begin_with_the_first_frame_of_their_episode():
    drawn = filled(100, [3, 4], stack=3).sample(300, np.random.default_rng(0))
    stacks = {row[-1]: row for row in drawn["observation"][..., 0].astype(int).tolist()}
    assert stacks[1] == [1, 1, 1] and stacks[2] == [1, 1, 2] and stacks[3] == [1, 2, 3]
    assert stacks[5] == [5, 5, 5] and stacks[8] == [6, 7, 8]
    following = {row[-2]: row for row in drawn["next_observation"][..., 0].astype(int).tolist()}
    assert following[3] == [2, 3, 4]


def test_a_full_memory_holds_the_last_frames_and_comes_back_from_its_state():
    memory = filled(8, [3, 4, 6], stack=2)  # 16 frames; the last 8 are 9, of the second episode, to 16
    drawn = memory.sample(300, np.random.default_rng(0))
    assert min(drawn["observation"][:, 0].ravel()) >= 9 and set(drawn["action"].tolist()) <= set(range(10, 16))
    again = ReplayMemory(8, np.zeros(1, np.float32), 2)
    again.load(memory.state())
    for name, values in again.sample(300, np.random.default_rng(0)).items():
        np.testing.assert_array_equal(values, drawn[name])
    with pytest.raises(ValueError, match="has 8 frames, this one 9"):
        ReplayMemory(9, np.zeros(1, np.float32), 2).load(memory.state())


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gymnasium", None)
    with pytest.raises(EnvironmentProblem, match="CartPole-v1 needs the package gymnasium: pip install gymnasium"):
        Episodes("CartPole-v1")[0]


def test_an_unknown_environment_is_refused():
    pytest.importorskip("gymnasium")
    with pytest.raises(ConfigError, match=r"environment is CartPohl-v1: .*CartPole"):
        open_environment("CartPohl-v1")
    with pytest.raises(ConfigError, match="environment is Pendulum-v1, which has no numbered actions"):
        open_environment("Pendulum-v1")


def test_a_moment_of_an_episode_can_be_had_again():
    pytest.importorskip("gymnasium")
    player = Player(open_environment("CartPole-v1"), seed=3, stack=2)
    player.begin(7)
    for action in (0, 1, 1):
        player.step(action)
    again = Player(open_environment("CartPole-v1"), seed=3, stack=2)
    again.load(player.state())
    np.testing.assert_array_equal(again.observation, player.observation)
    assert again.step(0) == player.step(0) and again.total == player.total == 4
    with pytest.raises(EnvironmentProblem, match="does not repeat"):
        again.load(player.state() | {"frame": np.zeros(4, "float32")})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of the twin without an interruption."""
    pytest.importorskip("gymnasium")
    return api.train(TINY, evaluate=True, output_dir=str(tmp_path_factory.mktemp("whole")))


def test_a_run_that_is_stopped_again_and_again_ends_with_the_same_weights(whole, tmp_path, monkeypatch):
    """A signal before the memory is warm, within the first epoch, and within the second."""
    act, seen = QTrainer.act, []

    def act_and_stop(trainer):
        act(trainer)
        if trainer.played in (30, 71, 90) and trainer.played not in seen:
            seen.append(trainer.played)
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(QTrainer, "act", act_and_stop)
    for _ in range(3):
        with pytest.raises(Stopped):
            api.train(TINY, evaluate=True, resume="auto", output_dir=str(tmp_path))
    run = api.train(TINY, evaluate=True, resume="auto", output_dir=str(tmp_path))
    assert seen == [30, 71, 90] and run.scores == whole.scores
    (arrays, state), (wanted, wanted_state) = (read_checkpoint(one.folder / "last") for one in (run, whole))
    assert state["play"] == wanted_state["play"] and state["step"] == 20
    assert {group: sorted(named) for group, named in arrays.items()} == {g: sorted(n) for g, n in wanted.items()}
    for group, named in wanted.items():
        for name, value in named.items():
            np.testing.assert_array_equal(arrays[group][name], value, err_msg=f"{group}/{name}")


def test_the_exported_policy_acts_as_the_agent(whole, tmp_path):
    exported = api.export(TINY, tmp_path / "export", weights=str(whole.weights))
    samples = [Episodes("CartPole-v1", 3)[number]["observation"] for number in range(3)]
    found = api.Predictor(exported).model.run({"observation": np.stack(samples)})
    network = VectorNetwork(4, [16])
    agent = DQN(network, 2)
    agent.set_state_dict(read_weights(whole.weights))
    action, values = agent(paddle.to_tensor(np.stack(samples)))
    np.testing.assert_allclose(found["values"], values.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found["action"], action.numpy())


def test_settings_that_do_not_fit_are_named(tmp_path):
    pytest.importorskip("gymnasium")
    for changes, text in (
        ({"trainer": {"warm_up": 8}}, "warm_up=8 must be at least train.batch_size=16"),
        ({"trainer": {"epsilon": [1.0]}}, r"epsilon=\[1.0\]: out of range"),
        ({"model": {"num_actions": 3}}, "num_actions is 3, the environment has 2"),
    ):
        with pytest.raises(ConfigError, match=text):
            api.train(TINY, output_dir=str(tmp_path), **changes)
