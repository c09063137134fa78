"""Exports a layer of one input without a configuration: a model of tensors for tests and benchmarks."""

from pathlib import Path

import numpy as np
import yaml

from common.system import runtime
from common.weights.manifest import write_manifest


def export_layer(layer, folder, shape, name="numbers"):
    """Writes an exported folder of `layer`, which takes x and gives y, both float32 of rows.

    Args:
        layer (nn.Layer): of one input and one output.
        folder (str | Path): where to.
        shape (list[int]): of x; -1 for the rows.
        name (str): of the model.

    Returns:
        Path: the folder.
    """
    runtime.prepare()
    from common.export.write import write_program
    from common.inference.exported import FORMAT

    folder = Path(folder)
    folder.mkdir(parents=True)
    layer.inputs = {"x": (shape, "float32")}
    layer.eval()
    write_program(layer, folder / "model", {"x": shape})
    about = {
        "format": FORMAT,
        "name": name,
        "task": "Tensors",
        "postprocess": {},
        "program": "model.json",
        "params": "model.pdiparams",
        "inputs": [{"name": "x", "shape": shape, "dtype": "float32"}],
        "outputs": ["y"],
        "labels": [],
        "size_multiple": 1,
        "preprocess": [],
    }
    (folder / "infer.yml").write_text(yaml.safe_dump(about), encoding="utf-8")
    np.savez(folder / "golden.npz", **{"in/x": np.zeros([1, *shape[1:]], np.float32)})
    write_manifest(folder)
    return folder
