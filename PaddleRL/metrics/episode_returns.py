"""Returns of episodes that an agent plays."""

import numpy as np

from common.data.transform import random_for

ACTS = 33  # keeps these random numbers apart from others


class EpisodeReturns:
    """The mean, lowest and highest return (sum of the rewards) of episodes, and their mean length in steps.

    Args:
        dataset (Episodes): passed by the program.
        epsilon (float): probability of an action at random, which keeps an agent from standing still for ever.
        most (int): steps after which an episode is cut; 0 for as many as the environment lets.

    Raises:
        ValueError: epsilon is not from 0 to 1, or `most` is negative.
    """

    primary = "return"
    needs = "model"

    def __init__(self, dataset, epsilon=0.0, most=0):
        if not 0 <= epsilon <= 1 or most < 0:
            raise ValueError(f"EpisodeReturns got epsilon={epsilon}, most={most}; allowed: 0 to 1, 0 or more")
        self.dataset, self.epsilon, self.most, self.players = dataset, epsilon, most, []
        self.reset()

    def reset(self):
        """Forgets all episodes."""
        self.returns, self.lengths = [], []

    def update(self, model, batch):
        """Plays the episodes batch["episode"] int64 [N], all at once, so that the network sees N observations."""
        numbers = np.asarray(batch["episode"]).tolist()
        self.players += [self.dataset.player() for _ in range(len(numbers) - len(self.players))]
        playing = self.players[: len(numbers)]
        draws = [random_for(self.dataset.seed, number, ACTS) for number in numbers]
        for player, number in zip(playing, numbers):
            player.begin(number)
        going = list(range(len(numbers)))
        while going:
            best = best_actions(model, np.stack([playing[k].observation for k in going]))
            left = []
            for k, action in zip(going, best.tolist()):
                if draws[k].random() < self.epsilon:
                    action = int(draws[k].integers(playing[k].num_actions))
                _, terminated, truncated = playing[k].step(action)
                if not (terminated or truncated or len(playing[k].actions) == self.most):
                    left.append(k)
            going = left
        self.returns += [player.total for player in playing]
        self.lengths += [len(player.actions) for player in playing]

    def state(self):
        """Returns and lengths (dict of arrays)."""
        return {"returns": np.array(self.returns, np.float64), "lengths": np.array(self.lengths, np.float64)}

    def merge(self, states):
        """Replaces the episodes by those of all processes."""
        self.returns = np.concatenate([np.asarray(state["returns"]) for state in states]).tolist()
        self.lengths = np.concatenate([np.asarray(state["lengths"]) for state in states]).tolist()

    def compute(self):
        """`return`, `lowest`, `highest` and `steps`; NaN without episodes."""
        if not self.returns:
            return dict.fromkeys(("return", "lowest", "highest", "steps"), float("nan"))
        found = {"return": np.mean(self.returns), "lowest": min(self.returns), "highest": max(self.returns)}
        return {name: float(value) for name, value in (found | {"steps": np.mean(self.lengths)}).items()}


def best_actions(model, observations):
    """The best actions int64 [N] of observations [N, ...] by a model in memory."""
    import paddle

    with paddle.no_grad():
        return model.predict(paddle.to_tensor(observations.astype("float32"))).argmax(1).numpy()
