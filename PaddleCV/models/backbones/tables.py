"""The tables that networks are built from: numbers of blocks and channels, one row for each stage or block."""


def per_stage(name, blocks, width, count):
    """(blocks, width) of each stage.

    Args:
        name (str): of the network, for the message.
        blocks (list[int]): of each stage.
        width (float | list[float]): of all stages, or of each.
        count (int): the number of stages.

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
    """The rows of a network's table, each with its kernel size at the end: 3 where it is left out.

    Args:
        name (str): of the network, for the message.
        key (str): of the configuration, for the message.
        rows (list[list[int]]): `count` numbers of 1 or more each, or one more.
        count (int): numbers without the kernel size.

    Raises:
        ValueError: a row is no such list, or its kernel size is even.
    """
    rows = [tuple(row) if len(row) > count else (*row, 3) for row in rows]
    for index, row in enumerate(rows):
        if len(row) != count + 1 or any(not isinstance(n, int) or n < 1 for n in row) or row[-1] % 2 == 0:
            raise ValueError(
                f"{name} got {key}.{index} {list(row)}; it takes {count} whole numbers of 1 or more, "
                "and the kernel size, which is odd"
            )
    if not rows:
        raise ValueError(f"{name} got no {key}")
    return rows


def divisible(channels, divisor=8):
    """The multiple of `divisor` nearest to a number of channels, at least `divisor` and at least 90 % of it."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest
