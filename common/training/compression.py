"""What a way to make a model smaller answers, and what it is given; `slim:` in a configuration names one.

A method is a class of the kit PaddleSlim (or of the configuration's own kit) that derives from :class:`Compression`.
What it does to a model's structure is a list of steps, see `common.weights.structure`.
"""

import contextlib
import itertools

from common.build.data import build_dataset, build_loader, build_metric
from common.contract import offered
from common.errors import ConfigError
from common.inference.evaluate import sources_of, update
from common.inference.task import task_of
from common.system import distributed
from common.weights.structure import Structure, apply_steps, slim_section


class Compression:
    """A method; what it leaves out does nothing.

    `trains` is False for one that is done after `compress`: the run then evaluates, saves and ends.
    """

    trains = True

    def compress(self, model, context):
        """Changes a model in place, before its training, and answers what it did to the structure.

        Called once for a run, in the main process alone, not when the run is resumed. Weights may change too.

        Args:
            model (nn.Layer): on its weights.
            context (Context): the data and the place of the run.

        Returns:
            list[dict]: steps in JSON types that repeat the change of structure without any data, see
                `common.weights.structure`; none where the structure stays.
        """
        return []

    def prepare(self, model, context):
        """Gets ready to train, after `compress` and after resuming: builds a teacher, finds layers by name."""

    def loss(self, model, batch, losses):
        """The losses to train with, by name.

        Args:
            model (nn.Layer): in training mode.
            batch (dict): of Tensors, as the model's `loss` takes it.
            losses (dict): what `model.loss(batch)` answered.
        """
        return losses


class Context:
    """What a method may look at: the data, the scores of a model, the run.

    Args:
        config (Config): checked.
        folder (Path): of the run; files of the method's own may be kept there.
        datasets (dict): split -> data set, those that are built already.
        dry (bool): whether the run only tries everything once: scores are then those of one batch.
    """

    def __init__(self, config, folder, datasets=None, dry=False):
        self.config, self.folder, self.dry = config, folder, dry
        self.seed = config.get("seed")
        self.datasets = {split: found for split, found in (datasets or {}).items() if found is not None}
        self.remembered = {}

    def dataset(self, split):
        """The data set of a split."""
        if split not in self.datasets:
            self.datasets[split] = build_dataset(self.config, split)
        return self.datasets[split]

    def batches(self, split, count=None):
        """The first batches of a split, as dicts of arrays; those of `train` shuffled by the seed.

        Args:
            split (str): train, eval or test; its settings give the size of a batch.
            count (int): how many; all of one epoch when None.
        """
        settings = self.config.settings("train" if split == "train" else "eval")
        loader = build_loader(self.config, split, self.dataset(split), settings, training=split == "train", alone=True)
        with loader, contextlib.closing(loader.epoch(0)) as found:
            yield from itertools.islice(found, count)

    def first_batches(self, split, count):
        """A list of :meth:`batches` that is read once and remembered."""
        if (split, count) not in self.remembered:
            self.remembered[split, count] = list(self.batches(split, count))
        return self.remembered[split, count]

    def metric(self, split="eval"):
        """The score of the configuration for a split; `primary` names its main number.

        Raises:
            ConfigError: the configuration has none.
        """
        if self.config.get("data.metric", None) is None:
            raise ConfigError(f"{self.config.place('slim')}: {self.config.get('slim.type')} needs data.metric")
        return build_metric(self.config, self.dataset(split), task_of(self.config))

    def evaluate(self, model, count=None, split="eval"):
        """The scores of a model on a split, {name: number}, by this process alone.

        Args:
            model (nn.Layer): its mode is restored.
            count (int): of batches, which are kept in memory for the next time; all of them when None.
            split (str): train, eval or test.
        """
        metric, was_training = self.metric(split), model.training
        count = 1 if self.dry else count
        metric.reset()
        model.eval()
        try:
            for batch in self.batches(split) if count is None else self.first_batches(split, count):
                update(metric, sources_of(model), batch)
        finally:
            if was_training:
                model.train()
        return metric.compute()

    def example_inputs(self, model):
        """A batch of one sample for `forward`: {name: array}."""
        from common.export.write import example_inputs

        return example_inputs(model, self.config)


def begin(config, model, context, resumed):
    """The method of a configuration, begun: the model is compressed or, in a resumed run, stays as it was found.

    Args:
        config (Config): with `slim:`.
        model (nn.Layer): on its weights; of a resumed run, with the structure of the checkpoint.
        context (Context): of this run.
        resumed (bool): whether the run goes on.

    Returns:
        Compression: ready to train.
    """
    method = config.build("slim", ignore=("kit",), seed=config.get("seed"))
    if not resumed:
        steps = method.compress(model, context) if distributed.is_main() else None
        if distributed.world_size() > 1:  # one process measures, the rest repeat what it did; weights follow later
            steps = distributed.all_gather_json(steps)[0]
            if not distributed.is_main():
                apply_steps(model, steps, config.methods)
        before = offered(model, "model", "structure") or Structure()
        model.structure = before.extend(slim_section(config), steps)
    method.prepare(model, context)
    return method


def add_loss(method, model):
    """Has the model's `loss` answer with the terms of the method too."""
    if type(method).loss is Compression.loss:
        return
    plain = model.loss
    model.loss = lambda batch, **given: method.loss(model, batch, plain(batch, **given))
