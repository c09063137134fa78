"""Exports a trained model for inference, and proves that what was written answers as the model did.

An exported folder holds:
    model.json, model.pdiparams   the static program of `forward` and its weights
    infer.yml                     task, inputs, outputs, class names, pre-processing
    config.yml                    the completed configuration it came from
    golden.npz                    an input and the outputs of the model in memory
    manifest.json                 sha256 and size of each file
"""

import os
import shutil
from pathlib import Path

import numpy as np
import yaml

from common.data.transform import random_for
from common.errors import DataError, EnvironmentProblem, KitError
from common.log import logger
from common.manifest import write_manifest
from common.onnx_export import run_onnx, write_onnx
from common.predictor import Predictor


def export(model, config, labels, inputs, folder, onnx=False):
    """Writes `folder` atomically: nothing appears under its name before the comparison has passed.

    Args:
        model (nn.Layer): with `inputs`, `outputs` and `task`.
        config (Config): the checked configuration; `data.eval` (or `data.test`) gives the pre-processing.
        labels (list[str]): class names.
        inputs (dict[str, ndarray]): a batch of at least one real or made-up sample, for the golden.
        folder (str | Path): where to; replaced if it is an export already.
        onnx (bool): write model.onnx too, compared the same way.

    Returns:
        dict[str, float]: the largest difference of each output, relative to its largest value.

    Raises:
        KitError: the exported model answers differently, or a file is missing or empty.
    """
    folder, settings = Path(folder), config.settings("export")
    building = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    try:
        building.mkdir(parents=True)
        model.eval()
        golden = eager_outputs(model, inputs)
        shapes = {name: fixed(shape, settings) for name, (shape, _) in model.inputs.items()}
        write_program(model, building / "model", shapes)
        np.savez(
            building / "golden.npz",
            **{f"in/{k}": v for k, v in inputs.items()},
            **{f"out/{k}": v for k, v in golden.items()},
        )
        (building / "infer.yml").write_text(describe(model, config, labels), encoding="utf-8")
        (building / "config.yml").write_text(config.dump(), encoding="utf-8")
        if onnx:  # with the sizes left free, paddle2onnx converts the suppression of boxes wrongly and says nothing
            write_program(model, building / "fixed", {name: list(value.shape) for name, value in inputs.items()})
            write_onnx(building, "fixed")
        write_manifest(building)
        differences = compare(Predictor(building).run(inputs), golden, settings.tolerance, "exported")
        if onnx:
            answers = run_onnx(building / "model.onnx", inputs, model.outputs)
            compare(sorted_rows(answers), sorted_rows(golden), settings.tolerance, "ONNX")
        swap(building, folder)
    except OSError as error:
        raise EnvironmentProblem(f"cannot write the export {folder}: {error}") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return differences


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
        paddle.jit.save(paddle.jit.to_static(model, input_spec=specs, full_graph=True), str(prefix))
    finally:
        model.forward = forward
        paddle.disable_static()
    for suffix in (".json", ".pdiparams"):
        path = Path(f"{prefix}{suffix}")
        if not path.is_file() or path.stat().st_size == 0:
            raise EnvironmentProblem(f"{path} was not written whole: is the disk full?")


def eager_outputs(model, inputs):
    """What the model in memory answers: {output name: array}."""
    import paddle

    with paddle.no_grad():
        outputs = model(*[paddle.to_tensor(inputs[name]) for name in model.inputs])
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return {name: value.numpy() for name, value in zip(model.outputs, outputs, strict=True)}


def describe(model, config, labels):
    """The text of infer.yml."""
    split = next((s for s in ("infer", "eval", "test") if config.get(f"data.{s}")), None)
    completed = config.completed()
    transforms = completed["data"][split].get("transforms", []) if split else []
    entry = {
        "format": 1,
        "name": config.name,
        "task": model.task,
        "program": "model.json",
        "params": "model.pdiparams",
        "inputs": [{"name": n, "shape": list(s), "dtype": d} for n, (s, d) in model.inputs.items()],
        "outputs": list(model.outputs),
        "labels": list(labels),
        "size_multiple": getattr(model, "size_multiple", 1),
        "preprocess": transforms,
    }
    return yaml.safe_dump(entry, sort_keys=False, allow_unicode=True)


def fixed(shape, settings):
    """An input's shape with the batch and the picture size that the `export:` section fixes."""
    shape = list(shape)
    if settings.batch_size:
        shape[0] = settings.batch_size
    if settings.image_size and len(shape) == 4:
        shape[2:] = settings.image_size
    return shape


def compare(answers, golden, tolerance, what):
    """The largest difference of each output, relative to the golden's largest value.

    Raises:
        KitError: an output differs by more than the tolerance, or in shape.
    """
    differences = {}
    for name, expected in golden.items():
        got = answers[name]
        if got.shape != expected.shape:
            raise KitError(f"the {what} model differs: {name} is {got.shape}, in memory it is {expected.shape}")
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        differences[name] = float(np.abs(got.astype("float64") - expected).max(initial=0.0)) / scale
        if not differences[name] <= tolerance:
            raise KitError(
                f"the {what} model differs: {name} by {differences[name]:.2e} of its largest value "
                f"(export.tolerance is {tolerance:.0e}); nothing was written"
            )
    logger.info("%s equals trained: %s", what, ", ".join(f"{k} within {v:.1e}" for k, v in differences.items()))
    return differences


def sorted_rows(outputs):
    """Tables of rows (label, score, ...) by label and score: ONNX leaves the order of a picture's rows open."""
    return {
        name: value[np.lexsort((-value[:, 1].round(5), value[:, 0]))]
        if value.ndim == 2 and value.shape[1] > 2
        else value
        for name, value in outputs.items()
    }


def example_inputs(model, config):
    """A batch for the golden: the first picture to evaluate on if it is here, else a made-up one."""
    from common.assemble import build_dataset, build_transforms
    from common.data.pipeline import Pipeline

    split = next((s for s in ("eval", "test") if config.get(f"data.{s}")), "train")
    pipeline = Pipeline(build_transforms(config, split, labels=config.get("labels")))
    try:
        dataset = build_dataset(config, split)
        sample = pipeline.sample(dataset, 0, 0)
    except DataError as error:
        logger.warning("the golden is made of a made-up picture: %s", str(error).splitlines()[0])
        sample = pipeline.sample([made_up_sample()], 0, 0)
    sample = pipeline.batch([sample], 0, 0)[0]
    return {name: np.asarray(sample[name])[None] for name in model.inputs}


def made_up_sample():
    """A picture of random blocks, for models whose data are not here."""
    blocks = random_for(0).integers(0, 256, (15, 20, 3), dtype="uint8")
    return {"path": "made-up", "image": np.ascontiguousarray(blocks.repeat(32, 0).repeat(32, 1))}


def refuse_other(folder):
    """Refuses a place where something stands that is no export."""
    if folder.exists() and not (folder / "infer.yml").is_file() and (folder.is_file() or any(folder.iterdir())):
        raise EnvironmentProblem(f"{folder} is there and is no export; choose another --out")


def swap(building, folder):
    """Puts the finished folder in place of an earlier export."""
    refuse_other(folder)
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
        os.replace(folder, old)
        os.replace(building, folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(building, folder)
