"""ONNX beside the native export, through paddle2onnx; optional."""

import importlib.util
import subprocess
import sys

from common.errors import EnvironmentProblem


def write_onnx(folder):
    """Converts `model.json` of an export to `model.onnx`, in a process of its own: the converter may abort.

    Raises:
        EnvironmentProblem: paddle2onnx or onnxruntime is not installed, or an operator has no ONNX form.
    """
    for package in ("paddle2onnx", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise EnvironmentProblem(f"ONNX export needs {package}: pip install paddle2onnx onnxruntime")
    program = (
        "import sys, paddle2onnx; m, p, o = sys.argv[1:]; "
        "paddle2onnx.export(m, p, o, opset_version=17, enable_onnx_checker=True, optimize_tool=None)"
    )
    paths = [str(folder / name) for name in ("model.json", "model.pdiparams", "model.onnx")]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths], capture_output=True, text=True, check=False, timeout=1800
    )
    if done.returncode or not (folder / "model.onnx").is_file():
        reasons = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise EnvironmentProblem("paddle2onnx could not convert the model:\n  " + "\n  ".join(reasons[-4:]))


def run_onnx(path, inputs, outputs):
    """The answers of onnxruntime: {output name: array}, in the order the model returns them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    known = {entry.name for entry in session.get_inputs()}
    answers = session.run(None, {name: value for name, value in inputs.items() if name in known})
    return dict(zip(outputs, answers, strict=True))
