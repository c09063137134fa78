"""Fits the baselines of a configuration's task to its training data, and scores them as the model is scored."""

from common.build.data import build_dataset, build_loader, build_metric, class_names
from common.build.learn_transforms import fit_transforms
from common.contract import get_optional
from common.errors import ConfigError, DataError
from common.inference.evaluate import evaluate, needs_of
from common.inference.task import in_words, task_of
from common.log import counted, logger

from .by_task import BY_TASK
from .faces import FaceCascade
from .items import ItemKNN
from .masked_words import UnigramFill
from .masks import FrequentClass, OtsuThreshold
from .running_texts import KneserNeyTrigram, TwoWayTrigram

MOST = 200_000  # training samples


def score_baselines(config, split="eval", most=MOST):
    """Scores of the baselines of a task on a split.

    Args:
        config (Config): checked.
        split (str): eval or test.
        most (int): training samples to fit to; the first ones.

    Returns:
        tuple[dict[str, dict[str, float]], object]: title -> scores, and the metric.

    Raises:
        ConfigError: the task has no baseline, or the metric does not score predictions.
        DataError: there is no training sample.
    """
    kinds, task = baselines_of(config), task_of(config)
    config.set("train.workers", 0)
    config.set("eval.workers", 0)
    if config.get("data.train.mode", None) is not None and ItemKNN in kinds:
        config.set("data.train.mode", "last")  # one row per session
    train = build_dataset(config, "train")
    fit_transforms(config, train)
    evaluation = build_dataset(config, split, class_names(train), "data.train")
    metric = build_metric(config, evaluation, task)
    if needs_of(metric) not in {kind.gives for kind in kinds}:
        name = config.get("data.metric.type")
        raise ConfigError(f"{config.place('data.metric')}: {name} needs a model, and a baseline gives predictions only")
    models = fit_all(config, kinds, train, metric, most)
    scores = {}
    for model in models:
        with build_loader(config, split, evaluation, config.settings("eval"), training=False) as loader:
            scores[model.title] = evaluate({model.gives: model.predict}, loader, metric)
    return scores, metric


def baselines_of(config):
    """The classes of the baselines for the task of a configuration."""
    task = task_of(config)
    found = next((BY_TASK[kind.__name__] for kind in type(task).__mro__ if kind.__name__ in BY_TASK), None)
    if found is None:
        known = ", ".join(in_words(name) for name in BY_TASK)
        about = in_words(task.name) if task else "this task"
        raise ConfigError(
            f"{config.place('model')}: there is no simple baseline for {about}; there are some for {known}"
        )
    return found


def fit_all(config, kinds, train, metric, most):
    """The baselines, fitted to the training samples, which the transforms of `data.eval` prepare."""
    models, count = None, 0
    with build_loader(config, "eval", train, config.settings("eval"), training=False) as loader:
        for batch in loader.epoch(0):
            if models is None:
                models = make_baselines(config, kinds, train, metric, batch)
                if not any(model.learns for model in models):
                    return models
            for model in models:
                model.see(batch)
            count += len(next(iter(batch.values())))
            if count >= most:
                logger.warning("the baselines are fitted to the first %d training samples (--most)", count)
                break
    if not models:
        raise DataError("data.train gave no sample to fit the baselines to")
    for model in models:
        logger.info("%s: fitting to %s", model.title, counted(count, "sample"))
        model.fit()
    return models


def make_baselines(config, kinds, train, metric, batch):
    """The baselines that suit a batch."""
    if FaceCascade in kinds:
        return [FaceCascade(class_names(train))]
    if ItemKNN in kinds:
        if not {"items", "target"} <= set(batch) or config.get("num_items", None) is None:
            raise ConfigError(f"{config.place('data.train')}: the baselines of retrieval need sessions of items")
        return [kind(config.get("num_items"), max(metric.at)) for kind in kinds]
    if KneserNeyTrigram in kinds:
        if "backward_ids" in batch:
            return [TwoWayTrigram(config.get("model.encoder.vocab_size"))]
        return [KneserNeyTrigram(config.get("model.vocab_size"))]
    if UnigramFill in kinds:
        return [UnigramFill(config.get("model.encoder.vocab_size"))]
    count = get_optional(train, "dataset", "num_classes")
    if FrequentClass in kinds:
        if "mask" not in batch:
            raise ConfigError(f"{config.place('data.train')}: the baselines need a mask for each training image")
        return [kind(count) for kind in kinds if kind is not OtsuThreshold or count == 2]
    if not {"tags", "label", "keypoints"} & set(batch):
        raise ConfigError(f"{config.place('data.train')}: the baselines need a label for each training sample")
    return [kind(count) for kind in kinds if not hasattr(kind, "suits") or kind.suits(batch)]
