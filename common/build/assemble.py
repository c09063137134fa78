"""From a checked configuration to the objects a command works with: data sets, loaders, the model, its weights."""

from pathlib import Path

from common.weights import checkpoint, pretrained, structure
from common.system import distributed, random_state
from common.config import load_config
from common.config.check import SPLIT_KEYS
from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import EpochSampler, EvaluationSampler, StreamSampler
from common.errors import ConfigError
from common.weights.published import find_published
from common.build.learned_files import adopt_files
from common.log import logger
from common.build.inputs import check_inputs
from common.vision.sizes import check_picture_sizes


def build_dataset(config, split):
    """The data set of `data.<split>`, without its transforms and its sampler.

    Raises:
        ConfigError: the configuration has no such split, or its labels differ from the configuration's.
        DataError: files of the data set are wrong.
    """
    node = config.get(f"data.{split}")
    if node is None:
        have = ", ".join(name for name in ("train", "eval", "test") if config.get(f"data.{name}"))
        raise ConfigError(f"{config.place('data')}: data.{split} is not there; the splits are {have or 'none'}")
    given = {key: config.get(key) for key in ("labels", "num_classes", "seed")}
    dataset = config.build(f"data.{split}", ignore=SPLIT_KEYS, **given)
    wanted, labels = config.get("labels"), class_names(dataset)
    if wanted is not None and labels is not None and list(wanted) != labels:
        raise ConfigError(f"{config.place('labels')}: labels is {list(wanted)}, but data.{split} has {labels}")
    count = config.get("num_classes")
    if count is not None and labels is not None and count != dataset.num_classes:
        raise ConfigError(
            f"{config.place('num_classes')}: num_classes is {count}, but data.{split} has {dataset.num_classes} classes"
        )
    return dataset


def class_names(dataset):
    """The names of the classes of a data set (list[str]), None for data without classes."""
    labels = getattr(dataset, "labels", None)
    return None if labels is None else list(labels)


def build_transforms(config, split, **given):
    """The transforms of `data.<split>`, in order."""
    count = len(config.get(f"data.{split}.transforms", []))
    return [config.build(f"data.{split}.transforms.{i}", **given) for i in range(count)]


def build_loader(config, split, dataset, settings, training, alone=False):
    """A loader over `dataset`: shuffled whole batches for training, every sample once for evaluation.

    `data.<split>.sampler` puts another sampler in their place.

    Args:
        config (Config): the checked configuration.
        split (str): train, eval or test.
        dataset (object): what `build_dataset` gave.
        settings (Train | Eval): batch size, workers, what to do with bad samples.
        training (bool): whether to shuffle, and to leave out a last batch that is not full.
        alone (bool): whether this process reads all samples, and not its share of them.
    """
    seed = config.get("seed")
    pipeline = Pipeline(build_transforms(config, split, dataset=dataset, **given_classes(class_names(dataset))), seed)
    sampler = build_sampler(config, split, dataset, settings.batch_size, training, alone)
    return Loader(
        dataset,
        pipeline,
        sampler,
        workers=settings.workers,
        bad_samples=settings.bad_samples,
        watchdog=settings.watchdog,
    )


def build_sampler(config, split, dataset, batch_size, training, alone=False):
    """Which samples of `dataset` make up which batch; see :func:`build_loader`.

    A sampler of data.train is left out where that split is evaluated, unless the split is a stream.

    Raises:
        ConfigError: the sampler of the configuration does not suit the data set.
        DataError: the data set is too small.
    """
    is_stream, node = hasattr(dataset, "iterate"), f"data.{split}.sampler"
    rank, world = (0, 1) if alone else (distributed.rank(), distributed.world_size())
    given = {"batch_size": batch_size, "rank": rank, "world": world}
    if not is_stream:
        given["length"] = len(dataset)
    if config.get(node, None) and (is_stream or training or split != "train"):
        try:
            sampler = config.build(node, dataset=dataset, seed=config.get("seed"), **given)
        except ConfigError as error:
            place = config.place(node)
            raise error if str(error).startswith(place) else ConfigError(f"{place}: {error}") from error
        if is_stream == hasattr(sampler, "batches"):
            kind = "is a stream, which takes StreamSampler" if is_stream else "is no stream: take another sampler"
            name = f"{config.get(f'{node}.type')} does not suit"
            raise ConfigError(f"{config.place(node)}: {name} {type(dataset).__name__}: data.{split} {kind}")
        return sampler
    if is_stream:
        return StreamSampler(drop_last=training, **given)
    if training:
        return EpochSampler(shuffle=True, seed=config.get("seed"), drop_last=True, **given)
    return EvaluationSampler(**given)


def labels_of(config, dataset=None):
    """The class names: of the data set, of the configuration, or of the checkpoint that `weights` names.

    None where the data, or those that the checkpoint was trained on, have no classes.
    """
    if dataset is not None:
        return class_names(dataset)
    if config.get("labels") is not None:
        return list(config.get("labels"))
    published = find_published(config.kit, config.get("weights"))
    if published is not None and published.labels:
        return published.class_names()
    saved = saved_config(config)
    if saved is not None:  # it has the classes of the data it was trained on, if they have any
        return None if saved.get("labels") is None else list(saved.get("labels"))
    for split in ("eval", "train"):
        if config.get(f"data.{split}"):
            return class_names(build_dataset(config, split))
    raise ConfigError(f"{config.path}: no labels: give labels, a data set, or weights=CHECKPOINT")


def saved_config(config):
    """The completed configuration beside the checkpoint that `weights` names, or None."""
    if not config.get("weights") or find_published(config.kit, config.get("weights")):
        return None
    found = checkpoint.find_weights(config.get("weights"))
    path = (found.parent if found.is_file() else found) / "config.yml"
    return load_config(path, default_kit=config.kit) if path.is_file() else None


def build_model(config, labels, weights=None):
    """The model of the configuration, on random weights from `seed`; `export.nms` is its suppression of boxes.

    Args:
        config (Config): checked.
        labels (list[str] | None): class names.
        weights (str | Path): the checkpoint whose structure the model takes; that of `weights`, else of `pretrained`,
            when None.
    """
    import paddle

    random_state.seed(config.get("seed"))
    nms = config.get("export.nms")
    if nms:
        config.set("model.nms", {"type": "MulticlassNMS", **nms})
    with paddle.utils.unique_name.guard():
        model = config.build("model", **given_classes(labels))
    check_picture_sizes(config, model)
    structure.rebuild(model, config, weights or weights_of(config))
    return model


def given_classes(labels):
    """What components that ask for classes are given."""
    return {} if labels is None else {"labels": labels, "num_classes": len(labels)}


def read_weights(config, key="weights"):
    """The arrays that `weights` (or `pretrained`) names, by a path or by a name of the kit's index: name -> array.

    Raises:
        ConfigError: none are named, or nothing is there.
        CheckpointError: they are damaged.
        EnvironmentProblem: they cannot be fetched.
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
    """Puts what :func:`read_weights` gave, all of which must fit, into the model."""
    structure.check_agreement(config, getattr(model, "structure", None), weights_of(config))
    pretrained.apply(model, arrays, source=str(weights_of(config)), strict=True)
    logger.info("weights: %s", weights_of(config))


def weights_of(config):
    """What names the weights of a trained model: `weights`, else `pretrained`, all of which must fit then."""
    return config.get("weights") or config.get("pretrained")


def answer_of(model):
    """A function from a batch to {output name: array}, by the model as it stands in memory."""
    import paddle

    def answer(batch):
        check_inputs(model.inputs, batch, "the data", multiple=getattr(model, "size_multiple", 1))
        with paddle.no_grad():
            outputs = model(*[paddle.to_tensor(batch[name]) for name in model.inputs])
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        return {name: value.numpy() for name, value in zip(model.outputs, outputs, strict=True)}

    return answer
