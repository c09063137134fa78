"""Exports a trained model for inference, and proves that the export predicts as the model did.

An exported folder holds:
    model.json, model.pdiparams   the static program of `forward` and its weights
    model.onnx                    the same for other engines, where it was asked for, or may be faster (engine: auto)
    infer.yml                     task and its arguments, inputs, outputs, class names, pre-processing
    config.yml                    the completed configuration it came from
    structure.json                of a compressed model: what was done to it
    golden.npz                    an input and the outputs of the model in memory
    manifest.json                 sha256 and size of each file
"""

import functools
import inspect
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import yaml

from common.build.model import predictor_of
from common.errors import ConfigError, EnvironmentProblem
from common.export.example import example_inputs as example_inputs  # for callers that export
from common.export.onnx import run_onnx, write_onnx
from common.export.onnx_beside import add_onnx_if_equal, is_automatic
from common.export.processing import describe, processing
from common.export.tracing import fast_tracing
from common.inference.compare import differences, mark_undecided, prove
from common.inference.predictor import Predictor, load_engine, passes_to_delete, run_engine
from common.weights.manifest import write_manifest
from common.weights.run_folder import move_into_place, remove_leftovers
from common.weights.structure import write_structure


def export(model, config, labels, inputs, folder, onnx=False, thresholds=None, beside=None, automatic=True):
    """Writes `folder` atomically: nothing appears under its name before the comparison has passed.

    Args:
        model (nn.Layer): with `inputs`, `outputs` and `task`.
        config (Config): the checked configuration; its data give the pre-processing.
        labels (list[str] | None): class names.
        inputs (dict[str, ndarray]): a batch of at least one real or synthetic sample, for the golden.
        folder (str | Path): where to; replaced if it is an export already.
        onnx (bool): write model.onnx too, compared the same way.
        thresholds (dict | None): of maximum F1, see `common.inference.thresholds`; used if the configuration sets none.
        beside (dict[str, Path] | None): files that are moved into the folder, by their names there, such as tables.
        automatic (bool): do what `engine: auto` asks for: write model.onnx if it is equal, and time the engines.

    Returns:
        dict[str, float]: the largest difference of each output, relative to its largest value.

    Raises:
        KitError: the outputs of the exported model differ, or a file is missing or empty.
    """
    folder, settings = Path(folder).resolve(), config.settings("export")  # where a link leads is replaced
    settings.tolerance = max(settings.tolerance, getattr(model, "export_tolerance", 0.0))
    building, scratch = (folder.with_name(f".{folder.name}.{what}-{os.getpid()}") for what in ("tmp", "raw"))
    remove_leftovers(folder.parent, folder.name)
    try:
        building.mkdir(parents=True)
        model.eval()
        inputs = {name: repeated(value, settings.batch_size) for name, value in inputs.items()}
        golden = golden_of(model, inputs, settings.tolerance)
        called = getattr(model, "caller_inputs", model.inputs)  # where the program takes rows, ids
        shapes = {name: fixed(shape, settings) for name, (shape, _) in (called | model.inputs).items()}
        write_program(model, building / "model", shapes)
        add_files(building, beside or {}, {name: inputs[name] for name in called}, golden)
        about = describe(model, config, labels, shapes, settings.tolerance)
        about |= {"delete_passes": passes_to_delete(building / "model")}
        about |= processing(model, config, building, thresholds)
        text = yaml.safe_dump(about | getattr(model, "about", {}), sort_keys=False, allow_unicode=True)
        (building / "infer.yml").write_text(text, encoding="utf-8")
        (building / "config.yml").write_text(config.dump(), encoding="utf-8")
        if (automatic := automatic and is_automatic(settings.engine)) and not onnx:
            add_onnx_if_equal(model, building, write_program, shapes, inputs, golden, settings.tolerance)
        if onnx:  # with the sizes left free, paddle2onnx converts NMS wrongly and says nothing
            write_program(model, building / "fixed", {name: list(value.shape) for name, value in inputs.items()})
            write_onnx(building, "fixed")
        write_structure(model, building)
        write_manifest(building)
        found = verify(model, building, scratch, shapes, inputs, golden, settings.tolerance)
        refuse_other(folder)
        move_into_place(building, folder)
        if automatic:
            Predictor(folder, engine="auto")  # measured now, so that no inference has to
    except OSError as error:
        raise EnvironmentProblem(f"cannot write the export {folder}: {error}") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(scratch, ignore_errors=True)
    return found


def verify(model, building, scratch, shapes, inputs, golden, tolerance):
    """The differences of a written export from the golden, of the program and of model.onnx where it was asked for.

    Args:
        model (nn.Layer): in memory.
        building (Path): the export.
        scratch (Path): for programs of the raw predictions.
        shapes (dict[str, list]): of the program's inputs.
        inputs (dict[str, ndarray]): the golden's.
        golden (dict[str, ndarray]): its outputs.
        tolerance (float): the largest relative difference.

    Returns:
        dict[str, float]: of the program, by output.

    Raises:
        KitError: an output differs by more.
    """
    found = differences(Predictor(building, engine="paddle").run(inputs), golden)
    compared = hasattr(model, "predict") and not hasattr(model, "undecided")
    raw = functools.partial(raw_differences, model, inputs, scratch) if compared else None
    prove(found, tolerance, "exported", raw and (lambda: raw(shapes)))
    if (building / "model.onnx").is_file():
        sizes = {name: list(value.shape) for name, value in inputs.items()}
        found_there = differences(run_onnx(building / "model.onnx", inputs, model.outputs), golden)
        prove(found_there, tolerance, "ONNX", raw and (lambda: raw(sizes, True)))
    return found


def add_files(folder, beside, inputs, golden):
    """Moves files into an export, by their names there, and writes its golden."""
    for name, path in beside.items():
        os.replace(path, folder / name)
    both = {f"in/{k}": v for k, v in inputs.items()} | {f"out/{k}": v for k, v in golden.items()}
    np.savez(folder / "golden.npz", **both)


def golden_of(model, inputs, tolerance):
    """The outputs of the model in memory; places where a label map is undecided within the tolerance are marked."""
    golden = predictor_of(model)(inputs)
    return mark_undecided(golden, model.undecided(inputs, tolerance)) if hasattr(model, "undecided") else golden


def write_program(model, prefix, shapes):
    """Saves `forward` as a static program with the model's named inputs; restores dynamic mode whatever happens.

    Args:
        model (nn.Layer): in evaluation mode.
        prefix (Path): `.json` and `.pdiparams` are appended.
        shapes (dict[str, list]): of each input; None where any size may come.
    """
    import paddle
    from paddle.static import InputSpec

    specs = [InputSpec(shapes[name], dtype, name) for name, (_, dtype) in model.inputs.items()]
    forward = model.forward
    try:
        with fast_tracing():
            paddle.jit.save(paddle.jit.to_static(model, input_spec=specs, full_graph=True), str(prefix))
    finally:
        model.forward = forward
        paddle.disable_static()
    for suffix in (".json", ".pdiparams"):
        path = Path(f"{prefix}{suffix}")
        if not path.is_file() or path.stat().st_size == 0:
            raise EnvironmentProblem(f"{path} was not written whole: is the disk full?")


def repeated(value, count):
    """A batch of one sample, repeated to `count` samples where a program takes that number alone."""
    return np.repeat(value[:1], count, axis=0) if count else value


def fixed(shape, settings):
    """An input's shape with the batch and the image size that the `export:` section fixes."""
    shape = [settings.batch_size or shape[0], *shape[1:]]
    if settings.image_size and len(shape) in (4, 5):  # images [N, C, H, W], clips [N, T, C, H, W]
        shape[-2:] = settings.image_size
    return shape


def raw_differences(model, inputs, folder, shapes, onnx=False):
    """The differences of the exported raw predictions from those in memory, by number.

    Args:
        model (nn.Layer): whose `predict` takes some of its inputs, by name.
        inputs (dict[str, ndarray]): the golden's.
        folder (Path): to write to.
        shapes (dict[str, list]): of each input of the program.
        onnx (bool): of the raw predictions turned into ONNX.
    """
    import paddle
    from paddle.static import InputSpec

    names = [name for name in inspect.signature(model.predict).parameters if name in model.inputs]
    specs = [InputSpec(shapes[name], model.inputs[name][1], name) for name in names]
    given = {name: inputs[name] for name in names}
    with paddle.no_grad():
        golden = paddle.utils.flatten(model.predict(*map(paddle.to_tensor, given.values())))
    golden = {f"raw {i}": value.numpy() for i, value in enumerate(golden)}
    try:
        warnings.filterwarnings("ignore", message="What you save is a function")
        program = paddle.jit.to_static(model.predict, input_spec=specs, full_graph=True)
        with fast_tracing():
            paddle.jit.save(program, str(folder / "raw"))
    finally:
        paddle.disable_static()
    if onnx:
        write_onnx(folder, "raw")
        return differences(run_onnx(folder / "model.onnx", given, golden), golden)
    return differences(dict(zip(golden, run_engine(load_engine(folder / "raw"), given), strict=True)), golden)


def refuse_other(folder):
    """Refuses a place where something stands that is no export, and the current folder, which cannot be replaced."""
    if folder.resolve() == Path.cwd():
        raise ConfigError(f"{folder}: an export takes its folder's place as a whole; choose another --out")
    if folder.exists() and not (folder / "infer.yml").is_file() and (folder.is_file() or any(folder.iterdir())):
        raise EnvironmentProblem(f"{folder} is there and is no export; choose another --out")
