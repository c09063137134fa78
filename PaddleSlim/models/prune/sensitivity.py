"""Pruning sensitivity: the drop of the metric when one group is pruned (https://arxiv.org/abs/1608.08710, 3.2)."""

import hashlib
import json

import numpy as np

from common.log import logger
from common.training.plotting import COLORS, finish_axes, new_figure
from common.weights.safetensors import write_atomically

FILE, PLOT = "sensitivity.json", "sensitivity.png"
RATIOS = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))


class Sensitivity:
    """Measures the sensitivity of each group once, and caches the measurements in the run folder.

    Args:
        model (nn.Layer): its weights are restored afterwards.
        graph (ChannelGraph): of the model.
        orders (dict[str, ndarray]): name of a group -> its units, the least important first.
        score (Callable): model -> metric.
        higher_is_better (bool): of the metric.
        what (str): identifies the way of measuring, as part of the cache key.
    """

    def __init__(self, model, graph, orders, score, higher_is_better=True, what=""):
        self.model, self.graph, self.orders = model, graph, orders
        self.score, self.sign = score, 1 if higher_is_better else -1
        self.values = model.state_dict()
        self.key = key_of({name: value.numpy() for name, value in self.values.items()}, what)

    def measure(self, groups, folder, ratios=RATIOS):
        """The curve of each group: (ratios from 0 on, drop of the metric relative to that of the unpruned model).

        Args:
            groups (list[Group]): to measure.
            folder (Path): of the cache file; a file with another key is replaced.
            ratios (tuple[float]): pruning ratios, increasing.
        """
        known = self.read(folder / FILE)
        if known is None:
            known = {"key": self.key, "score": float(self.score(self.model)), "losses": {}}
        scale = max(abs(known["score"]), 1e-12)
        for number, group in enumerate(groups, 1):
            found = known["losses"].setdefault(group.name, {})
            lacking = [ratio for ratio in ratios if str(ratio) not in found]
            for ratio in lacking:
                count = min(int(ratio * len(group.units) + 1e-9), len(group.units) - 1)
                score = self.score_without(self.orders[group.name][:count]) if count else known["score"]
                found[str(ratio)] = self.sign * (known["score"] - score) / scale
            if lacking:
                write_atomically(folder / FILE, [json.dumps(known, indent=1).encode()])
                logger.info("sensitivity %d/%d: %s drops by %.4f at %g", number, len(groups), group.name,
                            found[str(ratios[-1])], ratios[-1])  # fmt: skip
        curves = {g.name: ([0.0, *ratios], [0.0, *(known["losses"][g.name][str(s)] for s in ratios)]) for g in groups}
        draw(folder / PLOT, curves)
        return [curves[group.name] for group in groups]

    def score_without(self, units):
        """The metric of the model without these units: the weights that consume them are set to zero."""
        gone = np.zeros(len(self.graph.labels.parents), bool)
        gone[units] = True
        before = {}
        try:
            for use in self.graph.uses:
                if use.role == "in" and gone[use.labels].any():
                    array = self.values[use.name].numpy()
                    before.setdefault(use.name, array)
                    changed = np.moveaxis(array.copy(), use.axis, 0)
                    changed[gone[use.labels]] = 0
                    self.values[use.name].set_value(np.ascontiguousarray(np.moveaxis(changed, 0, use.axis)))
            return float(self.score(self.model))
        finally:
            for name, array in before.items():
                self.values[name].set_value(array)

    def read(self, path):
        """The cached measurements with this key, or None."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return found if found["key"] == self.key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


def key_of(arrays, what):
    """The cache key of weights and a way of measuring (str)."""
    digest = hashlib.sha256(what.encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def draw(path, curves):
    """Plots the drop of the metric over the pruning ratio, one line per group."""
    with new_figure(path, height=5) as figure:
        axes = figure.add_subplot()
        for number, (name, (ratios, losses)) in enumerate(curves.items()):
            style = ("-", "--", ":", "-.")[number // len(COLORS) % 4]
            axes.plot(ratios, losses, style, color=COLORS[number % len(COLORS)], linewidth=1.2, label=name)
        finish_axes(axes, "Sensitivity", "pruning ratio", "relative drop of the metric", legend=len(curves) <= 20)
