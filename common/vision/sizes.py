"""Checks that the pictures a configuration makes have sides that its model can take."""

from common.errors import ConfigError

SPLITS = ("train", "eval", "test")


def check_picture_sizes(config, model):
    """Refuses a size of the transforms or of the export that is no multiple of the model's coarsest stride.

    Args:
        config (Config): the checked configuration.
        model (nn.Layer): with `size_multiple`, if its pictures must have such sides.

    Raises:
        ConfigError: with the place of the size and the nearest ones allowed.
    """
    multiple = getattr(model, "size_multiple", 1)
    if multiple == 1:
        return
    for place, sizes in [*transform_sizes(config), *export_size(config)]:
        for size in sizes:
            height, width = size if isinstance(size, list) else (size, size)
            if height % multiple or width % multiple:
                below, above = (
                    [max(multiple, (side + more) // multiple * multiple) for side in (height, width)]
                    for more in (0, multiple - 1)
                )
                near = f"{below}" if below == above else f"{below} or {above}"
                raise ConfigError(
                    f"{config.place(place)}: {place} has {height} x {width}; {type(model).__name__} with these parts "
                    f"takes multiples of {multiple}, such as {near}"
                )


def transform_sizes(config):
    """(dotted path, sizes) of what decides the size of each split's pictures, where a number in the file does."""
    found = []
    for split in SPLITS:
        transforms = config.get(f"data.{split}.transforms", None) or []
        for i, node in reversed(list(enumerate(transforms))):
            key = next((key for key in ("sizes", "size") if node.get(key) is not None), None)
            if "divisor" in node or node.get("keep_ratio"):
                break  # padded, or of a size that differs from picture to picture
            if key:
                value = node[key]
                found.append((f"data.{split}.transforms.{i}.{key}", value if key == "sizes" else [value]))
                break
    return found


def export_size(config):
    """The same of the export."""
    size = config.get("export.image_size")
    return [("export.image_size", [size])] if size else []
