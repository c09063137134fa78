"""The dependency graph of channels: which slices of which parameters must be pruned together.

A unit is the smallest set of channels that can be removed: one channel of every tensor that depends on it.
The program of `predict` is traced as for an export. Every output channel of a convolution or a linear layer gets a
label; labels propagate through the operators (`operators.py`), and are merged where channels depend on each other
(residual additions, depthwise and grouped convolutions, normalization). Channels with the same label are one unit.
"""

import collections
import dataclasses
import inspect

import numpy as np

from common.build.macs import layer_macs
from common.errors import ConfigError
from common.export.tracing import fast_tracing

from .labels import FIXED, Labels, core
from .operators import rule_of, split

Use = collections.namedtuple("Use", "name axis labels role")  # role: out, in, each (depthwise, shift ...), scale
Product = collections.namedtuple("Product", "inputs outputs groups places")  # places: multiply-adds per channel pair


@dataclasses.dataclass
class Group:
    """Units in the same parameters, of which any number except all can be removed.

    Args:
        name (str): the dotted path of the first layer that produces them, numbered from the second such group on.
        layers (tuple[str]): the paths of all layers that produce them.
        units (ndarray): their labels, int64 [n].
    """

    name: str
    layers: tuple
    units: np.ndarray


class ChannelGraph:
    """The units of a model, the parameter slices that belong to them, and their multiply-adds (MACs).

    Args:
        model (nn.Layer): traced in evaluation mode; its mode is restored.
        inputs (dict[str, ndarray]): a batch of one sample, of the size whose MACs are counted.

    Raises:
        ConfigError: parameters are used in training only, where they cannot be traced.
    """

    def __init__(self, model, inputs):
        import paddle

        self.names = {value.name: name for name, value in model.state_dict().items()}
        self.shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
        self.labels, self.found, self.products = Labels(), {}, []
        self.values, self.elements, self.whole = {}, {}, {}
        self.counting = True
        names = [name for name in inspect.signature(model.predict).parameters if name in model.inputs]
        self.layer_macs = dict(layer_macs(model, *(paddle.to_tensor(inputs[name]) for name in names)))
        self.trace(model, model.predict, inputs)
        if self.unused() and hasattr(model, "training_outputs"):
            self.counting = False
            self.trace(model, model.training_outputs, inputs)
        unused = self.unused()
        if unused:
            raise ConfigError(
                f"{type(model).__name__} cannot be pruned: {', '.join(unused[:3])} ({len(unused)} arrays) are not used "
                "in predict, so that their channels cannot be traced"
            )
        self.finalize()

    # Queries of the rules ---------------------------------------------------------------------------------------------

    def parameter(self, op, number):
        """The structured name of an operand that is a parameter, else None."""
        source = op.operands_source()[number].get_defining_op()
        return self.names.get(source.attrs()["parameter_name"]) if source.name() == "builtin.parameter" else None

    @staticmethod
    def is_uniform(op, number):
        """Checks that an operand is a constant tensor of one repeated number."""
        return op.operands_source()[number].get_defining_op().name() in ("pd_op.full", "pd_op.full_like")

    @staticmethod
    def constant(op, number):
        """The value of an operand that is a constant of the program, else None."""
        source = op.operands_source()[number].get_defining_op()
        return source.attrs().get("value") if source.name() in ("pd_op.full", "pd_op.full_int_array") else None

    def given(self, op, number):
        """The labels of an operand; a parameter has a separate label for each element."""
        return self.labels_of(op.operands_source()[number])

    def list_of(self, op, number):
        """The labels of each tensor of an operand that is a list of tensors."""
        source = op.operands_source()[number].get_defining_op()
        if source.name() != "builtin.combine":
            return self.values[op.operands_source()[number].id]
        return [self.labels_of(value) for value in source.operands_source()]

    def labels_of(self, value):
        """The labels of a tensor of the program."""
        source = value.get_defining_op()
        name = self.names.get(source.attrs()["parameter_name"]) if source.name() == "builtin.parameter" else None
        if name is None:
            return self.values[value.id]
        if name not in self.elements:
            shape = self.shapes[name]
            self.elements[name] = self.labels.fresh(int(np.prod(shape))).reshape(shape)
        return self.elements[name]

    def fix(self, labels, reason, op):
        """Fixes the channels with these labels; the reason names the layer too."""
        place = op.attrs().get("struct_name", "").strip("/").rpartition("/")[2]
        self.labels.fix(core(labels), f"{reason} ({place})" if place else reason)

    def fix_operand(self, op, number, reason):
        """Fixes all channels of an operand."""
        value = op.operands_source()[number]
        name = self.parameter(op, number)
        if name is not None:
            self.whole[name] = reason
        elif value.get_defining_op().name() == "builtin.combine":
            for labels in self.list_of(op, number):
                self.fix(labels, reason, op)
        else:
            self.fix(self.values[value.id], reason, op)

    def use(self, op, number, axis, labels, role):
        """Records that an axis of a parameter has these labels, or new ones if None; returns them."""
        name = self.parameter(op, number)
        if name is None:
            return labels
        known = self.found.get((name, axis))
        if known is None:
            labels = self.labels.fresh(self.shapes[name][axis]) if labels is None else np.array(labels)
            self.found[name, axis] = Use(name, axis, labels, role)
        elif labels is not None:
            self.labels.unite(known.labels, labels)
        return self.found[name, axis].labels

    def count(self, op, inputs, outputs, groups, is_transposed):
        """Records the multiply-adds of a layer; where the program leaves sizes open, as they were when it ran."""
        if self.parameter(op, 1) is None or not self.counting:
            return
        result, weight = tuple(op.results()[0].shape), tuple(op.operands_source()[1].shape)
        places = tuple(op.operands_source()[0].shape) if is_transposed else result
        each = np.prod(places[2:]) * np.prod(weight[2:]) if len(weight) > 2 else np.prod(result[:-1])
        if min(places) < 0:
            each = self.layer_macs.get(self.parameter(op, 1).rpartition(".")[0], 0) // np.prod(weight[:2])
        self.products.append(Product(np.array(inputs), outputs, groups, int(each)))

    # Tracing --------------------------------------------------------------------------------------------------------

    def trace(self, model, function, inputs):
        """Propagates labels through the program of a function of the model's inputs."""
        program, outputs = program_of(model, function, inputs)
        for op in program.global_block().ops:
            self.propagate(op)
        for value in outputs:
            self.labels.fix(core(self.values[value.id]), "is an output of the model")

    def unused(self):
        """The arrays that no traced program uses."""
        return sorted(set(self.shapes) - {name for name, _ in self.found} - set(self.elements) - set(self.whole))

    def propagate(self, op):
        """Sets the labels of the results of an operator."""
        name = op.name()
        if name in ("builtin.parameter", "builtin.combine", "pd_op.split", "pd_op.split_with_num"):
            return
        shapes = [tuple(value.shape) for value in op.results() if value.type().as_vec_type() is None]
        if name == "builtin.split":
            results = split(self, op.operands_source()[0].get_defining_op(), shapes)
        else:
            results = rule_of(name)(self, op)
        results = results if isinstance(results, list) else [results]
        for number, value in enumerate(op.results()):
            labels = results[number] if number < len(results) else None
            if labels is None and value.type().as_vec_type() is None:
                labels = np.broadcast_to(np.int64(FIXED), [max(1, size) for size in value.shape])
            self.values[value.id] = labels

    def finalize(self):
        """Turns the merged labels into units."""
        for name, elements in self.elements.items():  # added or multiplied: along the one axis on which labels differ
            roots = self.labels.roots(elements)
            axes = [
                axis for axis in range(roots.ndim) if roots.shape[axis] > 1 and (roots != roots.take([0], axis)).any()
            ]
            if len(axes) == 1 and name not in self.whole:
                labels = np.moveaxis(roots, axes[0], 0).reshape(roots.shape[axes[0]], -1)[:, 0]
                known = self.found.get((name, axes[0]))
                if known:
                    self.labels.unite(known.labels, labels)
                self.found[name, axes[0]] = known or Use(name, axes[0], labels, "each")
            elif len(axes) > 1:
                self.labels.fix(roots, "differs along several axes")
        for (name, _), use in self.found.items():
            if name in self.whole:
                self.labels.fix(use.labels, self.whole[name])
        self.uses = [use._replace(labels=self.labels.roots(use.labels)) for use in self.found.values()]
        self.products = [
            product._replace(inputs=self.labels.roots(product.inputs), outputs=self.labels.roots(product.outputs))
            for product in self.products
        ]
        self.groups = self.find_groups()

    def find_groups(self):
        """The groups of units, in the order of the layers that produce them."""
        members = collections.defaultdict(list)
        for number, use in enumerate(self.uses):
            for label in np.unique(use.labels):
                members[label].append(number)
        groups = collections.defaultdict(list)
        for label, numbers in members.items():
            if label != FIXED and any(self.uses[number].role == "out" for number in numbers):
                groups[tuple(numbers)].append(label)
        found, names = [], collections.Counter()
        for numbers, units in sorted(groups.items()):  # by the first layer that uses them
            producers = [
                self.uses[number].name.rpartition(".")[0] for number in numbers if self.uses[number].role == "out"
            ]
            names[producers[0]] += 1
            name = producers[0] if names[producers[0]] == 1 else f"{producers[0]}#{names[producers[0]]}"
            found.append(Group(name, tuple(producers), np.array(sorted(units))))
        return found

    # Results ----------------------------------------------------------------------------------------------------------

    def macs(self, removed=()):
        """The MACs of convolutions and linear layers without these units (iterable of labels)."""
        alive = np.ones(len(self.labels.parents), bool)
        alive[list(removed)] = False
        total = 0
        for product in self.products:
            outputs, inputs = int(alive[product.outputs].sum()), int(alive[product.inputs].sum())
            total += product.places * outputs * (inputs // product.groups if product.groups else 1)
        return total

    def kept(self, removed):
        """{(name, axis): kept indices} of every parameter that is pruned."""
        gone = np.zeros(len(self.labels.parents), bool)
        gone[list(removed)] = True
        return {(u.name, u.axis): np.flatnonzero(~gone[u.labels]) for u in self.uses if gone[u.labels].any()}

    def reason(self, name):
        """The reason why the filters of a weight cannot be pruned (str)."""
        use = next(use for use in self.uses if use.name == name and use.role == "out")
        original = self.found[name, use.axis].labels
        reasons = [self.labels.reasons[label] for label in map(int, original) if label in self.labels.reasons]
        return reasons[0] if reasons else "depends on channels that are fixed"


def program_of(model, function, inputs):
    """(program, output values) of a function of a model, for inputs of exactly these shapes."""
    import paddle
    from paddle.static import InputSpec

    names = [name for name in inspect.signature(function).parameters if name in model.inputs]
    specs = [InputSpec(inputs[name].shape, model.inputs[name][1], name) for name in names]
    was_training = model.training
    model.eval()
    try:
        with fast_tracing():
            concrete = paddle.jit.to_static(function, input_spec=specs, full_graph=True).concrete_program
    finally:
        paddle.disable_static()
        if was_training:
            model.train()
    return concrete.main_program, paddle.utils.flatten(concrete.outputs)
