"""Search spaces of network architectures: a published table with variable widths, kernel sizes, depths and expansions.

A space maps a candidate to configuration keys: `model.backbone` becomes a network of PaddleCV with its own table, so
that the result is an ordinary configuration that does not depend on the search.
"""

from common.search.space import Choice

# channels, stride of the first block, blocks of each stage (https://arxiv.org/abs/1704.04861, table 1)
MOBILENET_V1 = ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 2, 6), (1024, 2, 2))
# expansion, channels, blocks, stride of the first (https://arxiv.org/abs/1801.04381, table 2)
MOBILENET_V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class RowSpace:
    """The base class of the spaces: a dimension for each property of each row that has several values.

    Args:
        key (str): configuration key of the network.
    """

    def __init__(self, key):
        self.key = key
        self.dimensions, self.fixed = [], {}

    def add(self, name, values):
        """Adds a dimension of the distinct values, in order; a single value is fixed."""
        values = list(dict.fromkeys(values))
        if len(values) > 1:
            self.dimensions.append(Choice(name, tuple(values)))
        else:
            self.fixed[name] = values[0]

    def finish(self):
        """Raises ValueError for a space without a dimension."""
        if not self.dimensions:
            raise ValueError(f"{type(self).__name__} has only one candidate: give several widths, kernels or repeats")

    def overrides(self, values):
        """The configuration keys of a candidate (dict).

        Args:
            values (dict): name of a dimension -> value.
        """
        return {self.key: self.network({**self.fixed, **values})}

    def network(self, values):
        """The configuration node of the network (dict)."""
        raise NotImplementedError


class MobileNetV1Space(RowSpace):
    """MobileNetV1 with variable width, kernel size and number of blocks of each stage.

    Args:
        stages (list[list[int]]): base network: channels, stride, number of blocks of each stage.
        widths (list[float]): channel multipliers of a stage.
        kernels (list[int]): kernel sizes of the depthwise convolutions of a stage.
        repeats (list[int]): changes of the number of blocks of a stage, which is at least 1.
        key (str): configuration key of the network.
    """

    def __init__(
        self,
        stages=MOBILENET_V1,
        widths=(0.5, 0.75, 1.0, 1.25),
        kernels=(3, 5),
        repeats=(-1, 0, 1),
        key="model.backbone",
    ):
        super().__init__(key)
        self.rows = check_rows("MobileNetV1Space", "stages", stages, 3)
        for index, (_, _, count) in enumerate(self.rows):
            self.add(f"width{index}", widths)
            self.add(f"kernel{index}", kernels)
            self.add(f"blocks{index}", block_counts(count, repeats))
        self.finish()

    def network(self, values):
        """A MobileNetV1 with these stages (dict)."""
        rows = [
            [scale_channels(channels, values[f"width{i}"]), stride, values[f"blocks{i}"], values[f"kernel{i}"]]
            for i, (channels, stride, _) in enumerate(self.rows)
        ]
        return {"type": "MobileNetV1", "stages": rows}


class MobileNetV2Space(RowSpace):
    """MobileNetV2 with variable expansion, width, kernel size and number of blocks of each row.

    Args:
        blocks (list[list[int]]): base network: expansion, channels, number of blocks, stride of each row.
        expansions (list[int]): expansions of the rows whose expansion is not 1.
        widths (list[float]): channel multipliers of a row.
        kernels (list[int]): kernel sizes of the depthwise convolutions of a row.
        repeats (list[int]): changes of the number of blocks of a row, which is at least 1.
        key (str): configuration key of the network.
    """

    def __init__(
        self,
        blocks=MOBILENET_V2,
        expansions=(3, 4, 6),
        widths=(0.5, 0.75, 1.0, 1.25),
        kernels=(3, 5),
        repeats=(-1, 0, 1),
        key="model.backbone",
    ):
        super().__init__(key)
        self.rows = check_rows("MobileNetV2Space", "blocks", blocks, 4)
        for index, (expansion, _, count, _) in enumerate(self.rows):
            self.add(f"expansion{index}", expansions if expansion > 1 else (1,))
            self.add(f"width{index}", widths)
            self.add(f"kernel{index}", kernels)
            self.add(f"blocks{index}", block_counts(count, repeats))
        self.finish()

    def network(self, values):
        """A MobileNetV2 with these rows (dict)."""
        rows = []
        for i, (_, channels, _, stride) in enumerate(self.rows):
            width = scale_channels(channels, values[f"width{i}"])
            rows.append([values[f"expansion{i}"], width, values[f"blocks{i}"], stride, values[f"kernel{i}"]])
        return {"type": "MobileNetV2", "blocks": rows}


class ResNetBlockSpace(RowSpace):
    """Residual networks with variable width and number of blocks of each stage.

    Args:
        network (str): ResNet, with four stages, or SmallResNet, with three.
        blocks (list[int] | None): number of blocks of each stage of the base network; 2 by default.
        widths (list[float]): channel multipliers of a stage.
        repeats (list[int]): changes of the number of blocks of a stage, which is at least 1.
        key (str): configuration key of the network.
    """

    def __init__(
        self, network="ResNet", blocks=None, widths=(0.5, 0.75, 1.0, 1.25), repeats=(-1, 0, 1), key="model.backbone"
    ):
        super().__init__(key)
        stages = {"ResNet": 4, "SmallResNet": 3}
        if network not in stages:
            raise ValueError(f"ResNetBlockSpace: network is {network!r}; it must be ResNet or SmallResNet")
        self.type, counts = network, list(blocks or [2] * stages[network])
        if len(counts) != stages[network] or any(not isinstance(n, int) or n < 1 for n in counts):
            raise ValueError(f"ResNetBlockSpace got blocks {counts}; {network} has {stages[network]} stages")
        self.count = len(counts)
        for index, count in enumerate(counts):
            self.add(f"width{index}", widths)
            self.add(f"blocks{index}", block_counts(count, repeats))
        self.finish()

    def network(self, values):
        """A network of this type with these stages (dict)."""
        stages = range(self.count)
        return {
            "type": self.type,
            "width": [values[f"width{i}"] for i in stages],
            "blocks": [values[f"blocks{i}"] for i in stages],
        }


def block_counts(count, repeats):
    """The possible numbers of blocks, sorted, 1 or more each (list[int])."""
    return sorted({max(1, count + more) for more in repeats})


def scale_channels(channels, width):
    """Channels times a width multiplier, rounded to a multiple of 4, at least 4 (int)."""
    return max(4, int(channels * width / 4 + 0.5) * 4)


def check_rows(name, key, rows, count):
    """The rows as tuples, validated.

    Raises:
        ValueError: a row is not a list of `count` positive integers.
    """
    for index, row in enumerate(rows):
        if len(row) != count or any(not isinstance(number, int) or number < 1 for number in row):
            raise ValueError(f"{name} got {key}.{index} {list(row)}; it takes {count} positive integers")
    return [tuple(row) for row in rows]
