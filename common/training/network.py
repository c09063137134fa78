"""The model that a training run starts from: built, on pretrained weights, compressed, equal in all processes."""

from pathlib import Path

from common.build.data import class_names
from common.build.learned_files import warn_of_changes
from common.build.model import build_model
from common.contract import offered
from common.layers.sync_batch_norm import convert_sync_batch_norm
from common.system import distributed
from common.training import compression
from common.weights import pretrained
from common.weights.structure import check_agreement


def build_network(config, prepared, context, resume_from=None):
    """The model to train, and the method of `slim:`.

    Args:
        config (Config): checked.
        prepared (Prepared): the data sets and the weights to start from.
        context (Context): of this run, for the method of `slim:`.
        resume_from (Path): the checkpoint of a resumed run, whose structure the model takes.

    Returns:
        tuple: the model, with synchronized batch normalization if there are several processes, and the method or None.
    """
    model = build_model(config, class_names(prepared.train), resume_from)
    for key, arrays in prepared.weights.items() if resume_from is None else ():
        pretrained.load_arrays(model, arrays, source=str(config.get(key)), strict=key == "weights")
        if key == "pretrained" and Path(config.get(key)).exists():
            warn_of_changes(config, config.get(key))
    method = compress(config, model, context, resume_from) if config.get("slim", None) else None
    if distributed.world_size() > 1:
        convert_sync_batch_norm(model)
        distributed.broadcast_parameters(model)
    model.labels = class_names(prepared.train)
    return model, method


def compress(config, model, context, resume_from):
    """The method of `slim:`, which has changed the model, or found it changed in a resumed run."""
    if resume_from is not None:
        check_agreement(config, offered(model, "model", "structure"), resume_from)
    method = compression.begin(config, model, context, resume_from is not None)
    compression.add_loss(method, model)
    return method
