"""The data of an agent: an environment to act in, and episodes to be judged by."""

import numpy as np

from common.data.transform import random_for
from common.errors import ConfigError

from .player import Player, open_environment

STEPS = 32  # keeps these random numbers apart from others


class Environment:
    """Base class: an environment and how it is seen.

    Args:
        environment (str): as Gymnasium knows it, such as CartPole-v1 or ALE/Pong-v5.
        stack (int): frames in an observation.
        frame_skip (int): of Atari: frames for which an action is repeated.
        noops (int): of Atari: the most actions that do nothing at the begin of an episode.
        seed (int): of the episodes.
    """

    what = "step"

    def __init__(self, environment, stack=1, frame_skip=4, noops=30, seed=0):
        if min(stack, frame_skip) < 1 or noops < 0:
            raise ConfigError(f"{type(self).__name__} got stack={stack}, frame_skip={frame_skip}, noops={noops}")
        self.environment, self.stack, self.seed = environment, stack, seed
        self.preparation = {"frame_skip": frame_skip, "noops": noops}

    def player(self, render=None):
        """A Player of a new environment; raises EnvironmentProblem where a package or the environment is missing."""
        return Player(open_environment(self.environment, render=render, **self.preparation), self.seed, self.stack)


class EnvironmentSteps(Environment):
    """An endless stream of steps of an agent that acts at random; `QTrainer` acts by its model instead.

    Args:
        environment (str): as Gymnasium knows it, such as CartPole-v1 or ALE/Pong-v5.
        stack (int): frames in an observation.
        frame_skip (int): of Atari: frames for which an action is repeated.
        noops (int): of Atari: the most actions that do nothing at the begin of an episode.
        seed (int): of the episodes.
    """

    def iterate(self, shard, num_shards, epoch):
        """Steps as samples, see `DQN.loss`."""
        player, rng, episode = self.player(), random_for(self.seed, epoch, shard, STEPS), shard
        player.begin(episode)
        while True:
            before, action = player.observation, int(rng.integers(player.num_actions))
            reward, terminated, truncated = player.step(action)
            yield {
                "observation": before.astype("float32"),
                "action": np.int64(action),
                "reward": np.float32(reward),
                "next_observation": player.observation.astype("float32"),
                "terminated": np.float32(terminated),
            }
            if terminated or truncated:
                episode += num_shards
                player.begin(episode)


class Episodes(Environment):
    """Episodes to judge an agent by: a sample is the number of an episode, and the first observation.

    Args:
        environment (str): as Gymnasium knows it, such as CartPole-v1 or ALE/Pong-v5.
        episodes (int): how many.
        first (int): number of the first one; those of training begin with 0 and have another seed.
        stack (int): frames in an observation.
        frame_skip (int): of Atari: frames for which an action is repeated.
        noops (int): of Atari: the most actions that do nothing at the begin of an episode.
        seed (int): of the episodes.
    """

    what = "episode"

    def __init__(self, environment, episodes=100, first=0, stack=1, frame_skip=4, noops=30, seed=0):
        super().__init__(environment, stack, frame_skip, noops, seed + 1_000_000)
        if episodes < 1 or first < 0:
            raise ConfigError(f"Episodes got episodes={episodes}, first={first}; allowed: 1 or more, 0 or more")
        self.episodes, self.first, self.opened = episodes, first, None

    def __len__(self):
        return self.episodes

    def __getitem__(self, index):
        if not 0 <= index < self.episodes:
            raise IndexError(index)
        self.opened = self.opened or self.player()
        self.opened.begin(self.first + index)
        return {"observation": self.opened.observation.astype("float32"), "episode": np.int64(self.first + index)}
