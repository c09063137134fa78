"""Builds datasets, transforms, samplers, loaders and metrics from a configuration."""

from common.config.build import Builder
from common.config.check import SPLIT_KEYS
from common.contract import check_names, get_optional
from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import EpochSampler, EvaluationSampler, StreamSampler
from common.errors import ConfigError
from common.log import logger
from common.system import distributed


def build_dataset(config, split, known=None, source="data.train"):
    """Builds the dataset of `data.<split>`, without its transforms and its sampler.

    Args:
        config (Config): checked.
        split (str): train, eval or test.
        known (list[str]): class names of the model; data of the same names in another order, or of some of them, are
            numbered by these.
        source (str): what has these classes, for messages.

    Raises:
        ConfigError: the configuration has no such split, its labels differ from the configuration's, or it has other
            classes than `known`.
        DataError: files of the dataset are invalid.
    """
    dataset = read_dataset(config, split, config.get("labels"))
    names = class_names(dataset)
    if known is None or names is None or names == known:
        return dataset
    chosen = config.get("labels") is not None or config.get(f"data.{split}.labels", None) is not None
    if set(names) <= set(known) and not chosen:
        mapped = read_dataset(config, split, known)
        if class_names(mapped) == known:
            logger.info("data.%s: its classes %s are numbered as in %s: %s", split, names, source, known)
            return mapped
    raise ConfigError(
        f"{config.place(f'data.{split}')}: {source} has the classes {known}, data.{split} has {names}\n"
        f"  fix: both need the same classes in the same order: labels: {known}"
    )


def read_dataset(config, split, labels):
    """The dataset of `data.<split>`, with the class names `labels` if it takes them; raises as `build_dataset`."""
    node = config.get(f"data.{split}")
    if node is None:
        have = ", ".join(name for name in ("train", "eval", "test") if config.get(f"data.{name}"))
        raise ConfigError(f"{config.place('data')}: there is no data.{split}; the splits are {have or 'none'}")
    given = {"labels": labels} | {key: config.get(key) for key in ("num_classes", "seed")}
    given = {key: value for key, value in given.items() if value is not None}  # else the dataset's own default
    inner = {key: given[key] for key in ("seed",) if key in given}  # readers within a reader have classes of their own
    dataset = Builder(config.namespace, inner).build(config.node(f"data.{split}"), ignore=SPLIT_KEYS, **given)
    check_names(dataset, "dataset", config.place(f"data.{split}"))
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
    """The class names of a dataset (list[str]); None for data without classes."""
    labels = get_optional(dataset, "dataset", "labels")
    return None if labels is None else list(labels)


def build_metric(config, dataset, task=None):
    """Builds the metric of `data.metric`; its constructor may take `dataset` and `task`.

    Args:
        config (Config): checked.
        dataset (object): the evaluation data.
        task (Task | None): see `common.inference.task.task_of`; for metrics that score records.
    """
    given = {"dataset": dataset} if task is None else {"dataset": dataset, "task": task}
    metric = config.build("data.metric", **given)
    check_names(metric, "metric", config.place("data.metric"))
    return metric


def build_transforms(config, split, **given):
    """Builds the transforms of `data.<split>`, in order."""
    count = len(config.get(f"data.{split}.transforms", []))
    return [config.build(f"data.{split}.transforms.{i}", **given) for i in range(count)]


def build_loader(config, split, dataset, settings, training, alone=False):
    """Builds a loader of `dataset`: shuffled full batches for training, every sample once for evaluation.

    `data.<split>.sampler` replaces these samplers.

    Args:
        config (Config): the checked configuration.
        split (str): train, eval or test.
        dataset (object): returned by `build_dataset`.
        settings (Train | Eval): batch size, workers, handling of bad samples.
        training (bool): shuffle, and drop an incomplete last batch.
        alone (bool): this process reads all samples instead of its share.
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
    """Builds the batch sampler of `dataset`; see :func:`build_loader`.

    The sampler of data.train is ignored where that split is evaluated, unless it is a stream.

    Raises:
        ConfigError: the dataset does not support the sampler of the configuration.
        DataError: the dataset is too small.
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
            kind = "is a stream, which takes StreamSampler" if is_stream else "is not a stream: use another sampler"
            name = f"{config.get(f'{node}.type')} does not suit"
            raise ConfigError(f"{config.place(node)}: {name} {type(dataset).__name__}: data.{split} {kind}")
        return sampler
    if is_stream:
        return StreamSampler(drop_last=training, **given)
    if training:
        return EpochSampler(shuffle=True, seed=config.get("seed"), drop_last=True, **given)
    return EvaluationSampler(**given)


def given_classes(labels):
    """The arguments about classes that the program passes to components."""
    return {} if labels is None else {"labels": labels, "num_classes": len(labels)}
