"""Human-level control through deep reinforcement learning (https://doi.org/10.1038/nature14236).

Shapes in this file:
    N observations, A actions, F features of the network.
"""

import copy

import paddle
from paddle import nn
from paddle.nn import functional as F


class ActionValues(nn.Layer):
    """A network and a head: the value Q of every action.

    Args:
        network (nn.Layer): with `out_channels`.
        head (nn.Layer): from features [N, F] to values [N, A].
    """

    def __init__(self, network, head):
        super().__init__()
        self.network, self.head = network, head

    def forward(self, observation):
        """Values float32 [N, A]."""
        return self.head(self.network(observation))


class DQN(nn.Layer):
    """Deep Q-network: values of actions, learned with the help of a copy of the network that is seldom renewed.

    The target of Q(s, a) is r + gamma max_a' Q_copy(s', a'), or r where the episode ended; the loss is the squared
    error.

    Args:
        network (nn.Layer): reads observations; with `shape` and `out_channels`.
        num_actions (int): A.
        gamma (float): discount of a reward by each step that it is later.
    """

    task = "Tensors"
    outputs = ("action", "values")

    def __init__(self, network, num_actions, gamma=0.99):
        super().__init__()
        if num_actions < 2 or not 0 <= gamma <= 1:
            raise ValueError(
                f"{type(self).__name__} got num_actions={num_actions}, gamma={gamma}; allowed: 2 or more, 0 to 1"
            )
        self.inputs = {"observation": ([None, *network.shape], "float32")}
        self.num_actions, self.gamma = num_actions, gamma
        self.online = ActionValues(network, self.head(network.out_channels, num_actions))
        self._copies = []  # not a sublayer: the copy is neither trained nor a part of the weights

    def head(self, features, num_actions):
        """The layer from features [N, F] to values [N, A]."""
        return nn.Linear(features, num_actions)

    @property
    def target(self):
        """The copy of the network (ActionValues), made when it is first asked for."""
        if not self._copies:
            self._copies.append(copy.deepcopy(self.online))
        return self._copies[0]

    def renew_target(self):
        """Makes the copy equal to the network."""
        self.target.set_state_dict(self.online.state_dict())

    def predict(self, observation):
        """The values float32 [N, A] of the actions, of observations float32 [N, ...]."""
        return self.online(observation)

    def forward(self, observation):
        """The best action int64 [N], and the values float32 [N, A]."""
        values = self.predict(observation)
        return values.argmax(1), values

    def next_values(self, observation):
        """The value float32 [N] of the next observations."""
        return self.target(observation).max(1)

    def loss(self, batch):
        """The squared error of the values of the actions that were taken.

        Args:
            batch (dict[str, Tensor]): `observation` and `next_observation` float32 [N, ...], `action` int64 [N],
                `reward` float32 [N], `terminated` float32 [N]: 1 where the episode ended by the action.
        """
        taken = F.one_hot(batch["action"], self.num_actions)
        value = (self.predict(batch["observation"]) * taken).sum(1)
        with paddle.no_grad():
            later = self.next_values(batch["next_observation"])
            wanted = batch["reward"] + self.gamma * (1 - batch["terminated"]) * later
        return {"loss_value": F.mse_loss(value, wanted)}

    def training_state(self):
        """The arrays of the copy by name."""
        return {name: value.numpy() for name, value in self.target.state_dict().items()}

    def load_training_state(self, arrays):
        """The inverse of `training_state`."""
        self.target.set_state_dict(arrays)
