"""The sides that images of a feature pyramid may have."""


def check_sides(name, sides, multiple):
    """Raises ValueError for images whose levels would not fit on one another."""
    if any(side % multiple for side in sides):
        raise ValueError(f"{name} takes images whose sides are multiples of {multiple}, not {sides[0]} x {sides[1]}")
