"""Compares a batch with the inputs that a model declares, before the framework gets to misread it."""

from common.errors import ConfigError


def check_inputs(inputs, batch, source, taker="the model", multiple=1):
    """Refuses a batch that lacks an input of the model, or has it in another shape or type.

    Args:
        inputs (dict[str, tuple]): name -> (shape, dtype), where None and -1 are any size.
        batch (dict[str, ndarray]): by the same names; more may be in it.
        source (str): who made the batch, such as `data.train`.
        taker (str): who takes it.
        multiple (int): the sides of pictures are multiples of it.

    Raises:
        ConfigError: with the name, what was given and what is taken.
    """
    for name, (shape, dtype) in inputs.items():
        value = batch.get(name)
        if value is None:
            raise ConfigError(f"{source} gives no '{name}'; {taker} takes {', '.join(inputs)}{hint(name)}")
        if not hasattr(value, "dtype"):
            raise ConfigError(
                f"{source} gives '{name}' as a {type(value).__name__}; {taker} takes {dtype}{list(shape)}"
            )
        fits = value.ndim == len(shape) and all(
            want in (None, -1, size) for want, size in zip(shape, value.shape, strict=True)
        )
        if not fits or str(value.dtype) != dtype:
            taken = f"{dtype}{[size if size and size > 0 else None for size in shape]}".replace("None", "any")
            given = f"{value.dtype}{list(value.shape)}"
            why = hint(name) if value.ndim != len(shape) or str(value.dtype) != dtype else ""
            raise ConfigError(f"{source} gives '{name}' as {given}; {taker} takes {taken}{why}")
        if value.ndim == 4 and any(side % multiple for side in value.shape[2:]):
            height, width = value.shape[2:]
            raise ConfigError(
                f"{source} gives pictures of {height} x {width}; {taker} takes sides that are multiples of {multiple}: "
                "resize to such a size, or pad with the transform PadBatch"
            )


def hint(name):
    """What usually makes this input."""
    return " (the transforms Decode and Normalize make it)" if name == "image" else ""
