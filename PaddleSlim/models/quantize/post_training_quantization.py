"""Post-training quantization (PTQ): calibrates a trained model on some batches, without training."""

from common.log import logger
from common.training.compression import Compression

from .calibration import Rules, prediction_of, quantize
from .structure import quantized_weights


class PostTrainingQuantization(Compression):
    """Quantizes the weights and activations of a trained model to 8 bits.

    Args:
        observer (str): the range of activations: abs_max, moving_average, percentile, kl or mse.
        weights (str): the scale of each weight channel: abs_max or mse.
        batches (int): number of calibration batches, of the training data.
        layers (list[str]): patterns of the paths of layers to quantize, such as `backbone.*`.
        keep_float (list[str]): patterns of the paths of layers that stay in floating point, such as `head.*`.
        outputs (bool): whether to quantize also outputs of convolutions with other consumers (additions, poolings), as
            runtimes need it.
        percentile (float): of the values inside the range, in percent, for the observer `percentile`.
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
        """Folds batch normalization, inserts quantizers and calibrates them."""
        return quantize_model(model, context, self.rules)


def quantize_model(model, context, rules):
    """Quantizes a model with its training data; returns the steps of the structure, see structure.py.

    Args:
        model (nn.Layer): floating-point; it keeps its mode.
        context (Context): of the run.
        rules (Rules): what to quantize, and how.
    """
    was_training = model.training
    steps = quantize(model, prediction_of(model), context.batches("train", 1 if context.dry else rules.batches), rules)
    if was_training:
        model.train()
    found = quantized_weights(model)
    logger.info("quantized: %d layers, %d additional outputs", len(found), len(steps[-1]["ends"]))
    return steps
