"""Reading and writing checkpoints: atomic writes, checksums verified on reading, no pickle.

    output/yolov3/
        step_1200/  model.safetensors optimizer.safetensors ema.safetensors state.json config.yml manifest.json
        last -> step_1200    best -> step_800

A checkpoint is written as `step_N.tmp-PID`, every file is flushed to disk, then the folder is renamed: any folder named
`step_N` is complete. This module handles names, arrays and JSON; it does not import PaddlePaddle.
"""

import errno
import json
import os
import shutil
import sys
from pathlib import Path

from common.errors import ConfigError, EnvironmentProblem
from common.files import PACKAGE, find_file
from common.log import logger
from common.weights.manifest import (
    MANIFEST,
    CheckpointError,
    read_checked,
    read_manifest,
    verify_manifest,
    write_file,
    write_manifest,
)
from common.weights.paddle1_tensors import is_folder_of_tensors, read_combined, read_folder
from common.weights.pdparams import encode_pdparams, read_pdparams
from common.weights.run_folder import (
    STEP,
    link_target,
    move_into_place,
    newest_first,
    next_serial,
    remove_leftovers,
    resolve_link,
    set_link,
)
from common.weights.safetensors import decode_arrays, encode_arrays

NAMED = {"lac": "package:LAC/lac_model/model"}  # weights that are addressed by name


def write_checkpoint(root, step, arrays, state, config_text="", pdparams=False, files=None):
    """Writes the checkpoint `root/step_<step>` and updates the link `root/last`.

    Args:
        root (str | Path): folder of the run; created if missing.
        step (int): the number of optimizer steps so far.
        arrays (dict): group (`model`, `optimizer`, `ema`, ...) -> name -> NumPy array; uint16 represents bfloat16.
        state (dict): all other state that resuming needs, in JSON types.
        config_text (str): the completed configuration, saved as `config.yml`.
        pdparams (bool): also writes the `model` group as `model.pdparams`, for the official tools.
        files (dict): name -> bytes of other files that belong to the model, such as vocabularies.

    Returns:
        Path: the checkpoint folder.

    Raises:
        EnvironmentProblem: the disk is full or not writable. Earlier checkpoints are left intact.
    """
    root = Path(root)
    files = {name: [content] for name, content in (files or {}).items()}
    files |= {f"{group}.safetensors": encode_arrays(named) for group, named in sorted(arrays.items())}
    files["state.json"] = [json.dumps(state, indent=1, default=_to_json).encode()]
    files["config.yml"] = [config_text.encode()]
    if pdparams:
        files["model.pdparams"] = [encode_pdparams(arrays["model"])]
    need = sum(len(piece) for pieces in files.values() for piece in pieces) + 65536
    final, draft = root / f"step_{step}", root / f"step_{step}.tmp-{os.getpid()}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(root).free < need:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        entries = {name: write_file(draft / name, pieces) for name, pieces in files.items()}
        paddle_version = getattr(sys.modules.get("paddle"), "__version__", "")
        write_manifest(draft, entries, step=step, serial=next_serial(root), paddle=paddle_version)
        move_into_place(draft, final)
        set_link(root, "last", final.name)
    except OSError as error:
        raise EnvironmentProblem(_write_failure(root, final, need, error)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return final


def read_checkpoint(path, groups=None):
    """Reads the arrays and the state of a checkpoint; every file is verified against the manifest.

    Args:
        path (str | Path): a `step_N` folder or a link to one.
        groups (Container[str]): the groups of arrays to read; all if None.

    Returns:
        tuple[dict, dict]: group -> name -> array (read-only), and the state.

    Raises:
        CheckpointError: a file is missing, damaged or written by a newer version.
    """
    path = resolve_link(path)
    entries = read_manifest(path)["files"]
    arrays = {}
    for name in entries:
        group = name.removesuffix(".safetensors")
        if group != name and (groups is None or group in groups):
            try:
                arrays[group] = decode_arrays(read_checked(path, name, entries))
            except ValueError as error:
                raise CheckpointError(f"{path / name}: {error}") from None
    try:
        state = json.loads(read_checked(path, "state.json", entries))
    except ValueError as error:
        raise CheckpointError(f"{path / 'state.json'}: not JSON ({error})") from None
    return arrays, state


def newest_valid(root):
    """The most recently written intact checkpoint of `root`, or None.

    Damaged checkpoints are skipped with a warning. Partial files of killed processes are removed first.
    """
    remove_leftovers(root)
    for path in newest_first(root):
        try:
            verify_manifest(path)
            return path
        except CheckpointError as error:
            logger.warning("checkpoint %s is damaged and is skipped: %s", path.name, error)
    return None


def resolve_resume(value, root):
    """Resolves the checkpoint of `-r VALUE`; None if `auto` finds none.

    Args:
        value (str): `auto`, a `step_N` folder, a link (`last`, `best`), or the folder of a run.
        root (str | Path): folder of this run, which `auto` searches.

    Raises:
        ConfigError: the path does not exist or contains no checkpoint.
        CheckpointError: the requested checkpoint is damaged.
    """
    if value == "auto":
        return newest_valid(root)
    path = resolve_link(value)
    if (path / MANIFEST).exists() or STEP.fullmatch(path.name):
        try:
            verify_manifest(path)
        except CheckpointError as error:
            raise CheckpointError(f"{error}\n  fix: -r auto resumes from the newest intact checkpoint") from None
        return path
    found = newest_valid(path) if path.is_dir() else None
    if found is None:
        raise ConfigError(f"-r {value}: contains no usable checkpoint (a folder step_N with {MANIFEST})")
    return found


def read_weights(path):
    """Reads the weights of `weights=PATH` or `pretrained=PATH`: name -> array.

    From a checkpoint the EMA weights are read if it has them; a run folder means its `best` checkpoint, otherwise its
    newest. `.safetensors` and `.pdparams` files are read directly; a `.pdiparams` needs its program beside it. A folder
    of PaddlePaddle 1.x with one file per variable, and `__model__` or not, is read by the variable names.

    Args:
        path (str | Path): a checkpoint, a run folder, or a file.

    Raises:
        ConfigError: the path contains no weights.
        CheckpointError: a file is damaged.
        UnsafeFile: a `.pdparams` would run code.
    """
    named = named_weights(path)
    if named is not None:
        return read_folder(named)
    real = find_weights(path)
    if real.is_file():
        return _read_weight_file(real)
    if is_folder_of_tensors(real):
        return read_folder(real)
    arrays, _ = read_checkpoint(real, groups=("model", "ema"))
    if "model" not in arrays:
        raise CheckpointError(f"{real}: contains no model weights")
    averaged = arrays.get("ema", {})
    return {name: averaged.get(name, value) for name, value in arrays["model"].items()}


def named_weights(path):
    """The folder of parameter files for a name such as `lac` or a path `package:...`; None for anything else.

    Raises:
        EnvironmentProblem: the package that contains them is not installed.
    """
    text = NAMED.get(str(path), str(path))
    return find_file(text) if text.startswith(PACKAGE) and find_file(text).is_dir() else None


def find_weights(path):
    """Resolves `weights=PATH`, which may be `package:NAME/path/inside`, to a checkpoint folder or a file (Path).

    Raises:
        ConfigError: the path contains no weights.
        EnvironmentProblem: the package that contains them is not installed.
    """
    real = resolve_link(path)
    if real.is_file():
        return real
    if is_folder_of_tensors(real):
        return real
    if (real / "infer.yml").exists() or list(real.glob("*.pdiparams")):
        raise ConfigError(
            f"{path}: an exported model; give the checkpoint it was exported from (output/<config>/best) or its "
            ".pdiparams file, or run it with tools/infer.py --model"
        )
    if (real / MANIFEST).exists():
        return real
    best = link_target(real, "best")
    found = real / best if best else newest_valid(real)
    if found is None:
        raise ConfigError(f"{path}: no checkpoint here; give output/<config>/best, a .safetensors or a .pdparams file")
    return found


def mark_best(root, step):
    """Links `root/best` to the checkpoint of `step`, which must exist."""
    root = Path(root)
    if not (root / f"step_{step}" / MANIFEST).exists():
        raise CheckpointError(f"{root / f'step_{step}'}: cannot be marked as best, there is no such checkpoint")
    try:
        set_link(root, "best", f"step_{step}")
    except OSError as error:
        raise EnvironmentProblem(f"{root / 'best'}: cannot be written ({error.strerror})") from error


def prune(root, keep, protect=()):
    """Deletes old checkpoints; a failure to delete is logged, not raised.

    Args:
        root (str | Path): folder of the run.
        keep (int): the number of newest checkpoints to keep; -1 keeps all, 0 only the targets of `last` and `best`.
        protect (Iterable[int]): steps that are always kept.
    """
    if keep < -1:
        raise ConfigError(f"train.keep is {keep}; it must be -1 (all) or the number of checkpoints to keep")
    root = Path(root)
    steps = newest_first(root)
    if keep == -1 or not steps:
        return
    last = link_target(root, "last") or steps[0].name
    kept = (
        {path.name for path in steps[:keep]} | {last, link_target(root, "best")} | {f"step_{step}" for step in protect}
    )
    for path in steps:
        if path.name not in kept:
            trash = root / f"{path.name}.trash-{os.getpid()}"
            try:
                os.rename(path, trash)
                shutil.rmtree(trash)
            except OSError as error:
                logger.warning("could not delete the old checkpoint %s: %s", path, error)


def _read_weight_file(path):
    """The arrays of a `.safetensors`, `.pdparams` or `.pdiparams` file, verified if a manifest beside it lists it."""
    if path.suffix not in (".safetensors", ".pdparams", ".pdiparams"):
        raise ConfigError(
            f"{path}: weights are read from a checkpoint folder, a .safetensors, .pdparams or .pdiparams file"
        )
    if (path.parent / MANIFEST).exists():
        read_checked(path.parent, path.name, read_manifest(path.parent)["files"])
    if path.suffix == ".pdparams":
        return read_pdparams(path)
    if path.suffix == ".pdiparams":
        return read_combined(path)
    try:
        return decode_arrays(path.read_bytes())
    except OSError as error:
        raise EnvironmentProblem(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None


def _write_failure(root, final, need, error):
    try:
        free = f"{shutil.disk_usage(root).free:,} bytes free"
    except OSError:
        free = "free space unknown"
    return (
        f"{final}: the checkpoint could not be written: {error.strerror or error}\n"
        f"  {need:,} bytes needed, {free}; earlier checkpoints are intact\n"
        "  fix: free disk space, write elsewhere with -o output_dir=PATH, or keep fewer with -o train.keep=1"
    )


def _to_json(value):
    """Converts NumPy scalars and arrays of a state to JSON numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be saved in state.json")
