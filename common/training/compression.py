"""Interface of model compression methods (pruning, quantization, distillation), named by `slim:`.

A method is a class of the kit PaddleSlim (or of the configuration's own kit) that derives from :class:`Compression`.
Its changes to the model's structure are a list of steps, see `common.weights.structure`.
"""

import contextlib
import itertools

from common.build.data import build_dataset, build_loader, build_metric
from common.contract import get_optional
from common.errors import ConfigError
from common.inference.evaluate import sources_of, update
from common.inference.task import task_of
from common.system import distributed
from common.weights.structure import Structure, apply_steps, slim_section


class Compression:
    """Base class of compression methods; every method has an empty default.

    `trains` is False for a method without training: after `compress` the run evaluates, saves and ends.
    """

    trains = True

    def compress(self, model, context):
        """Compresses a model in place before training, and returns its structural changes.

        Called once per run, in the main process only, and not when the run is resumed.  It may also change weights.

        Args:
            model (nn.Layer): with its weights loaded.
            context (Context): the data, the metric and the folder of the run.

        Returns:
            list[dict]: steps in JSON types that reproduce the structural changes without data, see
                `common.weights.structure`; empty if the structure is unchanged.
        """
        return []

    def prepare(self, model, context):
        """Prepares training, after `compress` and after resuming: for example builds the teacher."""

    def loss(self, model, batch, losses):
        """The training losses by name.

        Args:
            model (nn.Layer): in training mode.
            batch (dict): of Tensors, as the model's `loss` takes it.
            losses (dict): the losses that `model.loss(batch)` returned.
        """
        return losses


class Context:
    """The data, the evaluation and the folder of a run, for compression methods.

    Args:
        config (Config): checked.
        folder (Path): of the run; the method may write files there.
        datasets (dict): split -> dataset, as far as they are built.
        dry (bool): a dry run, whose scores are those of one batch.
    """

    def __init__(self, config, folder, datasets=None, dry=False):
        self.config, self.folder, self.dry = config, folder, dry
        self.seed = config.get("seed")
        self.datasets = {split: found for split, found in (datasets or {}).items() if found is not None}
        self.remembered = {}

    def dataset(self, split):
        """The dataset of a split."""
        if split not in self.datasets:
            self.datasets[split] = build_dataset(self.config, split)
        return self.datasets[split]

    def batches(self, split, count=None):
        """The first batches of a split, as dicts of arrays; those of `train` are shuffled by the seed.

        Args:
            split (str): train, eval or test; its settings give the batch size.
            count (int): number of batches; a whole epoch when None.
        """
        settings = self.config.settings("train" if split == "train" else "eval")
        loader = build_loader(self.config, split, self.dataset(split), settings, training=split == "train", alone=True)
        with loader, contextlib.closing(loader.epoch(0)) as found:
            yield from itertools.islice(found, count)

    def first_batches(self, split, count):
        """The same as a list, cached."""
        if (split, count) not in self.remembered:
            self.remembered[split, count] = list(self.batches(split, count))
        return self.remembered[split, count]

    def metric(self, split="eval"):
        """The metric of the configuration for a split; `primary` names its main score.

        Raises:
            ConfigError: the configuration has none.
        """
        if self.config.get("data.metric", None) is None:
            raise ConfigError(f"{self.config.place('slim')}: {self.config.get('slim.type')} needs data.metric")
        return build_metric(self.config, self.dataset(split), task_of(self.config))

    def evaluate(self, model, count=None, split="eval"):
        """Evaluates a model on a split in this process only: {name: number}.

        Args:
            model (nn.Layer): its mode is restored.
            count (int): number of batches, which are cached; the whole split when None.
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
        from common.export.example import example_inputs

        return example_inputs(model, self.config)


def begin_compression(config, model, context, resumed):
    """Builds the method of a configuration and compresses the model, unless the run is resumed.

    Args:
        config (Config): with `slim:`.
        model (nn.Layer): with its weights; in a resumed run, with the structure of the checkpoint.
        context (Context): of this run.
        resumed (bool): True for a resumed run.

    Returns:
        Compression: ready to train.
    """
    method = config.build("slim", ignore=("kit",), seed=config.get("seed"))
    if not resumed:
        steps = method.compress(model, context) if distributed.is_main() else None
        if (
            distributed.world_size() > 1
        ):  # the main process measures, the others repeat its steps; weights are broadcast later
            steps = distributed.all_gather_json(steps)[0]
            if not distributed.is_main():
                apply_steps(model, steps, config.methods)
        before = get_optional(model, "model", "structure") or Structure()
        model.structure = before.extend(slim_section(config), steps)
    method.prepare(model, context)
    return method


def add_loss(method, model):
    """Wraps the model's `loss` to add the losses of the method."""
    if type(method).loss is Compression.loss:
        return
    plain = model.loss
    model.loss = lambda batch, **given: method.loss(model, batch, plain(batch, **given))
