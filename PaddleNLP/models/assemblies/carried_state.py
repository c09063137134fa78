"""The state of a recurrent language model between batches that continue each other."""

import numpy as np
import paddle

from common.errors import ConfigError


class CarriedState:
    """The state behind the last piece of the text of training, and of that of evaluation.

    A model hands `arrays` out as its training_state.
    """

    def __init__(self):
        self.states = {}

    def before(self, training, first, zeros):
        """The state before a batch.

        Args:
            training (bool): of which of both texts.
            first (Tensor): int64 [N], 1 where a row begins.
            zeros (Tensor): the state [N, ...] where all rows begin.

        Raises:
            ConfigError: the rows of a batch are not those of the batch before.
        """
        first = np.asarray(first)
        if first.all():
            return zeros
        state = self.states.get(training)
        if first.any() or state is None or state.shape[0] != len(first):
            raise ConfigError(
                f"a batch of {len(first)} rows does not continue the one before: data.{{train,eval}}.rows must be "
                "the rows of a batch (batch_size times the processes), in their order (sampler without shuffling)"
            )
        return state

    def keep(self, training, state):
        """Keeps the state behind a batch, through which no gradient goes back."""
        self.states[training] = state.detach()

    def arrays(self):
        """The state behind the last piece of the training text, for checkpoints."""
        return {"carried": self.states[True].numpy()} if True in self.states else {}

    def load(self, arrays):
        """The inverse of `arrays`."""
        if "carried" in arrays:
            self.states[True] = paddle.to_tensor(arrays["carried"])
