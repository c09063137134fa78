"""The engine of an export whose infer.yml says `engine: auto`: the fastest here that answers as the trained model did.

Every installed engine runs the export's own golden.npz; one whose outputs differ from those of the model in memory by
more than the tolerance of infer.yml is refused, the others are timed.  What was measured is kept in the folder of
downloads (KIT_HOME, else ~/.cache/paddle-kits) as engines/<sha256 in manifest.json>.json:

    {"schema": 1, "measured": [{"machine": "...", "threads": 1, "batch": 1, "versions": {"paddle": "3.3.1", ...},
        "ms": {"paddle": 6.4, "onnxruntime": 2.9}, "refused": {"openvino": "scores by 2.0e-02"}}]}

C++ reads the same file.  KIT_ENGINE=paddle (or another) takes the place of `auto`, and nothing is measured.
"""

import contextlib
import importlib.util
import json
import os
import platform
import threading
import time
from importlib import metadata

import numpy as np

from common.errors import ConfigError
from common.inference.about import ENGINES
from common.inference.compare import differences, listed
from common.inference.onnx_engines import load_onnx
from common.log import logger
from common.suggest import did_you_mean
from common.weights.manifest import CheckpointError, read_manifest, verify_manifest

PROGRAMS = {"paddle": ("model.json", "model.pdiparams"), "onnx": ("model.onnx",)}  # files that one engine alone reads
PACKAGES = {"paddle": "paddlepaddle", "onnxruntime": "onnxruntime", "openvino": "openvino"}
SCHEMA = 1
ROUNDS, ROUND_SECONDS, RUNS = 3, 0.1, 10  # of the timing; the least time counts, which other work disturbs least
LARGE_BATCH = 8  # what a batch of several samples is measured as


def asked_engine(name):
    """The engine to use: `name`, or in the place of `auto` what KIT_ENGINE names; raises ConfigError for no engine."""
    if name != "auto":
        return name
    found = os.environ.get("KIT_ENGINE") or "auto"
    if found not in ENGINES:
        hint = did_you_mean(found, ENGINES) or f"; it may be {', '.join(ENGINES)}"
        raise ConfigError(f"KIT_ENGINE={found}: there is no such engine{hint}")
    return found


def installed_engines(folder):
    """The engines that could run an export here (list[str]), PaddlePaddle's first; no package is imported."""
    names = [name for name in ENGINES if name in PACKAGES and importlib.util.find_spec(name) is not None]
    return names if (folder / "model.onnx").is_file() else [name for name in names if name == "paddle"]


def open_engine(predictor, name, threads, batch, framework, run_framework):
    """The engine of an export, after the files that it reads have been verified.

    Args:
        predictor (Predictor): of the export.
        name (str): of the engine, or auto.
        threads (int): of the math library.
        batch (int): samples that will mostly come together.
        framework (Callable): loads PaddlePaddle's.
        run_framework (Callable): runs it on inputs.

    Returns:
        tuple[str, object]: the name of the engine, and what `run_framework` runs or has a `run(inputs)`.
    """

    def load(name):
        verify_manifest(predictor.folder, only=PROGRAMS.get(name, PROGRAMS["onnx"]))
        return framework() if name == "paddle" else load_onnx(predictor.folder, name, threads)

    asked = asked_engine(name)
    if asked != "auto":
        return asked, load(asked)
    name = fastest_engine(predictor, threads, batch, load)
    engine = load(name)
    return name, engine if name == "paddle" else OrFramework(engine, lambda: load("paddle"), run_framework)


def fastest_engine(predictor, threads, batch, load):
    """The name of the engine to run an export.

    Args:
        predictor (Predictor): of the export; its `engine` is set to each in turn while they are measured.
        threads (int): of the math library.
        batch (int): samples that come together.
        load (Callable): name of an engine -> the engine.
    """
    from common.weights.download import cache_folder  # its library of downloads loads slowly

    names = installed_engines(predictor.folder)
    if len(names) == 1:
        return names[0]
    if not names or not (predictor.folder / "golden.npz").is_file():
        return "paddle"
    batch = LARGE_BATCH if batch > 1 else 1
    facts = {"machine": processor_name(), "threads": threads, "batch": batch, "versions": versions_of(names)}
    file = cache_folder() / "engines" / f"{read_manifest(predictor.folder)['sha256']}.json"
    measured = read_measured(file)
    entry = next((one for one in measured if all(one.get(key) == value for key, value in facts.items())), None)
    if entry is None:
        entry = facts | measure_engines(predictor, names, batch, load)
        others = [one for one in measured if any(one.get(key) != facts[key] for key in ("machine", "threads", "batch"))]
        write_measured(file, [*others, entry])
        report_engines(predictor.folder, entry)
    return min(entry["ms"], key=entry["ms"].get, default="paddle")


def measure_engines(predictor, names, batch, load):
    """The times of the engines that answer as the golden does, and why the others are refused.

    Returns:
        dict: {"ms": {name: float}, "refused": {name: reason}}.
    """
    inputs, golden = read_golden(predictor.folder, batch)
    engines, refused = {}, {}
    for name in names:
        try:
            predictor.engine = load(name)
            found = differences(predictor.run(inputs), golden)
        except CheckpointError:
            raise
        except Exception as error:  # noqa: BLE001  an engine that fails in whatever way is not used
            refused[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            continue
        if all(value <= predictor.about.get("tolerance", 1e-4) for value in found.values()):
            engines[name] = predictor.engine
        else:
            refused[name] = f"{listed(found)} of the largest value"
    best = dict.fromkeys(engines, 0.0 if len(engines) == 1 else float("inf"))
    for _ in range(ROUNDS if len(engines) > 1 else 0):
        for name, predictor.engine in engines.items():
            best[name] = min(best[name], least_time(lambda: predictor.run(inputs)))
    return {"ms": {name: round(1000 * value, 4) for name, value in best.items()}, "refused": refused}


def least_time(run):
    """The least seconds of some runs."""
    best, end = float("inf"), time.perf_counter() + ROUND_SECONDS
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        now = time.perf_counter()
        best = min(best, now - began)
        if now > end:
            break
    return best


def read_golden(folder, batch):
    """(inputs, outputs) of golden.npz (dict[str, ndarray]); of a single sample `batch` copies, where outputs follow."""
    with np.load(folder / "golden.npz") as arrays:
        inputs, golden = (
            {name.removeprefix(part): arrays[name] for name in arrays.files if name.startswith(part)}
            for part in ("in/", "out/")
        )
    single = all(value.ndim and len(value) == 1 for value in [*inputs.values(), *golden.values()])
    if batch == 1 or not single:
        return inputs, golden
    return tuple({name: np.repeat(value, batch, axis=0) for name, value in one.items()} for one in (inputs, golden))


def report_engines(folder, entry):
    """Logs what was measured."""
    for name, why in entry["refused"].items():
        logger.warning("%s: the engine %s is not used here: %s", folder, name, why)
    if not entry["ms"]:
        logger.warning("%s: no engine answers as the trained model did; PaddlePaddle's is used", folder)
    elif len(entry["ms"]) > 1:
        times = ", ".join(f"{name} {value:.3g} ms" for name, value in sorted(entry["ms"].items(), key=lambda i: i[1]))
        logger.info("engines measured once on this machine, %d thread(s): %s", entry["threads"], times)


# What was measured before ---------------------------------------------------------------------------------------------


def processor_name(path="/proc/cpuinfo"):
    """The model of the processor; where the system does not say, its architecture."""
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


def versions_of(names):
    """{engine: version of its package}; empty where a package has no metadata."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(PACKAGES[name])
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


def read_measured(file):
    """The entries of a file (list[dict]); none where it is missing or not as it was written."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        entries = content["measured"] if content["schema"] == SCHEMA else []
        return [one for one in entries if is_entry(one)]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def is_entry(value):
    """True for an entry whose times are numbers of known engines."""
    times = value.get("ms") if isinstance(value, dict) else None
    return isinstance(times, dict) and all(
        name in PACKAGES and isinstance(ms, int | float) and not isinstance(ms, bool) and ms >= 0
        for name, ms in times.items()
    )


def write_measured(file, entries):
    """Replaces a file as a whole; where that is not possible the next process measures again."""
    from common.weights.safetensors import write_atomically

    try:
        write_atomically(file, [json.dumps({"schema": SCHEMA, "measured": entries}, indent=1).encode()])
    except OSError as error:
        logger.info("%s: cannot be written (%s); engines are measured again next time", file, error.strerror)


# Sizes that model.onnx is not written for -----------------------------------------------------------------------------


class OrFramework:
    """An engine of model.onnx that leaves inputs of other sizes to PaddlePaddle's.

    Args:
        engine (OneAtATime): of model.onnx.
        load (Callable): gives an engine of PaddlePaddle, once it is needed.
        run_other (Callable): runs it on inputs.
        shared (dict | None): of the engine that this one is a clone of.
    """

    def __init__(self, engine, load, run_other, shared=None):
        self.engine, self.load, self.run_other = engine, load, run_other
        self.shared, self.other = {"lock": threading.Lock(), "first": None} if shared is None else shared, None

    def run(self, inputs):
        """The outputs of a batch of any size."""
        if self.engine.takes(inputs):
            return self.engine.run(inputs)
        if self.other is None:
            with self.shared["lock"]:
                first = self.shared["first"]
                self.other = self.load() if first is None else first.clone()
                self.shared["first"] = first or self.other
        return self.run_other(self.other, inputs)

    def clone(self):
        """One for another thread."""
        return OrFramework(self.engine.clone(), self.load, self.run_other, self.shared)
