"""ONNX beside the native export, through paddle2onnx; optional."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from common.errors import EnvironmentProblem
from common.export.onnx_quantize import quantize_file

NEEDED = ("paddle2onnx", "onnxruntime")


def can_write_onnx():
    """True where the converter is installed, and what its file is compared by."""
    return all(importlib.util.find_spec(package) is not None for package in NEEDED)


def write_onnx(folder, name):
    """Turns `<name>.json` of a folder into `model.onnx`, in a process of its own: the converter may abort.

    Raises:
        EnvironmentProblem: paddle2onnx or onnxruntime is not installed, or an operator has no ONNX form.
    """
    for package in NEEDED:
        if importlib.util.find_spec(package) is None:
            raise EnvironmentProblem(f"ONNX export needs {package}: pip install paddle2onnx onnxruntime")
    program = (
        "import sys, paddle2onnx; m, p, o = sys.argv[1:]; "
        "paddle2onnx.export(m, p, o, opset_version=17, enable_onnx_checker=True, optimize_tool=None)"
    )
    paths = [str(folder / file) for file in (f"{name}.json", f"{name}.pdiparams", "model.onnx")]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths], capture_output=True, text=True, check=False, timeout=1800
    )
    if done.returncode or not (folder / "model.onnx").is_file():
        reasons = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        reasons = [line for line in reasons if "[ERROR]" in line] or reasons
        raise EnvironmentProblem("paddle2onnx could not convert the model:\n  " + "\n  ".join(reasons[-4:]))
    for file in paths[:2]:
        Path(file).unlink()
    quantize_file(paths[2])


def run_onnx(path, inputs, outputs):
    """The outputs of onnxruntime: {output name: array}, in the order the model returns them."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; it warns of every constant that the converter left behind
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    known = {entry.name for entry in session.get_inputs()}
    found = session.run(None, {name: value for name, value in inputs.items() if name in known})
    return dict(zip(outputs, found, strict=True))
