"""Functional tests of PaddlePaddle for the doctor, run in a child process.

Writes one JSON object a line: {"trying": what} before each test, the fields of a finding after it, {"finished": true}.
"""

import importlib
import importlib.metadata
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from common.system import runtime

PADDLE = "3.3.1"
NEEDED = (
    ("numpy", "numpy", "pip install 'numpy>=1.26,<2.4'"),
    ("yaml", "PyYAML", "pip install PyYAML"),
    ("cv2", "OpenCV", "pip install opencv-python-headless"),
    ("PIL", "Pillow", "pip install Pillow"),
    ("safetensors", "safetensors", "pip install safetensors"),
    ("rich", "rich", "pip install rich"),
    ("defusedxml", "defusedxml", "pip install defusedxml"),
)


class Failed(Exception):
    """A test failed; the first argument is the cause, the second the fix."""


def main():
    """Runs all tests; those that need PaddlePaddle only if it can be imported."""
    global report
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    write_record({"trying": "settings"})
    for module, name, fix in NEEDED:
        attempt("needed", name, fix, import_package, module)
    attempt("works", "reading images", "pip install --force-reinstall opencv-python-headless", image_round_trip)
    for name, value, why in runtime.runtime_settings():
        write_record({"section": "machine", "name": name, "ok": True, "detail": f"{value} ({why})", "required": False})
    fix = f"pip install paddlepaddle=={PADDLE}"
    if attempt("needed", "PaddlePaddle", fix, import_paddle):
        attempt("machine", "device", "", device)
        attempt("works", "speed", "", speed, required=False)
        attempt("works", "training", f"{fix} --force-reinstall", training_step)
        attempt("works", "export and predict", f"{fix} --force-reinstall", export_and_predict)
    write_record({"finished": True})


def attempt(section, name, fix, function, *given, required=True):
    """Runs one test and reports the result; True if it passed."""
    write_record({"trying": name})
    finding = {"section": section, "name": name, "required": required}
    try:
        detail = function(*given)
    except Failed as failure:
        write_record(
            finding | {"ok": False, "detail": failure.args[0], "fix": failure.args[1] if failure.args[1:] else fix}
        )
        return False
    except Exception as error:  # noqa: BLE001 a broken package may raise anything
        message = str(error).strip().splitlines()
        write_record(
            finding | {"ok": False, "detail": f"{type(error).__name__}: {message[0] if message else ''}", "fix": fix}
        )
        return False
    write_record(finding | {"ok": True, "detail": detail, "fix": ""})
    return True


def write_record(record):
    """Writes one line to the parent process."""
    report.write(json.dumps(record) + "\n")
    report.flush()


def import_package(module):
    """Imports a package and returns its version."""
    package = importlib.import_module(module)
    version = getattr(package, "__version__", None) or importlib.metadata.version(module)
    if module == "numpy" and tuple(int(part) for part in version.split(".")[:2]) >= (2, 4):
        raise Failed(f"{version}; PaddlePaddle {PADDLE} does not work with numpy 2.4 and later")
    return str(version)


def image_round_trip():
    """Encodes and decodes a small image."""
    import cv2
    import numpy as np

    image = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    good, data = cv2.imencode(".png", image)
    if not good or not (cv2.imdecode(data, cv2.IMREAD_COLOR) == image).all():
        raise Failed("a PNG changed in a round trip")
    if cv2.imdecode(cv2.imencode(".jpg", image)[1], cv2.IMREAD_COLOR) is None:
        raise Failed("OpenCV cannot read a JPEG")
    return "PNG and JPEG encode and decode"


def import_paddle():
    """Imports PaddlePaddle and checks its version."""
    started = time.perf_counter()
    runtime.prepare()
    import paddle

    if paddle.__version__ != PADDLE:
        raise Failed(f"{paddle.__version__} is installed, {PADDLE} is required")
    return f"{paddle.__version__}, imported in {time.perf_counter() - started:.1f} s"


def device():
    """The device of PaddlePaddle."""
    import shutil

    import paddle

    if paddle.is_compiled_with_cuda():
        count = paddle.device.cuda.device_count()
        names = sorted({paddle.device.cuda.get_device_name(number) for number in range(count)})
        return f"{count} GPUs ({', '.join(names)})" if count else "GPU build, but no GPU is visible; the CPU is used"
    if shutil.which("nvidia-smi"):
        return "CPU build, although the machine has GPUs; docs/gpu.md has the command that installs the GPU build"
    return "CPU build"


def speed():
    """Throughput of a matrix product and a 3 x 3 convolution in GFLOP/s: the best of a few short runs."""
    import paddle

    from common.layers.fast_conv import is_fast, use_fast_convolutions

    size = 768
    left = paddle.randn([size, size])
    product = gigaflops(lambda: paddle.matmul(left, left), 2 * size**3)
    image = paddle.randn([2, 64, 56, 56])
    layer = use_fast_convolutions(paddle.nn.Conv2D(64, 64, 3, padding=1))
    with paddle.no_grad():
        convolution = gigaflops(lambda: layer(image), 2 * 2 * 64 * 64 * 9 * 56 * 56)
    library = "oneDNN" if is_fast(layer) else "PaddlePaddle"
    text = f"matrix product {product:.0f} GFLOP/s, convolution by {library} {convolution:.0f} GFLOP/s"
    if product < 15:
        raise Failed(text + ", slow", "see the settings above; is the machine busy? (20 to 80 a core is usual)")
    return text


def gigaflops(function, operations, rounds=5):
    """The best throughput of a few calls after a warm-up."""
    function()
    best = min(measure_seconds(function) for _ in range(rounds))
    return operations / best / 1e9


def measure_seconds(function):
    """Duration of one call in seconds."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def tiny_model():
    """A convolution, a normalization and a classifier of two classes."""
    from paddle import nn

    return nn.Sequential(
        nn.Conv2D(3, 8, 3, padding=1),
        nn.BatchNorm2D(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2D(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )


def training_step():
    """Trains a few steps on four images: the loss must decrease."""
    import paddle

    paddle.seed(0)
    model = tiny_model()
    optimizer = paddle.optimizer.Momentum(0.1, parameters=model.parameters())
    images, labels = paddle.randn([4, 3, 16, 16]), paddle.to_tensor([0, 1, 0, 1])
    losses = []
    for _ in range(5):
        loss = paddle.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(loss.item())
    if not losses[-1] < losses[0]:
        raise Failed(f"the loss of a tiny model does not decrease: {losses[0]:.4f} -> {losses[-1]:.4f}")
    return f"five steps of a tiny model: loss {losses[0]:.3f} -> {losses[-1]:.3f}"


def export_and_predict():
    """Exports a tiny model; its outputs must equal those of the model in memory."""
    import numpy as np
    import paddle
    from paddle import inference

    model = tiny_model()
    model.eval()
    image = np.random.default_rng(0).standard_normal((2, 3, 16, 16), dtype=np.float32)
    expected = model(paddle.to_tensor(image)).numpy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        spec = paddle.static.InputSpec([None, 3, None, None], "float32", name="image")
        paddle.jit.save(model, str(path), input_spec=[spec])
        config = inference.Config(str(path) + ".json", str(path) + ".pdiparams")
        config.disable_gpu()
        config.disable_glog_info()
        config.enable_new_ir(True)
        config.enable_new_executor()
        predictor = inference.create_predictor(config)
        predictor.get_input_handle("image").copy_from_cpu(image)
        predictor.run()
        output = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
    difference = float(np.abs(output - expected).max())
    if not difference < 1e-4:
        raise Failed(f"the outputs of the exported model differ from those in memory by {difference:.1e}")
    return f"the outputs of the exported model equal those in memory (difference {difference:.0e})"


if __name__ == "__main__":
    sys.exit(main())
