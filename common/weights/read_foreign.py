"""Reads the weights that other programs wrote, by the suffix of the file."""

from pathlib import Path

from common.errors import ConfigError
from common.weights import checkpoint
from common.weights.ctranslate2 import read_ctranslate2
from common.weights.darknet import read_darknet
from common.weights.inference_model import read_inference_model
from common.weights.onnx_file import read_onnx
from common.weights.tfjs import read_tfjs
from common.weights.tflite import read_tflite
from common.weights.torch_file import read_torch_file

TORCH = (".pth", ".pt", ".bin", ".tar")
OURS = (".safetensors", ".pdparams")
GRAPHS = {".onnx": read_onnx, ".tflite": read_tflite}


def read_foreign(path):
    """Reads a state dictionary: name -> array.

    Args:
        path (str | Path): PyTorch (.pth, .pt, .bin, .tar), safetensors, Paddle (.pdparams), Darknet (.weights with
            its .cfg beside it), an inference model of PaddlePaddle 2 (.pdmodel with its .pdiparams beside it),
            TensorFlow.js (*manifest.json, model.json), ONNX (.onnx), TensorFlow Lite (.tflite) or CTranslate2
            (model.bin).

    Raises:
        ConfigError: the file does not exist, or has another suffix.
        EnvironmentProblem: the file cannot be read.
        UnsafeFile: unpickling it would run code.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file")
    if path.suffix == ".bin" and path.read_bytes()[:4] in (b"\5\0\0\0", b"\6\0\0\0"):
        return read_ctranslate2(path)
    if path.suffix in TORCH:
        return read_torch_file(path)
    if path.suffix in OURS:
        return checkpoint.read_weights(path)
    if path.suffix == ".weights":
        return read_darknet(path.with_suffix(".cfg"), path)
    if path.suffix == ".pdmodel":
        return read_inference_model(path)
    if path.suffix == ".json":
        return read_tfjs(path)
    if path.suffix in GRAPHS:
        return GRAPHS[path.suffix](path)
    raise ConfigError(
        f"{path}: a state dictionary is a .pth, .pt, .bin, .safetensors or .pdparams file, a .weights file of Darknet, "
        "a .pdmodel file of PaddlePaddle 2, a manifest of TensorFlow.js (.json), an .onnx or a .tflite file"
    )
