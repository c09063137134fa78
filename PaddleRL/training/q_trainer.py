"""The training of agents that learn values of actions: act, remember, learn from what is remembered."""

import numpy as np

from common.data.transform import random_for
from common.errors import ConfigError
from common.log import logger
from common.system.distributed import world_size
from common.training.trainer import Trainer

from ..data.replay_memory import ReplayMemory
from ..metrics.episode_returns import best_actions

ACT, DRAW = 34, 35  # keep these random numbers apart from others
RECENT = 100  # episodes whose mean return is logged


class QTrainer(Trainer):
    """Between two updates the agent acts; an update learns from a batch of steps drawn from the replay memory.

    An action is random with the probability epsilon, which falls in a straight line. Everything that an action and a
    batch depend on is
    in a checkpoint: the memory, the episode, the counters and the copy of the network. The random numbers are
    functions of seed and counter.

    Args:
        run (RunParts): passed by the program.
        capacity (int): frames in the replay memory.
        warm_up (int): steps before the first update.
        play (int): steps between two updates.
        renew (int): updates after which the copy of the network is renewed.
        epsilon (list[float]): of the first step, and at the end of its fall.
        explore (int): steps until the end of its fall.
        clip_rewards (bool): learns from the signs of rewards.

    Raises:
        ConfigError: a number is out of range, or the data or the model are others than of agents.
    """

    def __init__(
        self,
        run,
        capacity=1_000_000,
        warm_up=50_000,
        play=4,
        renew=2500,
        epsilon=(1.1, 0.1),
        explore=1_000_000,
        clip_rewards=True,
    ):
        super().__init__(run)
        data = run.loader.dataset
        place = run.config.place("trainer")
        if not hasattr(data, "player") or not hasattr(self.model, "renew_target"):
            raise ConfigError(f"{place}: QTrainer trains agents such as DQN on data such as EnvironmentSteps")
        if not self.batches_per_epoch or self.accumulate != 1 or world_size() != 1:
            raise ConfigError(
                f"{place}: QTrainer needs `sampler: {{type: StreamSampler, steps: ...}}`, "
                "no train.accumulate, one process"
            )
        stack, batch = data.stack, run.settings.batch_size
        if min(play, renew, explore) < 1 or len(epsilon) != 2 or min(epsilon) < 0:
            raise ConfigError(
                f"{place}: play={play}, renew={renew}, explore={explore}, epsilon={list(epsilon)}: out of range"
            )
        if not max(batch, 2 * stack) <= warm_up <= capacity:
            raise ConfigError(
                f"{place}: warm_up={warm_up} must be at least train.batch_size={batch} and two stacks, "
                f"and at most capacity={capacity}"
            )
        self.capacity, self.warm_up, self.play, self.renew = capacity, warm_up, play, renew
        self.epsilon, self.explore, self.clip_rewards = epsilon, explore, clip_rewards
        self.seed, self.batch_size, self.stack = run.loader.pipeline.seed, batch, stack
        self.player, self.memory, self.played, self.returns = None, None, 0, []
        self.model.renew_target()  # a run that starts from weights starts from them in both networks

    def open(self):
        """Opens the environment and the memory."""
        if self.player is None:
            self.player = self.loader.dataset.player()
            if self.player.num_actions != self.model.num_actions:
                raise ConfigError(
                    f"{self.config.place('model')}: num_actions is {self.model.num_actions}, "
                    f"the environment has {self.player.num_actions}"
                )
            self.player.begin(0)
            self.memory = ReplayMemory(self.capacity, self.player.frame, self.stack)

    def batches(self):
        """Acts until the next update is due, and yields a batch for it; until the end of the epoch."""
        self.open()
        while self.position < self.batches_per_epoch:
            while self.played < self.warm_up + self.play * self.step:
                if self.played % 1000 == 0 and self.stop is not None and self.stop.requested:
                    self.call("on_stop")
                self.act()
            batch = self.memory.sample(self.batch_size, random_for(self.seed, self.step, DRAW))
            self.batch, self.position = batch, self.position + 1
            self.at_end = self.position == self.batches_per_epoch
            yield batch

    def chance(self):
        """The probability of an action at random, now."""
        first, last = self.epsilon
        return first + (last - first) * min(self.played / self.explore, 1.0)

    def act(self):
        """Takes one step, and remembers it."""
        player, rng = self.player, random_for(self.seed, self.played, ACT)
        if rng.random() < self.chance():
            action = int(rng.integers(player.num_actions))
        else:
            action = int(best_actions(self.model, player.observation[None])[0])
        frame, first = player.frame, not player.actions
        reward, terminated, truncated = player.step(action)
        self.memory.add(frame, action, np.sign(reward) if self.clip_rewards else reward, terminated, first)
        self.played += 1
        if terminated or truncated:
            self.memory.add(player.frame)
            self.returns = [*self.returns[1 - RECENT :], player.total]
            player.begin(player.episode + 1)

    def train_step(self, batch):
        """Learns from a batch, and renews the copy of the network when it is due."""
        updated = super().train_step(batch)
        if updated and self.step % self.renew == 0:
            self.model.renew_target()
        return updated

    def end_epoch(self):
        """Logs how the last episodes went."""
        if self.returns:
            text = "%d steps in %d episodes, mean return of the last %d: %.1f, epsilon %.3f"
            about = self.played, self.player.episode, len(self.returns), np.mean(self.returns), self.chance()
            logger.info(text, *about)
        super().end_epoch()

    def state(self):
        """See Trainer; with the replay memory and the moment of the episode."""
        self.open()
        arrays, state = super().state()
        arrays["replay"], arrays["episode"] = self.memory.state(), self.player.state()
        return arrays, state | {"play": {"played": self.played, "returns": self.returns}}

    def load(self, arrays, state):
        """See Trainer.

        Raises:
            ConfigError: the checkpoint has another replay memory.
            EnvironmentProblem: the environment does something else than it did.
        """
        super().load(arrays, state)
        self.open()
        try:
            self.memory.load(arrays["replay"])
        except ValueError as error:
            raise ConfigError(f"-r: {error}; to resume exactly they must be equal") from None
        self.player.load(arrays["episode"])
        self.played, self.returns = state["play"]["played"], state["play"]["returns"]
