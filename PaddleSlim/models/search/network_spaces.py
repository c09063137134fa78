"""Spaces of networks: rows of a published table whose widths, kernels, repeats and expansions are free.

A space says which keys of a configuration a candidate changes: `model.backbone` becomes a network of PaddleCV with rows
of its own, so that what was found is an ordinary configuration that needs nothing of the search.
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
    """What the spaces share: a dimension for each property of each row, left out where there is but one value.

    Args:
        key (str): dotted path of the network in the configuration.
    """

    def __init__(self, key):
        self.key = key
        self.dimensions, self.fixed = [], {}

    def add(self, name, values):
        """Makes a dimension of the values, in order and without repetitions; one value alone is none."""
        values = list(dict.fromkeys(values))
        if len(values) > 1:
            self.dimensions.append(Choice(name, tuple(values)))
        else:
            self.fixed[name] = values[0]

    def finish(self):
        """Refuses a space without a choice."""
        if not self.dimensions:
            raise ValueError(
                f"{type(self).__name__} has nothing to choose from: give several widths, kernels or repeats"
            )

    def overrides(self, values):
        """The keys that a candidate changes (dict): its network.

        Args:
            values (dict): name of a dimension -> value chosen.
        """
        return {self.key: self.network({**self.fixed, **values})}

    def network(self, values):
        """The node of the network with these values."""
        raise NotImplementedError


class MobileNetV1Space(RowSpace):
    """MobileNetV1 whose stages differ in width, in the size of their kernels and in their number of blocks.

    Args:
        stages (list[list[int]]): of the network to begin with: channels, stride, blocks of each.
        widths (list[float]): multiply the channels of a stage.
        kernels (list[int]): sizes of a stage's depthwise convolutions.
        repeats (list[int]): are added to the blocks of a stage, which has one at least.
        key (str): dotted path of the network in the configuration.
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
        self.rows = checked("MobileNetV1Space", "stages", stages, 3)
        for index, (_, _, count) in enumerate(self.rows):
            self.add(f"width{index}", widths)
            self.add(f"kernel{index}", kernels)
            self.add(f"blocks{index}", repeated(count, repeats))
        self.finish()

    def network(self, values):
        """A MobileNetV1 of these stages."""
        rows = [
            [scaled(channels, values[f"width{i}"]), stride, values[f"blocks{i}"], values[f"kernel{i}"]]
            for i, (channels, stride, _) in enumerate(self.rows)
        ]
        return {"type": "MobileNetV1", "stages": rows}


class MobileNetV2Space(RowSpace):
    """MobileNetV2 whose rows differ in expansion, width, the size of their kernels and their number of blocks.

    Args:
        blocks (list[list[int]]): of the network to begin with: expansion, channels, blocks, stride of each row.
        expansions (list[int]): of the rows whose expansion is not 1.
        widths (list[float]): multiply the channels of a row.
        kernels (list[int]): sizes of a row's depthwise convolutions.
        repeats (list[int]): are added to the blocks of a row, which has one at least.
        key (str): dotted path of the network in the configuration.
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
        self.rows = checked("MobileNetV2Space", "blocks", blocks, 4)
        for index, (expansion, _, count, _) in enumerate(self.rows):
            self.add(f"expansion{index}", expansions if expansion > 1 else (1,))
            self.add(f"width{index}", widths)
            self.add(f"kernel{index}", kernels)
            self.add(f"blocks{index}", repeated(count, repeats))
        self.finish()

    def network(self, values):
        """A MobileNetV2 of these rows."""
        rows = []
        for i, (_, channels, _, stride) in enumerate(self.rows):
            width = scaled(channels, values[f"width{i}"])
            rows.append([values[f"expansion{i}"], width, values[f"blocks{i}"], stride, values[f"kernel{i}"]])
        return {"type": "MobileNetV2", "blocks": rows}


class ResNetBlockSpace(RowSpace):
    """Residual networks whose stages differ in width and in their number of blocks.

    Args:
        network (str): ResNet, of four stages, or SmallResNet, of three.
        blocks (list[int] | None): of the network to begin with; None takes 2 in each stage.
        widths (list[float]): multiply the channels of a stage.
        repeats (list[int]): are added to the blocks of a stage, which has one at least.
        key (str): dotted path of the network in the configuration.
    """

    def __init__(
        self, network="ResNet", blocks=None, widths=(0.5, 0.75, 1.0, 1.25), repeats=(-1, 0, 1), key="model.backbone"
    ):
        super().__init__(key)
        stages = {"ResNet": 4, "SmallResNet": 3}
        if network not in stages:
            raise ValueError(f"ResNetBlockSpace: network is {network!r}; it is ResNet or SmallResNet")
        self.type, counts = network, list(blocks or [2] * stages[network])
        if len(counts) != stages[network] or any(not isinstance(n, int) or n < 1 for n in counts):
            raise ValueError(f"ResNetBlockSpace got blocks {counts}; {network} has {stages[network]} stages")
        self.count = len(counts)
        for index, count in enumerate(counts):
            self.add(f"width{index}", widths)
            self.add(f"blocks{index}", repeated(count, repeats))
        self.finish()

    def network(self, values):
        """A network of this type with these stages."""
        stages = range(self.count)
        return {
            "type": self.type,
            "width": [values[f"width{i}"] for i in stages],
            "blocks": [values[f"blocks{i}"] for i in stages],
        }


def repeated(count, repeats):
    """The numbers of blocks to choose from, 1 or more each, in order."""
    return sorted({max(1, count + more) for more in repeats})


def scaled(channels, width):
    """Channels times a width, a multiple of 4 and 4 at least."""
    return max(4, int(channels * width / 4 + 0.5) * 4)


def checked(name, key, rows, count):
    """The rows as tuples.

    Raises:
        ValueError: one is no list of `count` whole numbers of 1 or more.
    """
    for index, row in enumerate(rows):
        if len(row) != count or any(not isinstance(number, int) or number < 1 for number in row):
            raise ValueError(f"{name} got {key}.{index} {list(row)}; it takes {count} whole numbers of 1 or more")
    return [tuple(row) for row in rows]
