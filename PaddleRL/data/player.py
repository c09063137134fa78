"""Episodes of an environment, each from a seed of its own, so that any moment of them can be had again."""

import collections

import numpy as np

from common.data.transform import random_for
from common.errors import ConfigError, EnvironmentProblem

EPISODE = 31  # keeps these random numbers apart from others


def open_environment(name, frame_skip=4, noops=30, size=84, render=None):
    """An environment of Gymnasium; those of Atari are played as gray frames, with the usual preparation.

    Args:
        name (str): as Gymnasium knows it, such as CartPole-v1 or ALE/Pong-v5.
        frame_skip (int): of Atari: frames for which an action is repeated.
        noops (int): of Atari: the most actions that do nothing at the begin of an episode, drawn at random.
        size (int): of Atari: height and width of a frame.
        render (str | None): what `render()` gives, such as rgb_array.

    Raises:
        ConfigError: there is no such environment, or its actions are not numbered.
        EnvironmentProblem: a package is missing.
    """
    try:
        import gymnasium
    except ImportError:
        raise EnvironmentProblem(f"{name} needs the package gymnasium: pip install gymnasium") from None
    is_atari = name.startswith("ALE/")
    try:
        if is_atari:
            import ale_py

            gymnasium.register_envs(ale_py)
    except ImportError:
        raise EnvironmentProblem(f"{name} needs the package ale-py: pip install ale-py") from None
    try:
        made = gymnasium.make(name, render_mode=render, **({"frameskip": 1} if is_atari else {}))
    except gymnasium.error.UnregisteredEnv as error:
        raise ConfigError(f"environment is {name}: {error}") from None
    except gymnasium.error.Error as error:
        raise EnvironmentProblem(f"Gymnasium does not make the environment {name}: {error}") from None
    if is_atari:
        made = gymnasium.wrappers.AtariPreprocessing(made, noops, frame_skip, size)
    if not hasattr(made.action_space, "n"):
        raise ConfigError(f"environment is {name}, which has no numbered actions; its actions are {made.action_space}")
    return made


class Player:
    """Plays an environment; the state of a moment is the episode's number and the actions since it began.

    Args:
        environment (gymnasium.Env): with numbered actions.
        seed (int): of all episodes.
        stack (int): frames in an observation; with 1 an observation is a frame, without an axis more.
    """

    def __init__(self, environment, seed, stack=1):
        self.environment, self.seed, self.stack = environment, seed, stack
        self.num_actions = int(environment.action_space.n)
        self.frames, self.actions, self.episode, self.total = collections.deque(maxlen=stack), [], -1, 0.0

    def begin(self, episode):
        """Begins the episode of a number."""
        frame, _ = self.environment.reset(seed=int(random_for(self.seed, episode, EPISODE).integers(2**31)))
        self.frames.clear()
        self.frames.extend([np.asarray(frame)] * self.stack)
        self.actions, self.episode, self.total = [], episode, 0.0

    def step(self, action):
        """Takes an action; returns (reward, terminated, truncated)."""
        frame, reward, terminated, truncated, _ = self.environment.step(int(action))
        self.frames.append(np.asarray(frame))
        self.actions.append(int(action))
        self.total += float(reward)
        return float(reward), bool(terminated), bool(truncated)

    @property
    def frame(self):
        """The last frame."""
        return self.frames[-1]

    @property
    def observation(self):
        """The last frames, [stack, ...], or the last one."""
        return np.stack(self.frames) if self.stack > 1 else self.frames[-1]

    def state(self):
        """The state as arrays."""
        return {"episode": np.array([self.episode]), "actions": np.array(self.actions, np.int64), "frame": self.frame}

    def load(self, arrays):
        """Plays the episode of a state up to its moment.

        Raises:
            EnvironmentProblem: the environment does something else than it did.
        """
        self.begin(int(arrays["episode"][0]))
        for action in arrays["actions"].tolist():
            self.step(action)
        if not np.array_equal(self.frame, arrays["frame"]):
            raise EnvironmentProblem(
                "-r: the environment does not repeat its episode: is another version of Gymnasium installed?"
            )
