"""Quantisation of a trained model: some batches show the ranges, nothing is trained."""

from common.log import logger
from common.training.compression import Compression

from .calibration import Rules, prediction_of, quantize
from .structure import quantized_weights


class PostTrainingQuantization(Compression):
    """Gives a trained model 8-bit weights and activations.

    Args:
        observer (str): what range an activation gets: abs_max, moving_average, percentile, kl or mse.
        weights (str): what scale a channel of a weight gets: abs_max or mse.
        batches (int): of training data that are looked at.
        layers (list[str]): patterns of the layers to quantise, such as `backbone.*`.
        keep_float (list[str]): patterns of layers that stay float, such as `head.*`.
        outputs (bool): quantise what convolutions hand to other layers (sums, poolings) too, as runtimes want it.
        percentile (float): of the numbers that are inside the range, in percent, for the observer of this name.
    """

    trains = False

    def __init__(
        self,
        observer="mse",
        weights="abs_max",
        batches=16,
        layers=("*",),
        keep_float=(),
        outputs=True,
        percentile=99.99,
    ):
        self.rules = Rules(observer, weights, batches, tuple(layers), tuple(keep_float), outputs, percentile)

    def compress(self, model, context):
        """Folds batch normalisation, quantises, and finds the ranges."""
        return quantize_model(model, context, self.rules)


def quantize_model(model, context, rules):
    """Quantises a model on its training data: the steps, see structure.py.

    Args:
        model (nn.Layer): float; it keeps its mode.
        context (Context): of the run.
        rules (Rules): what to quantise, and how.
    """
    was_training = model.training
    steps = quantize(model, prediction_of(model), context.batches("train", 1 if context.dry else rules.batches), rules)
    if was_training:
        model.train()
    found = quantized_weights(model)
    logger.info("quantised: %d layers, %d more ends", len(found), len(steps[-1]["ends"]))
    return steps
