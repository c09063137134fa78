"""The model.onnx of `engine: auto`: written where the converter is installed, and kept where its outputs are equal."""

import numpy as np

from common.build.model import predictor_of
from common.export.onnx import can_write_onnx, run_onnx, write_onnx
from common.inference.compare import differences, prove
from common.inference.fastest import asked_engine
from common.log import logger

# Operators that paddle2onnx converts wrongly, or not at all, where the sizes are free
NEED_FIXED_SIZES = ("nms", "generate_proposals", "roi_align", "yolo_box", "nonzero", '"#":"1.while"', '"#":"1.if"')


def add_onnx_if_equal(model, folder, write, shapes, inputs, golden, tolerance):
    """Writes model.onnx for engines that may be faster, where the converter is installed and the outputs are equal.

    Batches and lengths of sequences stay free where the program allows it: the outputs for another batch and another
    length must equal the model's, too.

    Args:
        model (nn.Layer): in memory.
        folder (Path): of the export.
        write (Callable): `common.export.write.write_program`.
        shapes (dict[str, list]): of the program's inputs; None where any size may come.
        inputs (dict[str, ndarray]): the golden's.
        golden (dict[str, ndarray]): its outputs.
        tolerance (float): the largest relative difference.
    """
    if not can_write_onnx():
        return
    fixed_sizes = {name: list(value.shape) for name, value in inputs.items()}
    text = (folder / "model.json").read_text(encoding="utf-8")
    for sizes in [free_sizes(shapes, inputs)] * all(name not in text for name in NEED_FIXED_SIZES) + [fixed_sizes]:
        try:
            write(model, folder / "fixed", sizes)
            write_onnx(folder, "fixed")
            found = differences(run_onnx(folder / "model.onnx", inputs, model.outputs), golden)
            if sizes != fixed_sizes:
                other = resized(inputs, sizes)
                expected = predictor_of(model)(other)
                varied = differences(run_onnx(folder / "model.onnx", other, model.outputs), expected)
                found = {name: max(found[name], varied[name]) for name in found}
            prove(found, tolerance, "ONNX")
            return
        except Exception as error:  # noqa: BLE001  the export is whole without it
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            for name in ("model.onnx", "fixed.json", "fixed.pdiparams"):
                (folder / name).unlink(missing_ok=True)
    logger.info("there is no model.onnx for faster engines, PaddlePaddle's runs the export: %s", reason)


def free_sizes(shapes, inputs):
    """The sizes of a program with free batches and lengths, {input: list}; those of images are the golden's."""
    return {
        name: [*shapes[name][:1], *(value.shape[1:] if value.ndim >= 4 else shapes[name][1:])]
        for name, value in inputs.items()
    }


def resized(inputs, sizes):
    """Inputs of twice the batch and half the length, where these are free."""
    lengths = {n for name, value in inputs.items() for n, free in zip(value.shape[1:], sizes[name][1:]) if free is None}
    found = {}
    for name, value in inputs.items():
        for axis in range(value.ndim):
            if sizes[name][axis] is None and (axis == 0 or value.shape[axis] == max(lengths)):
                size = value.shape[axis]
                taken = np.arange(2 * size) % size if axis == 0 else np.arange(max(1, size // 2))
                value = value.take(taken, axis=axis)
        found[name] = value
    return found


def is_automatic(engine):
    """True where the engine of an export is measured: `engine` is auto, and KIT_ENGINE names no other."""
    return asked_engine(engine) == "auto"
