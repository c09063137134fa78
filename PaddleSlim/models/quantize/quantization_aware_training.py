"""Training with fake quantisation, so that the weights learn to bear it (https://arxiv.org/abs/1712.05877, section 3).

It starts as post-training quantisation does, batch normalisation folded for good, and goes on with a small learning
rate: what is trained is what is exported.
"""

from common.training.compression import Compression

from .calibration import Rules
from .post_training_quantization import quantize_model


class QuantizationAwareTraining(Compression):
    """Trains 8-bit weights and activations, from a trained float model.

    Args:
        observer (str): what range an activation starts with: abs_max, moving_average, percentile, kl or mse.
        batches (int): of training data that are looked at first.
        layers (list[str]): patterns of the layers to quantise, such as `backbone.*`.
        keep_float (list[str]): patterns of layers that stay float, such as `head.*`.
        outputs (bool): quantise what convolutions hand to other layers (sums, poolings) too, as runtimes want it.
        percentile (float): of the numbers that are inside the range, in percent, for the observer of this name.
        momentum (float): share of the past in the range of an activation, which follows the extremes of each batch;
            1 leaves the range as it starts.
    """

    def __init__(
        self, observer="moving_average", batches=16, layers=("*",), keep_float=(), outputs=True, percentile=99.99,
        momentum=0.99,
    ):  # fmt: skip
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum is {momentum}; it is 0 to 1")
        self.rules = Rules(
            observer, "abs_max", batches, tuple(layers), tuple(keep_float), outputs, percentile, momentum
        )

    def compress(self, model, context):
        """Folds batch normalisation, quantises, and finds the ranges to start with."""
        return quantize_model(model, context, self.rules)
