"""One pass over an evaluation set: every sample once over all processes, one score at the end."""

from common.errors import DataError
from common.system import distributed


def evaluate(answer, loader, metric, after_batch=None):
    """The scores of a model on a data set.

    Args:
        answer (Callable): from a batch to {output name: array}; the model in memory or an exported one.
        loader (Loader): gives this process its share of the samples.
        metric (object): `reset`, `update`, `state`, `merge`, `compute`.
        after_batch (Callable): called with (batch, outputs) after each batch; may raise to end the pass.

    Returns:
        dict[str, float]: the scores over all processes.

    Raises:
        DataError: there was nothing to evaluate on.
    """
    metric.reset()
    empty = True
    for batch in loader.epoch(0):
        empty = False
        outputs = answer(batch)
        metric.update(outputs, batch)
        if after_batch:
            after_batch(batch, outputs)
    if distributed.all_true(empty):
        raise DataError("the data to evaluate on gave no batch")
    if distributed.world_size() > 1:
        metric.merge(distributed.all_gather_state(metric.state()))
    return metric.compute()
