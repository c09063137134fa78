"""Evaluation: every sample of a dataset once over all processes, one score at the end.

A metric says what it needs of the model, by its class attribute `needs`:
    predictions   {output name: array} of `forward`, what an exported model gives too (this is the default)
    losses        {loss name: float} of `loss` in evaluation mode
    model         the model itself, for metrics that run it in a way of their own
"""

import contextlib
import itertools

from common.build.inputs import check_batch
from common.build.model import predictor_of
from common.contract import get_optional
from common.errors import ConfigError, DataError
from common.system import distributed


def evaluate(sources, loader, metric, after_batch=None):
    """The scores of a model on a dataset.

    Args:
        sources (dict[str, Callable]): by what a metric can need: from a batch to it, see :func:`sources_of`.
        loader (Loader): gives this process its share of the samples.
        metric (object): `reset`, `update`, `state`, `merge`, `compute`.
        after_batch (Callable): called with (batch, predictions) after each batch, None in place of predictions where
            the metric needs something else; may raise to end the pass.

    Returns:
        dict[str, float]: the scores over all processes.

    Raises:
        ConfigError: the metric needs what this model, such as an exported one, cannot give.
        DataError: there was nothing to evaluate on.
    """
    metric.reset()
    empty = True
    for batch in loader.epoch(0):
        empty = False
        found = update(metric, sources, batch)
        if after_batch:
            after_batch(batch, found if needs_of(metric) == "predictions" else None)
    if distributed.all_true(empty):
        raise DataError("the data to evaluate on gave no batch")
    if distributed.world_size() > 1:
        metric.merge(distributed.all_gather_state(metric.state()))
    return metric.compute()


def update(metric, sources, batch):
    """Gives a metric what it needs of one batch, and returns that.

    Raises:
        ConfigError: the metric reads an output that the model does not give, or a key that the data do not have.
    """
    found = source_for(metric, sources)(batch)
    try:
        metric.update(found, batch)
    except KeyError as error:
        name = error.args[0]
        if not isinstance(found, dict) or name in found:
            raise
        raise ConfigError(
            f"data.metric: {type(metric).__name__} needs {name!r}; the model gives {', '.join(found)}, "
            f"the data {', '.join(batch)}\n  fix: choose a metric or a model that fits"
        ) from error
    return found


def update_once(model, loader, metric, split="eval"):
    """Gives a metric the first batch of a loader, to find what would end an evaluation; the model evaluates already."""
    metric.reset()
    with contextlib.closing(loader.epoch(0)) as batches:
        for batch in itertools.islice(batches, 1):
            check_batch(model, batch, f"data.{split}")
            update(metric, sources_of(model), batch)


def source_for(metric, sources):
    """The function from a batch to what a metric needs.

    Raises:
        ConfigError: the model cannot give it.
    """
    needs = needs_of(metric)
    if needs not in sources:
        raise ConfigError(
            f"{type(metric).__name__} needs the {needs} of a model in memory; an exported model gives predictions only"
            if needs in ("losses", "model")
            else f"{type(metric).__name__} needs '{needs}'; a metric needs predictions, losses or model"
        )
    return sources[needs]


def needs_of(metric):
    """The kind of input of a metric: `predictions`, `losses` or `model`."""
    return get_optional(metric, "metric", "needs")


def sources_of(model):
    """The inputs of metrics from a model in memory, by kind: functions of a batch."""
    return {"predictions": predictor_of(model), "losses": losses_of(model), "model": lambda batch: model}


def losses_of(model):
    """A function from a batch of arrays to the model's named losses (dict of floats), without gradients."""
    import numpy as np
    import paddle

    def losses(batch):
        check_batch(model, batch, "the data")
        tensors = {k: paddle.to_tensor(v) if isinstance(v, np.ndarray) else v for k, v in batch.items()}
        with paddle.no_grad():
            return {name: float(value.item()) for name, value in model.loss(tensors).items()}

    return losses
