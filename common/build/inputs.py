"""Checks of batches, image sizes and transforms for evaluation against the inputs that a model declares.

Images are [N, C, H, W], clips [N, T, C, H, W]. Data for evaluation and inference are prepared without random numbers. A
model that takes `scale_factor` predicts in pixels of the original image, so the pre-processing must be one that
`scale_factor` and `im_shape` undo.
"""

from common.build.data import given_classes
from common.contract import get_optional
from common.errors import ConfigError

SPLITS = ("train", "eval", "test")
EVALUATED = ("eval", "test", "infer")


def model_part(model, batch):
    """The model, or its part that reads a batch (`part_for`)."""
    find = getattr(model, "part_for", None)
    return find(batch) if find else model


def check_batch(model, batch, source):
    """Checks a batch by :func:`check_inputs`, and returns what reads it, see :func:`model_part`.

    Args:
        model (Layer): with `inputs`.
        batch (dict): name -> array.
        source (str): where the batch is from, for messages.
    """
    part = model_part(model, batch)
    check_inputs(part.inputs, batch, source, multiple=get_optional(model, "model", "size_multiple"))
    return part


def check_inputs(inputs, batch, source, consumer="the model", multiple=1):
    """Raises ConfigError for a batch in which an input of the model is missing or has another shape or dtype.

    Args:
        inputs (dict[str, tuple]): name -> (shape, dtype), None and -1 mean any size.
        batch (dict[str, ndarray]): by the same names; may have more.
        source (str): source of the batch for messages, such as `data.train`.
        consumer (str): consumer of the batch for messages.
        multiple (int): required divisor of the height and width of images and of the frames of clips.

    Raises:
        ConfigError: names the input, the given and the expected shape and dtype.
    """
    for name, (shape, dtype) in inputs.items():
        value = batch.get(name)
        if value is None:
            have = ", ".join(sorted(str(key) for key, other in batch.items() if other is not None)) or "nothing"
            takes = f"{consumer} takes {', '.join(inputs)}"
            raise ConfigError(f"{source} gives no '{name}'; {takes}; there is {have}{hint(name, shape)}")
        if not hasattr(value, "dtype"):
            raise ConfigError(
                f"{source} gives '{name}' as a {type(value).__name__}; {consumer} takes {dtype}{list(shape)}"
            )
        fits = value.ndim == len(shape) and all(
            want in (None, -1, size) for want, size in zip(shape, value.shape, strict=True)
        )
        if not fits or str(value.dtype) != dtype:
            taken = f"{dtype}{[size if size and size > 0 else None for size in shape]}".replace("None", "any")
            given = f"{value.dtype}{list(value.shape)}"
            why = hint(name, shape) if value.ndim != len(shape) or str(value.dtype) != dtype else ""
            raise ConfigError(f"{source} gives '{name}' as {given}; {consumer} takes {taken}{why}")
        if value.ndim in (4, 5) and any(side % multiple for side in value.shape[-2:]):
            height, width = value.shape[-2:]
            what = "images" if name == "image" else f"'{name}'"
            fix = "resize to such a size" + (", or pad with the transform PadBatch" if name == "image" else "")
            raise ConfigError(
                f"{source} gives {what} of {height} x {width}; {consumer} takes sides that are multiples "
                f"of {multiple}: {fix}"
            )


def hint(name, shape):
    """A hint at the transforms that usually create an input of this name and shape."""
    if name == "image":
        return " (the transforms Decode and Normalize create it)"
    if len(shape) == 4:
        return f" (On with `key: {name}` creates an image of this name, with Decode and Normalize among its transforms)"
    if len(shape) == 5:
        return f" (PerFrame with `key: {name}` creates a clip of this name, with Normalize as its last transform)"
    return ""


def check_image_sizes(config, model):
    """Raises ConfigError for image sizes of transforms or export that are no multiples of the model's largest stride.

    Args:
        config (Config): the checked configuration.
        model (nn.Layer): with `size_multiple`, if it restricts image sizes.

    Raises:
        ConfigError: names the place of the size and the nearest allowed ones.
    """
    multiple = get_optional(model, "model", "size_multiple")
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
    """(dotted path, sizes) of the keys that determine the image size of each split, where it is fixed."""
    found = []
    for split in SPLITS:
        found += sizes_in(config.get(f"data.{split}.transforms", None) or [], f"data.{split}.transforms", ("image",))
    return found


def sizes_in(transforms, path, keys):
    """The same for a list of transform nodes and the nodes nested in them.

    Args:
        transforms (list[dict]): nodes.
        path (str): dotted, of the list.
        keys (tuple[str]): names of the images that they process.
    """
    found, decided = [], set()
    for i, node in reversed(list(enumerate(transforms))):
        if isinstance(node.get("transforms"), list):
            named = node.get("key", "clip")
            inner = tuple(named) if isinstance(named, list) else (named,)
            sizes = sizes_in(node["transforms"], f"{path}.{i}.transforms", inner)
        else:
            inner, sizes = keys, own_size(node, f"{path}.{i}")
        if sizes is None or set(inner) <= decided:
            continue
        decided |= set(inner)
        found += sizes
    return found


def own_size(node, path):
    """The output size of a transform: an empty list if it varies between images, None if it does not change sizes."""
    key = next((key for key in ("sizes", "size") if node.get(key) is not None), None)
    if "divisor" in node or node.get("keep_ratio"):
        return []  # padded, or a size that varies between images
    if key is None:
        return None
    return [(f"{path}.{key}", node[key] if key == "sizes" else [node[key]])]


def export_size(config):
    """The same for the export."""
    size = config.get("export.image_size")
    return [("export.image_size", [size])] if size else []


def check_evaluation_transforms(config, model, labels):
    """Checks the transforms of data.eval, data.test and data.infer.

    Args:
        config (Config): the checked configuration.
        model (nn.Layer): built; its `inputs` say whether it predicts in pixels of the original image.
        labels (list[str] | None): class names.

    Raises:
        ConfigError: a transform is random, or moves pixels in a way that the model cannot undo; names its place.
    """
    for split in EVALUATED:
        nodes = config.get(f"data.{split}.transforms", None) or []
        kinds = [config.namespace.resolve(node["type"]) for node in nodes]
        places = [config.place(f"data.{split}.transforms.{k}") for k in range(len(nodes))]
        for place, kind in zip(places, kinds, strict=True):
            mixes = getattr(kind, "extra", 0) and not getattr(kind, "makes_targets", False)
            if getattr(kind, "augments", False) is True or mixes:
                refuse_random(place, kind.__name__, f"data.{split}")
        if any(is_learned(kind) or needs_dataset(config, kind) for kind in kinds):
            continue  # no pipeline of images: these have files, or are made from the data
        given = given_classes(labels)
        transforms = [config.build(f"data.{split}.transforms.{k}", **given) for k in range(len(nodes))]
        check_transforms(transforms, model, places, f"data.{split}", type(model).__name__)


def check_transforms(transforms, model, places, source, name):
    """The same for transforms that are built.

    Args:
        transforms (list[Transform]): in order of application.
        model (nn.Layer | Predictor): with `inputs`.
        places (list[str]): of each transform, for messages.
        source (str): of the samples, for messages, such as `data.eval`.
        name (str): of the model.

    Raises:
        ConfigError: as `check_evaluation_transforms`.
    """
    reader = next((transform for transform in transforms if hasattr(transform, "examine")), None)
    inputs = {*model.inputs, *(["scale_factor"] if get_optional(model, "model", "original_pixels") else ())}
    random, lasting = reader.examine(transforms, inputs) if reader else (None, None)
    if random is not None:
        refuse_random(places[random], type(transforms[random]).__name__, source)
    if lasting is not None:
        kind, centered = type(transforms[lasting]).__name__, getattr(transforms[lasting], "center", False) is True
        fix = "set center: false" if centered else "use Resize, LetterBox or Pad, without center"
        raise ConfigError(
            f"{places[lasting]}: {kind}{' with center: true' if centered else ''} in {source} moves the image within "
            f"the input; {name} predicts in pixels of the original image, where scale_factor alone does not "
            f"bring it back\n  fix: {fix}"
        )


def refuse_random(place, kind, source):
    """Raises the ConfigError for a random transform."""
    raise ConfigError(
        f"{place}: {kind} in {source} is random: the scores would differ from what the model predicts for the image "
        f"itself\n  fix: remove it from {source}; random augmentation is for data.train"
    )


def is_learned(kind):
    """True for a transform with files, such as a vocabulary, or that is fitted to the data."""
    return bool(getattr(kind, "files", ())) or hasattr(kind, "fit")


def needs_dataset(config, kind):
    """True for a transform whose constructor takes the dataset."""
    definition = config.namespace.find(kind.__name__)
    parameters = config.namespace.signature(definition).parameters if definition else ()
    return any(parameter.name == "dataset" and parameter.required for parameter in parameters)
