"""The tables that networks are built from: numbers of blocks and widths, a row a stage."""


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
