"""Fake quantization in an ONNX graph turned into what runtimes compute with 8-bit numbers.

Exported fake quantization is a chain of Div, Clip, Add, Add, Mul with constants: scale, ends of the grid, a large
number and its negative (which round), scale.  Of an activation it becomes QuantizeLinear and DequantizeLinear (uint8);
of a weight, the int8 numbers themselves and DequantizeLinear.  The bias of a convolution of both becomes int32, in
steps of the product of their scales, as runtimes want it.
"""

import copy
import dataclasses

import numpy as np

CHAIN = ("Div", "Clip", "Add", "Add", "Mul")
ROUNDING = 2.0**22  # what is added to round is larger


@dataclasses.dataclass
class Chain:
    """One fake quantization.

    Args:
        source (str): the tensor that is quantized.
        result (str): the tensor on the grid.
        scale (ndarray): broadcasts to it.
        lowest (int): the integer at the lower end.
        highest (int): at the upper.
    """

    source: str
    result: str
    scale: np.ndarray
    lowest: int
    highest: int

    def axis(self):
        """The axis along which the scale differs, None if it is one number."""
        axes = [axis for axis, size in enumerate(self.scale.shape) if size > 1]
        return axes[0] if axes else None

    def fits(self, is_weight):
        """True if QuantizeLinear clips at the same ends: all of uint8, or for a weight no more than int8."""
        if is_weight:
            return self.lowest >= -128 and self.highest <= 127
        return self.scale.size == 1 and -255 <= self.lowest <= 0 and self.highest - self.lowest == 255

    def integers(self, values):
        """The int8 numbers of an array on the grid."""
        return np.clip(np.rint(values / self.scale), self.lowest, self.highest).astype(np.int8)


class Graph:
    """An ONNX graph whose constants are at hand and which has no identities.

    Args:
        model (onnx.ModelProto): it is changed by :meth:`finish`.
    """

    def __init__(self, model):
        from onnx import numpy_helper

        self.model = model
        self.constants = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
        self.nodes, same = [], {}
        for node in map(copy.deepcopy, model.graph.node):
            for number, name in enumerate(node.input):
                node.input[number] = same.get(name, name)
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            elif self.does_nothing(node) and node.output[0] not in self.outputs():
                same[node.output[0]] = node.input[0]
            else:
                self.nodes.append(node)
        self.index()

    def does_nothing(self, node):
        """True if a node passes its input on: an identity, or a product with 1."""
        if node.op_type != "Mul":
            return node.op_type == "Identity"
        factor = self.constants.get(node.input[1])
        return factor is not None and factor.size == 1 and factor.ndim < 2 and factor == 1

    def outputs(self):
        """The names of the graph's outputs."""
        return {entry.name for entry in self.model.graph.output}

    def index(self):
        """Finds who makes and who takes each tensor; to be called after a change."""
        self.maker = {name: node for node in self.nodes for name in node.output}
        self.consumers = {}
        for node in self.nodes:
            for name in node.input:
                self.consumers.setdefault(name, []).append(node)

    def value(self, name):
        """The array of a constant, or of one in another shape; None of what is computed."""
        if name in self.constants:
            return self.constants[name]
        node = self.maker.get(name)
        if node is None or node.op_type not in ("Reshape", "Squeeze"):
            return None
        source = self.value(node.input[0])
        if source is None or node.op_type == "Squeeze":
            return source if source is None else source.squeeze()
        shape = self.value(node.input[1])
        return None if shape is None else source.reshape([int(side) for side in shape])

    def chains(self):
        """Every fake quantization (list[Chain]), in the order of the graph."""
        return [chain for node in self.nodes if node.op_type == CHAIN[0] and (chain := self.chain_of(node))]

    def chain_of(self, first):
        """The chain that begins with a node, None if none does."""
        nodes = [first]
        for kind in CHAIN[1:]:
            after = self.consumers.get(nodes[-1].output[0], [])
            if len(after) != 1 or after[0].op_type != kind:
                return None
            nodes.append(after[0])
        constants = [self.value(node.input[1]) for node in nodes] + [self.value(nodes[1].input[2])]
        if any(value is None for value in constants):
            return None
        scale, lowest, up, down, again, highest = constants
        if not np.array_equal(scale, again) or up.size > 1 or up != -down or up < ROUNDING:
            return None
        return Chain(first.input[0], nodes[-1].output[0], scale, int(lowest.item()), int(highest.item()))

    def put(self, name, array):
        """Adds a constant; returns its name."""
        self.constants[name] = array
        return name

    def finish(self):
        """Writes nodes and constants that are of use back into the model."""
        from onnx import numpy_helper

        self.index()
        wanted, kept = set(self.outputs()), []
        for node in reversed(self.nodes):
            if wanted & set(node.output):
                kept.append(node)
                wanted |= set(node.input)
        graph, short = self.model.graph, self.short_names(kept[::-1])
        for node in kept:
            node.name = ""
            for names in (node.input, node.output):
                names[:] = [short.get(name, name) for name in names]
        del graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.node.extend(reversed(kept))
        graph.initializer.extend(
            numpy_helper.from_array(array, short[name]) for name, array in self.constants.items() if name in wanted
        )

    def short_names(self, nodes):
        """{name: short name} of what is neither an input nor an output: names take a share of a small file."""
        kept = self.outputs() | {entry.name for entry in self.model.graph.input} | {""}
        names = dict.fromkeys(name for node in nodes for name in (*node.input, *node.output) if name not in kept)
        return {name: f"t{number}" for number, name in enumerate(names)}


def quantize_graph(model):
    """Turns every fake quantization of a model into 8-bit numbers.

    Args:
        model (onnx.ModelProto): it is changed, if there is anything to do.

    Returns:
        int: how many there were.
    """
    graph = Graph(model)
    chains = [chain for chain in graph.chains() if chain.fits(graph.value(chain.source) is not None)]
    if not chains:
        return 0
    made, scales = {}, {}
    inserted = {}
    for number, chain in enumerate(chains):
        weight = graph.value(chain.source)
        key = (chain.source, chain.scale.tobytes(), chain.lowest)
        if key not in made or chain.result in graph.outputs():
            nodes = of_weight(graph, chain, weight, number) if weight is not None else of_tensor(graph, chain, number)
            if chain.result in graph.outputs():
                nodes[-1].output[0] = chain.result
            made[key] = nodes[-1].output[0]
            inserted[chain.result] = nodes
            scales[made[key]] = chain.scale
        replace_everywhere(graph, chain.result, made[key])
    graph.nodes = [part for node in graph.nodes for part in inserted.get(node.output[0], [node])]
    graph.index()
    carry_through(graph, scales)
    quantize_biases(graph, scales)
    graph.finish()
    return len(chains)


def quantize_file(path):
    """The same of a file, which is written again if there was anything to do; returns how many there were."""
    import onnx

    model = onnx.load(path)
    count = quantize_graph(model)
    if count:
        onnx.checker.check_model(model)
        onnx.save(model, path)
    return count


def of_tensor(graph, chain, number):
    """QuantizeLinear and DequantizeLinear of an activation."""
    from onnx import helper

    name = f"quantized_{number}"
    scale = graph.put(f"{name}.scale", np.float32(chain.scale.item()))
    zero = graph.put(f"{name}.zero", np.uint8(-chain.lowest))
    return [
        helper.make_node("QuantizeLinear", [chain.source, scale, zero], [f"{name}.integers"], name=f"{name}.q"),
        helper.make_node("DequantizeLinear", [f"{name}.integers", scale, zero], [name], name=f"{name}.dq"),
    ]


def of_weight(graph, chain, weight, number):
    """DequantizeLinear of the integers of a weight."""
    from onnx import helper

    name, scale, axis = f"weight_{number}", chain.scale.astype(np.float32).ravel(), chain.axis()
    integers = graph.put(f"{name}.integers", chain.integers(weight))
    scale = scale if axis is not None else scale.reshape(())
    inputs = [integers, graph.put(f"{name}.scale", scale)]
    return [helper.make_node("DequantizeLinear", inputs, [name], name=f"{name}.dq", axis=axis or 0)]


def replace_everywhere(graph, old, new):
    """Lets all that take one tensor take another."""
    for node in graph.consumers.get(old, []):
        for number, name in enumerate(node.input):
            if name == old:
                node.input[number] = new
    graph.consumers.setdefault(new, []).extend(graph.consumers.get(old, []))


def carry_through(graph, scales):
    """Repeats the quantization after a pooling of maxima, whose output is on the grid of its input."""
    from onnx import helper

    for node in [node for node in graph.nodes if node.op_type == "MaxPool" and node.input[0] in scales]:
        before, name = graph.maker[node.input[0]], f"{node.input[0]}.{node.output[0]}"
        replace_everywhere(graph, node.output[0], name)
        inputs, at = list(before.input[1:]), graph.nodes.index(node) + 1
        graph.nodes[at:at] = [
            helper.make_node("QuantizeLinear", [node.output[0], *inputs], [f"{name}.integers"], name=f"{name}.q"),
            helper.make_node("DequantizeLinear", [f"{name}.integers", *inputs], [name], name=f"{name}.dq"),
        ]
        scales[name] = scales[node.input[0]]
        graph.index()


def quantize_biases(graph, scales):
    """Puts the sum after a quantized convolution into it, as its bias, in int32.

    Args:
        graph (Graph): with the DequantizeLinear nodes in place.
        scales (dict[str, ndarray]): of each dequantized tensor.
    """
    from onnx import helper

    for node in [node for node in graph.nodes if node.op_type == "Conv"]:
        if not all(name in scales for name in node.input[:2]):
            continue
        bias, adding = bias_of(graph, node)
        if bias is None:
            continue
        name = f"{node.input[1]}.bias"
        scale = (scales[node.input[0]].ravel() * scales[node.input[1]].ravel() * np.ones(len(bias))).astype(np.float32)
        integers = np.rint(bias.astype(np.float64) / scale)
        if np.abs(integers).max() > np.iinfo(np.int32).max:
            continue  # of a filter of zeros, whose steps are next to nothing: it stays float
        inputs = [graph.put(f"{name}.integers", integers.astype(np.int32)), graph.put(f"{name}.scale", scale)]
        dequantized = helper.make_node("DequantizeLinear", inputs, [name], name=f"{name}.dq", axis=0)
        graph.nodes.insert(graph.nodes.index(node), dequantized)
        del node.input[2:]
        node.input.append(name)
        if adding is not None:
            graph.nodes.remove(adding)
            node.output[0] = adding.output[0]
    graph.index()


def bias_of(graph, conv):
    """The bias [O] of a convolution and the Add that it is in, None if it is its own; (None, None) if it has none."""
    if len(conv.input) > 2:
        return graph.value(conv.input[2]), None
    after = graph.consumers.get(conv.output[0], [])
    if len(after) != 1 or after[0].op_type != "Add":
        return None, None
    (other,) = [name for name in after[0].input if name != conv.output[0]] or [None]
    value = graph.value(other)
    weight = graph.value(conv.input[1])
    channels = None if weight is None else len(weight)
    if value is None or value.ndim != 4 or (channels and value.shape[1] != channels) or value.size != value.shape[1]:
        return None, None
    return value.ravel(), after[0]
