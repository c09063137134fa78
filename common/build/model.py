"""Builds the model of a configuration, with its class names and weights."""

from pathlib import Path

from common.build.data import build_dataset, class_names, given_classes
from common.build.inputs import check_evaluation_transforms, check_image_sizes, check_inputs
from common.build.learned_files import adopt_files
from common.config import load_config
from common.contract import check_names, get_optional
from common.errors import ConfigError
from common.log import logger
from common.system import random_state, runtime
from common.system.device import select_device
from common.weights import checkpoint, pretrained, structure
from common.weights.published import find_published


def labels_of(config, dataset=None):
    """The class names: of the dataset, of the configuration, or of the checkpoint that `weights` names.

    None if the data, or the data of the checkpoint, have no classes.
    """
    if dataset is not None:
        return class_names(dataset)
    if config.get("labels") is not None:
        return list(config.get("labels"))
    published = find_published(config.kit, config.get("weights"))
    if published is not None and published.labels:
        return published.class_names()
    saved = saved_config(config)
    if saved is not None:  # it records the classes of its training data, if any
        return None if saved.get("labels") is None else list(saved.get("labels"))
    for split in ("eval", "train"):
        if config.get(f"data.{split}"):
            return class_names(build_dataset(config, split))
    raise ConfigError(f"{config.path}: no labels: give labels, a dataset, or weights=CHECKPOINT")


def saved_config(config):
    """The configuration saved in the checkpoint that `weights` names, or None."""
    if not config.get("weights") or find_published(config.kit, config.get("weights")):
        return None
    found = checkpoint.find_weights(config.get("weights"))
    path = (found.parent if found.is_file() else found) / "config.yml"
    return load_config(path, default_kit=config.kit) if path.is_file() else None


def build_model(config, labels, weights=None):
    """Builds the model of the configuration, with random weights from `seed`.

    Args:
        config (Config): checked.
        labels (list[str] | None): class names.
        weights (str | Path): the checkpoint whose structure the model takes; that of `weights`, else of `pretrained`,
            when None.
    """
    import paddle

    from common.layers.fast_conv import use_fast_convolutions

    random_state.seed(config.get("seed"))
    with paddle.utils.unique_name.guard():
        model = config.build("model", **given_classes(labels))
    check_names(model, "model", config.place("model"))
    use_fast_convolutions(model, config.get("onednn"))
    check_image_sizes(config, model)
    check_evaluation_transforms(config, model, labels)
    structure.restore_structure(model, config, weights or weights_of(config))
    return model


def read_configured_weights(config, key="weights"):
    """Reads the arrays of `weights` (or `pretrained`), a path or a name of the kit's index: name -> array.

    Raises:
        ConfigError: the key is not set, or the file does not exist.
        CheckpointError: the file is damaged.
        EnvironmentProblem: the download failed.
    """
    weights = weights_of(config) if key == "weights" else config.get(key)
    if not weights:
        folder = Path(config.get("output_dir")) / config.name
        raise ConfigError(f"no weights: give -o weights={folder / 'best'}")
    published = find_published(config.kit, weights)
    if published is None:
        if key == "weights" and Path(weights).exists():
            adopt_files(config, weights)
        return checkpoint.read_weights(weights)
    published.check_settings(config)
    return published.arrays()


def load_weights(model, arrays, config):
    """Loads the result of :func:`read_configured_weights` into the model; all arrays must fit."""
    structure.check_agreement(config, get_optional(model, "model", "structure"), weights_of(config))
    pretrained.load_arrays(model, arrays, source=str(weights_of(config)), strict=True)
    logger.info("weights: %s", weights_of(config))


def trained_model(config, dataset=None, arrays=None):
    """The model of a configuration with its `weights`, in evaluation mode, and its class names or None.

    Args:
        config (Config): checked; names the weights.
        dataset (object): provides the classes; see :func:`labels_of` when None.
        arrays (dict[str, ndarray]): the weights, if they are read already.
    """
    arrays = read_configured_weights(config) if arrays is None else arrays
    labels = labels_of(config, dataset)
    runtime.prepare()
    select_device(config.get("device"))
    model = build_model(config, labels)
    load_weights(model, arrays, config)
    model.eval()
    return model, labels


def weights_of(config):
    """The path or name of the weights of a trained model: `weights`, else `pretrained`, all of which must fit then."""
    return config.get("weights") or config.get("pretrained")


def predictor_of(model):
    """Returns a function from a batch to {output name: array}, which runs the model in memory."""
    import paddle

    def predict(batch):
        check_inputs(model.inputs, batch, "the data", multiple=get_optional(model, "model", "size_multiple"))
        with paddle.no_grad():
            outputs = model(*[paddle.to_tensor(batch[name]) for name in model.inputs])
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        return {name: value.numpy() for name, value in zip(model.outputs, outputs, strict=True)}

    return predict
