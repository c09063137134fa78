"""Removes the filters that matter least: a smaller network of the same kind, which is then trained on."""

import contextlib
import copy
import statistics
import tempfile
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import numpy as np

from common.errors import ConfigError
from common.log import logger
from common.training.compression import Compression

from .channel_graph import ChannelGraph
from .criteria import score_units
from .prune_channels import remove_channels
from .sensitivity import Sensitivity
from .targets import by_sensitivity, meet, nearest_by, plan_of, removed_by, same_share

REPEATS = 30  # measurements of a latency, of which the median counts
TRIED_SHARES = (0.3, 0.6)  # of a dry run


class FilterPruning(Compression):
    """Removes whole channels, everywhere at once where they go together, until a target is met.

    One of `flops`, `latency` and `shares` says how much. With the first two, `allocate` says which layers lose it.

    Args:
        flops (float): the share of the multiply-adds that stays, met within 2 %.
        latency (float): the share of the measured time of a prediction that stays, about.
        shares (dict[str, float]): by patterns of layer paths, the share of the filters that goes; the first one counts.
        layers (list[str]): patterns of the paths of layers that may lose filters.
        exclude (list[str]): patterns of those that may not.
        criterion (str): l1, geometric_median or bn_scale.
        allocate (str): uniform, the same share everywhere, or sensitivity.
        split (str): what sensitivities are measured on: eval, train or test.
        batches (int): how many batches of it; all when null.
    """

    def __init__(
        self,
        flops: float | None = None,
        latency: float | None = None,
        shares: dict | None = None,
        layers=("*",),
        exclude=(),
        criterion: Literal["l1", "geometric_median", "bn_scale"] = "l1",
        allocate: Literal["uniform", "sensitivity"] = "uniform",
        split: Literal["eval", "train", "test"] = "eval",
        batches: int | None = None,
    ):
        given = [
            name for name, value in (("flops", flops), ("latency", latency), ("shares", shares)) if value is not None
        ]
        if len(given) != 1:
            raise ValueError(
                f"FilterPruning takes one of flops, latency and shares; given are {', '.join(given) or 'none'}"
            )
        if shares is not None and not shares:
            raise ValueError(
                "FilterPruning: shares is empty; it has patterns of layer paths, and the share of each that goes"
            )
        for value in (flops, latency, *(shares or {}).values()):
            if value is not None and not 0 < value < 1:
                raise ValueError(f"FilterPruning: {given[0]} is {value}; allowed: between 0 and 1")
        self.flops, self.latency, self.shares = flops, latency, shares
        self.layers, self.exclude, self.criterion = tuple(layers), tuple(exclude), criterion
        self.allocate, self.split, self.batches = allocate, split, batches

    def compress(self, model, context):
        """Removes channels of a model in place; the one step of its structure."""
        inputs = context.example_inputs(model)
        graph = ChannelGraph(model, inputs)
        groups = self.chosen(graph)
        arrays = {name: value.numpy() for name, value in model.state_dict().items()}
        scores = score_units(graph, arrays, groups, self.criterion)
        orders = [np.array(sorted(group.units, key=lambda unit: scores[unit])) for group in groups]
        plan = self.plan(model, graph, groups, orders, inputs, context)
        removed = removed_by(plan, orders)
        outputs = answered(model, inputs)
        step = remove_channels(model, graph.kept(removed))
        check_answers(model, inputs, outputs)
        whole, left = graph.macs(), graph.macs(removed)
        logger.info("pruned %d of %d channels: %.1f %% of the multiply-adds stay (%d of %d)", len(removed),
                    sum(len(group.units) for group in graph.groups), 100 * left / whole, left, whole)  # fmt: skip
        return [step]

    def chosen(self, graph):
        """The groups that may lose channels.

        Raises:
            ConfigError: a pattern names no layer, or one that cannot lose any.
        """
        fixed = {
            use.name.rpartition(".")[0]: use.name for use in graph.uses if use.role == "out" and not use.labels.any()
        }
        names = [layer for group in graph.groups for layer in group.layers]
        for pattern in (*self.layers, *self.exclude, *(self.shares or ())):
            if any(fnmatchcase(name, pattern) for name in names):
                continue
            stuck = next((name for name in fixed if fnmatchcase(name, pattern)), None)
            if stuck:
                raise ConfigError(f"slim: {stuck} cannot lose filters: it {graph.reason(fixed[stuck])}")
            raise ConfigError(
                f"slim: no layer with filters is named '{pattern}'; there are {', '.join(names[:5])}, ..."
            )
        found = [group for group in graph.groups if matches(group, self.layers) and not matches(group, self.exclude)]
        if not found:
            raise ConfigError("slim: no layer is left that may lose filters")
        return found

    def plan(self, model, graph, groups, orders, inputs, context):
        """How many channels each group loses (list[int])."""
        if self.shares:
            return plan_of([self.share_of(group) for group in groups], groups)
        shares_of = same_share(groups)
        if self.allocate == "sensitivity":
            shares_of = by_sensitivity(self.sensitivities(model, graph, groups, orders, context))
        if self.flops:
            target = self.flops * graph.macs()
            plan = meet(lambda found: graph.macs(removed_by(found, orders)), shares_of, groups, target)
            left = graph.macs(removed_by(plan, orders))
            if abs(left / target - 1) > 0.02:
                logger.warning("slim.flops: %.3f stay, not %g: the layers are too narrow for less", left / graph.macs(),
                               self.flops)  # fmt: skip
            return plan
        whole = latency_of(model, inputs)

        def measure(found):
            smaller = copy.deepcopy(model)
            remove_channels(smaller, graph.kept(removed_by(found, orders)))
            return latency_of(smaller, inputs) / whole

        return nearest_by(measure, shares_of, groups, self.latency)

    def share_of(self, group):
        """The share of the filters of a group that goes."""
        return next((share for pattern, share in self.shares.items() if matches(group, [pattern])), 0.0)

    def sensitivities(self, model, graph, groups, orders, context):
        """The curve of each group, measured in the folder of the run or found there."""
        metric = context.metric(self.split)
        way = f"{self.criterion} {self.split} {self.batches} {context.dry} {metric.primary}"
        measurer = Sensitivity(
            model,
            graph,
            {group.name: order for group, order in zip(groups, orders)},
            lambda found: context.evaluate(found, self.batches, self.split)[metric.primary],
            getattr(metric, "higher_is_better", True),
            way,
        )
        with contextlib.ExitStack() as places:
            folder = context.folder
            if context.dry:
                folder = Path(places.enter_context(tempfile.TemporaryDirectory()))
                return measurer.measure(groups, folder, TRIED_SHARES)
            return measurer.measure(groups, folder)


def matches(group, patterns):
    """Whether one of a group's layers is named by one of the patterns."""
    return any(fnmatchcase(layer, pattern) for layer in group.layers for pattern in patterns)


def answered(model, inputs):
    """The shapes of what `predict` answers in evaluation mode."""
    import inspect

    import paddle

    names = [name for name in inspect.signature(model.predict).parameters if name in model.inputs]
    was_training = model.training
    model.eval()
    try:
        with paddle.no_grad():
            found = model.predict(*[paddle.to_tensor(inputs[name]) for name in names])
    finally:
        if was_training:
            model.train()
    return [tuple(value.shape) for value in paddle.utils.flatten(found)]


def check_answers(model, inputs, before):
    """Refuses a pruned model that no longer runs, or answers in other shapes."""
    try:
        after = answered(model, inputs)
    except (ValueError, RuntimeError, TypeError, IndexError) as error:
        text = str(error).strip().splitlines()[-1]
        raise ConfigError(
            f"{type(model).__name__} cannot be pruned: something in it counts its channels: {text}"
        ) from error
    if after != before:
        raise ConfigError(f"{type(model).__name__} cannot be pruned: it answers {after} in place of {before}")


def latency_of(model, inputs):
    """The median time in seconds that the framework's predictor takes for a batch, exported as `export` does it."""
    from common.export.write import write_program
    from common.inference.predictor import load_engine, run_engine

    was_training = model.training
    model.eval()
    with tempfile.TemporaryDirectory() as folder:
        write_program(model, Path(folder) / "model", {name: list(value.shape) for name, value in inputs.items()})
        engine = load_engine(Path(folder) / "model")
        times = []
        for _ in range(REPEATS + 3):
            start = time.perf_counter()
            run_engine(engine, inputs)
            times.append(time.perf_counter() - start)
    if was_training:
        model.train()
    return statistics.median(times[3:])
