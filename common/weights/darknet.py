"""Reader of Darknet networks: a `.cfg` that lists the layers and a `.weights` file with their numbers.

The format is that of Darknet's `parser.c` (https://github.com/pjreddie/darknet): a header of 16 bytes, 20 from version
0.2 on, then for each convolution in order the bias, or beta, gamma, mean and variance where it is normalized, then
the filters [out, in / groups, k, k], all float32. Batch normalization adds 1e-6 to the standard deviation.
"""

from common.errors import EnvironmentProblem
from common.files import read_lines
from common.weights.byte_reader import ByteReader, read_bytes

KNOWN = ("convolutional", "maxpool", "avgpool", "upsample", "route", "shortcut", "yolo", "dropout", "softmax", "cost")
NORM = ("bias", "weight", "running_mean", "running_var")


def read_darknet_cfg(path):
    """Reads a `.cfg`: a list of (section, options), `[net]` first; options are dicts of text.

    Raises:
        EnvironmentProblem: a line is neither a section nor an option; names it.
        DataError: the file cannot be read.
    """
    sections = []
    for number, line in enumerate(read_lines(path), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            sections.append((line[1:-1], {}))
        elif "=" in line and sections:
            key, _, value = line.partition("=")
            sections[-1][1][key.strip()] = value.strip()
        else:
            raise EnvironmentProblem(f"{path}:{number}: neither [section] nor key=value: {line[:60]!r}")
    if not sections or sections[0][0] not in ("net", "network"):
        raise EnvironmentProblem(f"{path}: begins with [net] in a file of Darknet")
    return sections


def read_darknet(cfg, weights):
    """Reads a Darknet network: name -> float32 array.

    Args:
        cfg (str | Path): the list of layers.
        weights (str | Path): the numbers.

    Returns:
        dict: `N.conv.weight`, `N.conv.bias` or `N.norm.{weight,bias,running_mean,running_var}` for the layer N, counted
        as in the `.cfg` from 0.

    Raises:
        EnvironmentProblem: a layer is not known, or the file has fewer or more numbers than the layers.
    """
    sections, arrays = read_darknet_cfg(cfg), {}
    reader = ByteReader(read_bytes(weights))
    layer = 0
    try:
        major, minor, _ = reader.array("i4", (3,), "a header")
        reader.array("i8" if major * 10 + minor >= 2 else "i4", (), "the number of images seen")
        channels = [_whole(sections[0][1], "channels", 3)]  # of the input, then of each layer's output
        for layer, (kind, options) in enumerate(sections[1:]):
            if kind not in KNOWN:
                raise ValueError(f"[{kind}] is not a layer that is read here: {', '.join(KNOWN)}")
            channels.append(_channels(kind, options, channels))
            if kind == "convolutional":
                arrays |= _convolution(reader, layer, options, channels[-2], channels[-1])
    except (ValueError, IndexError) as error:
        raise EnvironmentProblem(f"{weights}: does not fit {cfg}, layer {layer}: {error}") from None
    if reader.left():
        raise EnvironmentProblem(f"{weights}: {reader.left():,} bytes more than the layers of {cfg} have")
    return arrays


def _channels(kind, options, channels):
    """The channels of a layer's output; `channels` are those of the input and of the layers before."""
    if kind == "convolutional":
        return _whole(options, "filters", 1)
    if kind != "route":
        return channels[-1]
    total = 0
    for text in options.get("layers", "").split(","):
        place = int(text)
        place = len(channels) + place if place < 0 else place + 1
        if not 1 <= place < len(channels):
            raise ValueError(f"a route to the layer {text}, which is not before it")
        total += channels[place]
    return total // _whole(options, "groups", 1)


def _convolution(reader, layer, options, inputs, outputs):
    """The arrays of a convolution."""
    size, groups = _whole(options, "size", 1), _whole(options, "groups", 1)
    if inputs % groups:
        raise ValueError(f"{inputs} channels in {groups} groups")
    if _whole(options, "batch_normalize", 0, least=0):
        arrays = {f"{layer}.norm.{name}": reader.array("f4", (outputs,), name) for name in NORM}
    else:
        arrays = {f"{layer}.conv.bias": reader.array("f4", (outputs,), "a bias")}
    return arrays | {f"{layer}.conv.weight": reader.array("f4", (outputs, inputs // groups, size, size), "filters")}


def _whole(options, key, default, least=1):
    """An option that is a whole number."""
    value = int(options.get(key, default))
    if not least <= value <= 2**20:
        raise ValueError(f"{key}={value}")
    return value
