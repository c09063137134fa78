"""Builds the model of a training run: pretrained weights, compression, and synchronization of all processes."""

from pathlib import Path

from common.build.data import class_names
from common.build.learned_files import warn_of_changes
from common.build.model import build_model, warn_of_other_labels
from common.build.preparation import warn_of_other_preparation
from common.contract import get_optional
from common.layers.sync_batch_norm import convert_sync_batch_norm
from common.system import distributed
from common.training import compression
from common.weights import pretrained
from common.weights.structure import check_agreement


def build_network(config, prepared, context, resume_from=None):
    """Builds the model to train and the compression method of `slim:`.

    Args:
        config (Config): checked.
        prepared (Prepared): the datasets and the weights to start from.
        context (Context): of this run, for the method of `slim:`.
        resume_from (Path): the checkpoint to resume from, whose structure the model takes.

    Returns:
        tuple: the model, with synchronized batch normalization if there are several processes, and the method or None.
    """
    model = build_model(config, class_names(prepared.train), resume_from)
    for key, arrays in prepared.weights.items() if resume_from is None else ():
        pretrained.load_arrays(model, arrays, source=str(config.get(key)), strict=key == "weights")
        if key == "pretrained" and Path(config.get(key)).exists():
            warn_of_changes(config, config.get(key))
            warn_of_other_labels(config, class_names(prepared.train), config.get(key))
            warn_of_other_preparation(config, "train", config.get(key))
    if resume_from is not None:
        warn_of_other_preparation(config, "train", str(resume_from))
    method = compress(config, model, context, resume_from) if config.get("slim", None) else None
    if distributed.world_size() > 1:
        convert_sync_batch_norm(model)
        distributed.broadcast_parameters(model)
    model.labels = class_names(prepared.train)
    return model, method


def compress(config, model, context, resume_from):
    """Applies the method of `slim:` to the model, and returns it; in a resumed run the model is compressed already."""
    if resume_from is not None:
        check_agreement(config, get_optional(model, "model", "structure"), resume_from)
    method = compression.begin_compression(config, model, context, resume_from is not None)
    compression.add_loss(method, model)
    return method
