"""The engines that run model.onnx of an exported folder from Python: onnxruntime and OpenVINO, both optional.

`run(inputs)` of an engine returns a list of arrays in the order of the outputs, `clone()` an engine for another thread.
"""

import importlib
import os

import numpy as np

from common.errors import ConfigError, EnvironmentProblem
from common.suggest import did_you_mean


class OnnxRuntimeEngine:
    """onnxruntime on the CPU.

    Args:
        path (Path): of model.onnx.
        threads (int): of one inference.
    """

    def __init__(self, path, threads):
        runtime = imported("onnxruntime", path)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors; it warns of every constant that the converter left behind
        self.session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.shapes = {entry.name: entry.shape for entry in self.session.get_inputs()}

    def run(self, inputs):
        """The outputs of a batch of the program's size."""
        return self.session.run(None, inputs)

    def clone(self):
        """Itself: a session serves several threads at once."""
        return self


class OpenVINOEngine:
    """OpenVINO on the CPU, in float32 where the program is not of 8 bits.

    Args:
        path (Path): of model.onnx.
        threads (int): of one inference.
        compiled (object): the compiled model of another engine, which is shared.
    """

    def __init__(self, path, threads, compiled=None):
        settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
        settings |= {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        self.path, self.threads = path, threads
        self.compiled = compiled or imported("openvino", path).Core().compile_model(str(path), "CPU", settings)
        self.request = self.compiled.create_infer_request()
        sizes = {port.get_any_name(): port.get_partial_shape() for port in self.compiled.inputs}
        self.shapes = {name: [s.get_length() if s.is_static else None for s in shape] for name, shape in sizes.items()}

    def run(self, inputs):
        """The outputs of a batch of the program's size."""
        outputs = self.request.infer({name: np.ascontiguousarray(value) for name, value in inputs.items()})
        return [np.array(outputs[port]) for port in self.compiled.outputs]

    def clone(self):
        """One with a request of its own, for another thread."""
        return OpenVINOEngine(self.path, self.threads, self.compiled)


class OneAtATime:
    """Runs a program of a fixed batch on batches of other sizes, as often as it takes.

    Args:
        engine (OnnxRuntimeEngine | OpenVINOEngine): of the program.
    """

    def __init__(self, engine):
        self.engine = engine

    def run(self, inputs):
        """The outputs, those of each part one after another.

        Raises:
            ConfigError: a size other than that of the batch is not the program's.
        """
        inputs = {name: inputs[name] for name in self.engine.shapes}
        parts = [self.parts(name, value) for name, value in inputs.items()]
        if max(parts, default=1) <= 1:
            return self.engine.run(inputs)
        split = {name: np.split(value, max(parts)) for name, value in inputs.items()}
        outputs = [self.engine.run({name: pieces[i] for name, pieces in split.items()}) for i in range(max(parts))]
        return [np.concatenate(pieces) for pieces in zip(*outputs, strict=True)]

    def takes(self, inputs):
        """True where every input of the program has a size that it can run."""
        return all(self.count_of(name, inputs[name]) is not None for name in self.engine.shapes)

    def count_of(self, name, value):
        """The number of samples of an array that are run together; None where its sizes are not the program's."""
        shape = self.engine.shapes[name]
        if len(shape) != value.ndim or not shape:
            return None if len(shape) != value.ndim else 1
        fits = [size == want or not isinstance(want, int) or want <= 0 for want, size in zip(shape, value.shape)]
        count = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else max(1, len(value))
        return None if not all(fits[1:]) or len(value) % count else count

    def parts(self, name, value):
        """The number of batches of the program's size in an array."""
        shape, count = self.engine.shapes[name], self.count_of(name, value)
        if count is None:
            raise ConfigError(
                f"model.onnx takes {name} of {shape}, and was given {list(value.shape)}: it is written for fixed "
                "sizes; export it with export.image_size of these, or choose --engine paddle"
            )
        return len(value) // count if value.ndim else 1

    def clone(self):
        """One for another thread."""
        return OneAtATime(self.engine.clone())


ENGINES = {"onnxruntime": OnnxRuntimeEngine, "openvino": OpenVINOEngine}


def imported(package, path):
    """The package of an engine.

    Raises:
        EnvironmentProblem: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise EnvironmentProblem(
            f"{path.parent} is run by {package}, which is not installed: pip install {package}, or use --engine paddle"
        ) from error


def load_onnx(folder, name, threads):
    """The engine of an exported folder.

    Args:
        folder (Path): with model.onnx.
        name (str): a key of ENGINES.
        threads (int): 0 for as many as `common.system.runtime` has chosen.

    Raises:
        ConfigError: there is no such engine.
        EnvironmentProblem: model.onnx or the engine's package is missing.
    """
    if name not in ENGINES:
        known = ["paddle", *ENGINES]
        hint = did_you_mean(name, known) or f"; it may be {', '.join(known)}"
        raise ConfigError(f"there is no engine '{name}'{hint}")
    path = folder / "model.onnx"
    if not path.is_file():
        raise EnvironmentProblem(f"{path}: missing, and {name} reads nothing else; export the model with --onnx")
    return OneAtATime(ENGINES[name](path, threads or int(os.environ.get("OMP_NUM_THREADS", "1"))))
