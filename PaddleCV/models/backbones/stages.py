"""What every backbone of stages does: run them, keep some outputs, freeze the first of them."""

from ..layers import freeze


def stage_features(x, stages, out_indices):
    """The outputs of the stages named by `out_indices`, the finest first, of x that goes through all of them."""
    features = []
    for index, stage in enumerate(stages):
        x = stage(x)
        if index in out_indices:
            features.append(x)
    return features


def per_stage(name, blocks, width, count):
    """(blocks, width) of each stage.

    Args:
        name (str): of the network, for the message.
        blocks (list[int]): of each stage.
        width (float | list[float]): of all stages, or of each.
        count (int): how many stages there are.

    Raises:
        ValueError: there is not one of both for each stage, or one is too small.
    """
    widths = list(width) if isinstance(width, list | tuple) else [width] * count
    if len(blocks) != count or len(widths) != count or min(blocks) < 1 or min(widths) <= 0:
        raise ValueError(
            f"{name} got blocks {list(blocks)} and width {width}; it has {count} stages, each of 1 block or more and "
            "of a width above 0"
        )
    return list(blocks), widths


def check_rows(name, key, rows, count):
    """The rows of a network's table, each with the size of its kernels at its end: 3 where it is left out.

    Args:
        name (str): of the network, for the message.
        key (str): of the configuration, for the message.
        rows (list[list[int]]): `count` numbers of 1 or more each, or one more.
        count (int): numbers without the kernels' size.

    Raises:
        ValueError: a row is no such list, or its kernels' size is even.
    """
    rows = [tuple(row) if len(row) > count else (*row, 3) for row in rows]
    for index, row in enumerate(rows):
        if len(row) != count + 1 or any(not isinstance(n, int) or n < 1 for n in row) or row[-1] % 2 == 0:
            raise ValueError(
                f"{name} got {key}.{index} {list(row)}; it takes {count} whole numbers of 1 or more, "
                "and the size of its kernels, which is odd"
            )
    if not rows:
        raise ValueError(f"{name} got no {key}")
    return rows


def freeze_first(stem, stages, count):
    """Freezes the first `count` stages and what is before them (a layer or None); 0 freezes nothing."""
    if count and stem is not None:
        freeze(stem)
    for stage in stages[:count]:
        freeze(stage)
