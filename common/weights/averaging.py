"""The mean of the weights of the last checkpoints of a run, as Vaswani et al. 2017 evaluate the Transformer
(https://arxiv.org/abs/1706.03762, section 6.1)."""

import os
import shutil
from pathlib import Path

import numpy as np

from common.errors import ConfigError, EnvironmentProblem
from common.weights.checkpoint import read_checkpoint
from common.weights.manifest import CheckpointError, read_manifest, write_manifest
from common.weights.run_folder import STEP
from common.weights.safetensors import encode_arrays

# groups of arrays that the mean replaces or that only training needs, and thresholds, which belong to one checkpoint
LEFT_OUT = ("model", "ema", "optimizer", "thresholds")


def last_checkpoints(folder, count):
    """The `count` checkpoints of a run with the most steps, in the order of their steps (list of Path).

    Raises:
        ConfigError: the folder has fewer, or is not there.
    """
    if count < 2:
        raise ConfigError(f"{count} checkpoints: a mean takes 2 or more")
    folder = Path(folder)
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "there is no such folder"
        raise ConfigError(f"{folder}: {what}\n  fix: name the folder of a run, which has checkpoints step_N")
    found = [path for path in folder.iterdir() if STEP.fullmatch(path.name)]
    found = sorted(found, key=lambda path: int(path.name.partition("_")[2]))
    if len(found) < count:
        raise ConfigError(
            f"{folder}: {len(found)} checkpoints (step_N), and {count} are to be averaged\n"
            f"  fix: average fewer, or train with -o train.keep={count}"
        )
    return found[-count:]


def average_checkpoints(paths, out):
    """Writes a checkpoint whose weights are the mean of others; numbers that are no floats are those of the last one.

    Args:
        paths (list[Path]): checkpoints of one model; all other files are those of the last one, but for its thresholds.
        out (Path): the folder, which must not exist.

    Returns:
        int: elements of the weights.

    Raises:
        ConfigError: `out` exists, or the checkpoints are of different models.
        CheckpointError: a checkpoint is damaged.
        EnvironmentProblem: the folder cannot be written.
    """
    out, last = Path(out), Path(paths[-1])
    if out.exists():
        raise ConfigError(f"--out {out}: the folder exists; give another name")
    arrays = mean_of(paths)
    draft = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    manifest = read_manifest(last)
    kept = [name for name in manifest["files"] if name.partition(".")[0] not in LEFT_OUT]
    try:
        draft.mkdir(parents=True)
        for name in kept:
            shutil.copyfile(last / name, draft / name)
        with open(draft / "model.safetensors", "xb") as file:
            file.writelines(encode_arrays(arrays))
        facts = {key: value for key, value in manifest.items() if key in ("step", "serial", "paddle")}
        write_manifest(draft, averaged=[path.name for path in map(Path, paths)], **facts)
        os.rename(draft, out)
    except OSError as error:
        raise EnvironmentProblem(f"{out}: could not be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return sum(array.size for array in arrays.values())


def mean_of(paths):
    """The mean weights of checkpoints (dict of arrays), summed in double precision; see `average_checkpoints`."""
    total, last = {}, {}
    for path in paths:
        arrays, _ = read_checkpoint(path, groups=("model",))
        last = arrays.get("model", {})
        if not last:
            raise CheckpointError(f"{path}: contains no model weights")
        shapes = {name: array.shape for name, array in last.items()}
        if total and shapes != {name: array.shape for name, array in total.items()}:
            odd = sorted(name for name in shapes | total if shapes.get(name) != getattr(total.get(name), "shape", None))
            raise ConfigError(f"{path}: not the model of {paths[0]}: {odd[0]} is not there or has another shape")
        for name, array in last.items():
            total[name] = total.get(name, 0) + (array.astype(np.float64) if is_float(array) else array * 0)
    return {
        name: (total[name] / len(paths)).astype(array.dtype) if is_float(array) else array
        for name, array in last.items()
    }


def is_float(array):
    """True for an array of floating-point numbers, which can be averaged."""
    return np.issubdtype(array.dtype, np.floating)
