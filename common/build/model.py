"""Builds the model of a configuration, with its class names and weights."""

from pathlib import Path

from common.build.data import build_dataset, class_names, given_classes
from common.build.inputs import check_batch, check_evaluation_transforms, check_image_sizes
from common.build.learned_files import adopt_files, folder_of
from common.config import load_config
from common.contract import check_names, get_optional
from common.errors import ConfigError
from common.log import logger
from common.system import random_state, runtime
from common.system.device import select_device
from common.weights import checkpoint, pretrained, structure
from common.weights.published import find_published


def labels_of(config, dataset=None, weights=None):
    """The class names: of the dataset, of the configuration, or of the weights.

    None if the data, or the training data of the weights, have no classes.

    Args:
        config (Config): checked.
        dataset (object): provides the classes, where there is one.
        weights (str | Path): `weights` of the configuration when None.

    Raises:
        ConfigError: the weights were trained with other classes, or there is nothing to take classes from.
    """
    weights = weights or config.get("weights")
    if dataset is not None:
        labels, place = class_names(dataset), config.place("data")
    elif config.get("labels") is not None:
        labels, place = list(config.get("labels")), config.place("labels")
    else:
        known, labels = known_labels(config, weights)
        if known:
            return labels
        for split in ("eval", "train"):
            if config.get(f"data.{split}"):
                return class_names(build_dataset(config, split))
        raise ConfigError(f"{config.path}: no labels: give labels, a dataset, or weights=CHECKPOINT")
    check_labels(config, labels, weights, place)
    return labels


def fix_classes(config, labels, dataset=None):
    """Stores the class names, their number and their ids in predictions in the configuration that is saved.

    Args:
        config (Config): checked; its `category_ids` come first.
        labels (list[str] | None): class names; nothing is stored without them.
        dataset (object | None): of the training; without one, the ids are those of the weights.
    """
    if labels is None:
        return
    config.fix(labels=labels, num_classes=len(labels))
    ids = category_ids_of(config) if dataset is None else get_optional(dataset, "dataset", "file_ids")
    if ids is not None and config.get("category_ids") is None:
        config.fix(category_ids=list(ids))


def category_ids_of(config):
    """The ids of the classes in predictions: of the configuration, else of its weights; None for their indices."""
    if config.get("category_ids") is not None:
        return list(config.get("category_ids"))
    saved = saved_config(config, weights_of(config)) if weights_of(config) else None
    return None if saved is None or saved.get("category_ids") is None else list(saved.get("category_ids"))


def check_labels(config, labels, weights, place):
    """Raises ConfigError if weights (a path or a name) were trained with other class names than `labels`."""
    known = known_labels(config, weights)[1]
    if known is not None and labels is not None and known != labels:
        raise ConfigError(
            f"{place}: {weights} was trained with the classes {known}; here they are {labels}\n"
            f"  fix: give labels: {known}, or train for these classes with -o pretrained={weights}"
        )


def known_labels(config, weights):
    """(True, class names or None) as weights, a path or a name of the kit's index, record them; else (False, None)."""
    if not weights:
        return False, None
    published = find_published(config.kit, weights)
    if published is not None:
        return bool(published.labels), published.class_names()
    saved = saved_config(config, weights)
    if saved is None:
        return False, None
    return True, None if saved.get("labels") is None else list(saved.get("labels"))


def saved_config(config, weights):
    """The configuration saved beside weights, or None; weights that are addressed by name have none."""
    if find_published(config.kit, weights) or checkpoint.named_weights(weights) is not None:
        return None
    path = folder_of(weights) / "config.yml"
    return load_config(path, default_kit=config.kit) if path.is_file() else None


def warn_of_other_labels(config, labels, weights):
    """Warns if `pretrained` weights keep a class head of as many other classes."""
    known = known_labels(config, weights)[1]
    if known is not None and labels is not None and known != labels and len(known) == len(labels):
        logger.warning(
            "%s was trained with the classes %s, here they are %s: the weights of the class head are kept, "
            "although they belong to other classes",
            *(weights, known, labels),
        )


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
    """Loads the result of :func:`read_configured_weights` into the model; all arrays of inference must fit."""
    structure.check_agreement(config, get_optional(model, "model", "structure"), weights_of(config))
    beside = get_optional(model, "model", "training_only")
    unneeded = [name for name in model.state_dict() if name.partition(".")[0] in beside and name not in arrays]
    pretrained.load_arrays(model, arrays, source=str(weights_of(config)), strict=True, unneeded=unneeded)
    logger.info("weights: %s", weights_of(config))


def trained_model(config, dataset=None, arrays=None):
    """The model of a configuration with its `weights`, in evaluation mode, and its class names or None.

    Args:
        config (Config): checked; names the weights.
        dataset (object): provides the classes; see :func:`labels_of` when None.
        arrays (dict[str, ndarray]): the weights, if they are read already.
    """
    arrays = read_configured_weights(config) if arrays is None else arrays
    labels = labels_of(config, dataset, weights_of(config))
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
        part = check_batch(model, batch, "the data")
        with paddle.no_grad():
            outputs = part(*[paddle.to_tensor(batch[name]) for name in part.inputs])
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        return {name: value.numpy() for name, value in zip(part.outputs, outputs, strict=True)}

    return predict
