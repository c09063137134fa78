"""Filter pruning: removes the least important filters; the smaller network is then fine-tuned."""

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
from .targets import by_sensitivity, meet, nearest_by, plan_of, removed_by, uniform_ratios

REPEATS = 30  # measurements of a latency, of which the median is taken
DRY_RUN_RATIOS = (0.3, 0.6)


class FilterPruning(Compression):
    """Structured pruning: removes dependent channels together until a target is met.

    The target is one of `flops`, `latency` and `ratios`. For the first two, `allocate` distributes it over the layers.

    Args:
        flops (float): the ratio of multiply-adds to keep, met within 2 %.
        latency (float): the ratio of the measured latency to keep, met approximately.
        ratios (dict[str, float]): patterns of layer paths -> the ratio of filters to prune; the first match counts.
        layers (list[str]): patterns of the paths of layers that may be pruned.
        exclude (list[str]): patterns of the paths of layers that may not be pruned.
        criterion (str): l1, geometric_median or bn_scale.
        allocate (str): uniform, the same ratio for all layers, or sensitivity.
        split (str): the split that sensitivities are measured on: eval, train or test.
        batches (int): the number of batches of the split; null for all.
    """

    def __init__(
        self,
        flops: float | None = None,
        latency: float | None = None,
        ratios: dict | None = None,
        layers=("*",),
        exclude=(),
        criterion: Literal["l1", "geometric_median", "bn_scale"] = "l1",
        allocate: Literal["uniform", "sensitivity"] = "uniform",
        split: Literal["eval", "train", "test"] = "eval",
        batches: int | None = None,
    ):
        given = [
            name for name, value in (("flops", flops), ("latency", latency), ("ratios", ratios)) if value is not None
        ]
        if len(given) != 1:
            raise ValueError(
                f"FilterPruning takes exactly one of flops, latency and ratios; given: {', '.join(given) or 'none'}"
            )
        if ratios is not None and not ratios:
            raise ValueError(
                "FilterPruning: ratios is empty; it maps patterns of layer paths to the ratio of filters to prune"
            )
        for value in (flops, latency, *(ratios or {}).values()):
            if value is not None and not 0 < value < 1:
                raise ValueError(f"FilterPruning: {given[0]} is {value}; allowed: between 0 and 1")
        self.flops, self.latency, self.ratios = flops, latency, ratios
        self.layers, self.exclude, self.criterion = tuple(layers), tuple(exclude), criterion
        self.allocate, self.split, self.batches = allocate, split, batches

    def compress(self, model, context):
        """Prunes a model in place; returns the one step of its structure."""
        inputs = context.example_inputs(model)
        graph = ChannelGraph(model, inputs)
        groups = self.prunable(graph)
        arrays = {name: value.numpy() for name, value in model.state_dict().items()}
        scores = score_units(graph, arrays, groups, self.criterion)
        orders = [np.array(sorted(group.units, key=lambda unit: scores[unit])) for group in groups]
        plan = self.plan(model, graph, groups, orders, inputs, context)
        removed = removed_by(plan, orders)
        shapes = output_shapes(model, inputs)
        step = remove_channels(model, graph.kept(removed))
        check_outputs(model, inputs, shapes)
        whole, left = graph.macs(), graph.macs(removed)
        logger.info("pruned %d of %d channels: %.1f %% of the multiply-adds remain (%d of %d)", len(removed),
                    sum(len(group.units) for group in graph.groups), 100 * left / whole, left, whole)  # fmt: skip
        return [step]

    def prunable(self, graph):
        """The groups that may be pruned.

        Raises:
            ConfigError: a pattern matches no layer, or only one that cannot be pruned.
        """
        fixed = {
            use.name.rpartition(".")[0]: use.name for use in graph.uses if use.role == "out" and not use.labels.any()
        }
        names = [layer for group in graph.groups for layer in group.layers]
        for pattern in (*self.layers, *self.exclude, *(self.ratios or ())):
            if any(fnmatchcase(name, pattern) for name in names):
                continue
            stuck = next((name for name in fixed if fnmatchcase(name, pattern)), None)
            if stuck:
                raise ConfigError(f"slim: {stuck} cannot be pruned: it {graph.reason(fixed[stuck])}")
            raise ConfigError(f"slim: no layer with filters matches '{pattern}'; there are {', '.join(names[:5])}, ...")
        found = [group for group in graph.groups if matches(group, self.layers) and not matches(group, self.exclude)]
        if not found:
            raise ConfigError("slim: no layer is left to prune")
        return found

    def plan(self, model, graph, groups, orders, inputs, context):
        """The number of channels to prune in each group (list[int])."""
        if self.ratios:
            return plan_of([self.ratio_of(group) for group in groups], groups)
        ratios_of = uniform_ratios(groups)
        if self.allocate == "sensitivity":
            ratios_of = by_sensitivity(self.sensitivities(model, graph, groups, orders, context))
        if self.flops:
            target = self.flops * graph.macs()
            plan = meet(lambda found: graph.macs(removed_by(found, orders)), ratios_of, groups, target)
            left = graph.macs(removed_by(plan, orders))
            if abs(left / target - 1) > 0.02:
                logger.warning("slim.flops: %.3f remain, not %g: the layers are too narrow", left / graph.macs(),
                               self.flops)  # fmt: skip
            return plan
        whole = latency_of(model, inputs)

        def measure(found):
            smaller = copy.deepcopy(model)
            remove_channels(smaller, graph.kept(removed_by(found, orders)))
            return latency_of(smaller, inputs) / whole

        return nearest_by(measure, ratios_of, groups, self.latency)

    def ratio_of(self, group):
        """The ratio of filters to prune in a group (float)."""
        return next((ratio for pattern, ratio in self.ratios.items() if matches(group, [pattern])), 0.0)

    def sensitivities(self, model, graph, groups, orders, context):
        """The sensitivity curve of each group, from the run folder or measured now."""
        metric = context.metric(self.split)
        method = f"{self.criterion} {self.split} {self.batches} {context.dry} {metric.primary}"
        measurer = Sensitivity(
            model,
            graph,
            {group.name: order for group, order in zip(groups, orders)},
            lambda found: context.evaluate(found, self.batches, self.split)[metric.primary],
            getattr(metric, "higher_is_better", True),
            method,
        )
        with contextlib.ExitStack() as places:
            folder = context.folder
            if context.dry:
                folder = Path(places.enter_context(tempfile.TemporaryDirectory()))
                return measurer.measure(groups, folder, DRY_RUN_RATIOS)
            return measurer.measure(groups, folder)


def matches(group, patterns):
    """Checks that one of the layers of a group matches one of the patterns."""
    return any(fnmatchcase(layer, pattern) for layer in group.layers for pattern in patterns)


def output_shapes(model, inputs):
    """The shapes of the outputs of `predict` in evaluation mode."""
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


def check_outputs(model, inputs, before):
    """Raises ConfigError if a pruned model no longer runs, or its output shapes have changed."""
    try:
        after = output_shapes(model, inputs)
    except (ValueError, RuntimeError, TypeError, IndexError) as error:
        text = str(error).strip().splitlines()[-1]
        raise ConfigError(
            f"{type(model).__name__} cannot be pruned: it depends on a fixed number of channels: {text}"
        ) from error
    if after != before:
        raise ConfigError(f"{type(model).__name__} cannot be pruned: its outputs are {after} instead of {before}")


def latency_of(model, inputs):
    """The median latency of a batch in seconds, of the exported model in the predictor of the framework."""
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
