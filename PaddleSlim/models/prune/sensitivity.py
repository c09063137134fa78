"""How much the score falls when one group loses channels (https://arxiv.org/abs/1608.08710, section 3.2)."""

import hashlib
import json

import numpy as np

from common.log import logger
from common.training.plotting import COLORS, finish_axes, new_figure
from common.weights.safetensors import write_atomically

FILE, PICTURE = "sensitivity.json", "sensitivity.png"
SHARES = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))


class Sensitivity:
    """Measures each group once, and keeps the measurements beside the run for the next time.

    Args:
        model (nn.Layer): on its weights, which are the same afterwards.
        graph (ChannelGraph): of the model.
        orders (dict[str, ndarray]): by the name of a group, its units, the least important first.
        score (Callable): model -> number.
        higher_is_better (bool): of the score.
        what (str): how the score is taken and the units are ordered; other measurements have another text.
    """

    def __init__(self, model, graph, orders, score, higher_is_better=True, what=""):
        self.model, self.graph, self.orders = model, graph, orders
        self.score, self.sign = score, 1 if higher_is_better else -1
        self.values = model.state_dict()
        self.key = key_of({name: value.numpy() for name, value in self.values.items()}, what)

    def measure(self, groups, folder, shares=SHARES):
        """The curve of each group: (shares from 0 on, losses of the score relative to that of the whole model).

        Args:
            groups (list[Group]): to measure.
            folder (Path): where measurements are kept; a file of other weights or another way is written anew.
            shares (tuple[float]): rising.
        """
        known = self.read(folder / FILE)
        if known is None:
            known = {"key": self.key, "score": float(self.score(self.model)), "losses": {}}
        scale = max(abs(known["score"]), 1e-12)
        for number, group in enumerate(groups, 1):
            found = known["losses"].setdefault(group.name, {})
            lacking = [share for share in shares if str(share) not in found]
            for share in lacking:
                count = min(int(share * len(group.units) + 1e-9), len(group.units) - 1)
                score = self.score_without(self.orders[group.name][:count]) if count else known["score"]
                found[str(share)] = self.sign * (known["score"] - score) / scale
            if lacking:
                write_atomically(folder / FILE, [json.dumps(known, indent=1).encode()])
                logger.info("sensitivity %d/%d: %s loses %.4f at %g", number, len(groups), group.name,
                            found[str(shares[-1])], shares[-1])  # fmt: skip
        curves = {g.name: ([0.0, *shares], [0.0, *(known["losses"][g.name][str(s)] for s in shares)]) for g in groups}
        draw(folder / PICTURE, curves)
        return [curves[group.name] for group in groups]

    def score_without(self, units):
        """The score of the model as if these units were removed: the weights that read them are zero."""
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
        """What was measured before with this key, or None."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return found if found["key"] == self.key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


def key_of(arrays, what):
    """A text that differs for other weights, or for another way of measuring."""
    digest = hashlib.sha256(what.encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def draw(path, curves):
    """One line a group: the loss of the score over the share of its channels."""
    with new_figure(path, height=5) as figure:
        axes = figure.add_subplot()
        for number, (name, (shares, losses)) in enumerate(curves.items()):
            style = ("-", "--", ":", "-.")[number // len(COLORS) % 4]
            axes.plot(shares, losses, style, color=COLORS[number % len(COLORS)], linewidth=1.2, label=name)
        finish_axes(axes, "Sensitivity", "share of the channels removed", "loss of the score", legend=len(curves) <= 20)
