"""Reader of TensorFlow.js weights: a manifest in JSON and the files that it names, in `paths`.

The format is TensorFlow.js' `weights_manifest.json` (https://www.tensorflow.org/js/guide/save_load): groups of weights
whose values follow one another in the files of their group. A quantized weight is byte * scale + min; float16 is kept
as half as many bytes.
"""

import json
from pathlib import Path

from common.errors import EnvironmentProblem
from common.files import parse_json
from common.weights.byte_reader import ByteReader, read_bytes

DTYPES = ("float32", "int32", "uint8", "bool", "float16", "uint16")


def read_tfjs(manifest):
    """Reads the weights of a manifest: name -> array, in TensorFlow's layout (filters are [k, k, in, out]).

    Args:
        manifest (str | Path): `*weights_manifest.json`, or a `model.json` that has it as `weightsManifest`; the files
            that it names lie beside it.

    Raises:
        EnvironmentProblem: a file cannot be read, is not a manifest, or has another size than its weights.
    """
    manifest, arrays = Path(manifest), {}
    try:
        groups = parse_json(read_bytes(manifest).decode("utf-8"))
        groups = groups["weightsManifest"] if isinstance(groups, dict) else groups
        for group in groups:
            reader = ByteReader(b"".join(read_bytes(_beside(manifest, path)) for path in group["paths"]))
            for entry in group["weights"]:
                if not isinstance(entry["name"], str) or entry["name"] in arrays:
                    raise ValueError(f"a weight named {entry['name']!r}")
                arrays[entry["name"]] = _weight(reader, entry)
            if reader.left():
                raise ValueError(f"{reader.left():,} bytes after the weights in {', '.join(group['paths'])}")
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise EnvironmentProblem(f"{manifest}: not JSON: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise EnvironmentProblem(f"{manifest}: not a manifest of TensorFlow.js: {error}") from None
    if not arrays:
        raise EnvironmentProblem(f"{manifest}: lists no weights")
    return arrays


def _beside(manifest, name):
    """The path of a file that a manifest names, which lies beside it or below."""
    if not isinstance(name, str) or Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"the file {name!r} is not beside the manifest")
    return manifest.parent / name


def _weight(reader, entry):
    """The next weight, float32 if it is quantized."""
    dtype, shape, quantized = entry["dtype"], entry["shape"], entry.get("quantization")
    if dtype not in DTYPES or not isinstance(shape, list) or any(type(size) is not int for size in shape):
        raise ValueError(f"{entry['name']}: {dtype} of shape {shape}")
    if quantized is None:
        return reader.array(dtype, shape, entry["name"])
    if quantized["dtype"] not in ("uint8", "uint16", "float16"):
        raise ValueError(f"{entry['name']}: quantized as {quantized['dtype']!r}")
    values = reader.array(quantized["dtype"], shape, entry["name"])
    if quantized["dtype"] == "float16":
        return values.astype("float32")
    return (values * float(quantized["scale"]) + float(quantized["min"])).astype(dtype)
