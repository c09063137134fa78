"""Quantization-aware training (QAT): fine-tunes a model with fake quantization (https://arxiv.org/abs/1712.05877, 3).

It starts from post-training quantization with batch normalization folded permanently, and continues with a small
learning rate: the trained network is the exported one.
"""

from common.training.compression import Compression

from .calibration import Rules
from .post_training_quantization import quantize_model


class QuantizationAwareTraining(Compression):
    """Fine-tunes 8-bit weights and activations of a trained floating-point model.

    Args:
        observer (str): the initial range of activations: abs_max, moving_average, percentile, kl or mse.
        batches (int): number of calibration batches, of the training data.
        layers (list[str]): patterns of the paths of layers to quantize, such as `backbone.*`.
        keep_float (list[str]): patterns of the paths of layers that stay in floating point, such as `head.*`.
        outputs (bool): whether to quantize also outputs of convolutions with other consumers (additions, poolings), as
            runtimes need it.
        percentile (float): of the values inside the range, in percent, for the observer `percentile`.
        momentum (float): decay of the moving average of the activation ranges, which track the extremes of each batch;
            1 keeps the initial ranges.
    """

    def __init__(
        self, observer="moving_average", batches=16, layers=("*",), keep_float=(), outputs=True, percentile=99.99,
        momentum=0.99,
    ):  # fmt: skip
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum is {momentum}; allowed: 0 to 1")
        self.rules = Rules(
            observer, "abs_max", batches, tuple(layers), tuple(keep_float), outputs, percentile, momentum
        )

    def compress(self, model, context):
        """Folds batch normalization, inserts quantizers and calibrates their initial ranges."""
        return quantize_model(model, context, self.rules)
