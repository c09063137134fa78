"""Benchmark of segmentation models against the same layers in torch and onnxruntime, in CPU seconds.

    step        forward, loss, backward, update, of a batch: DeepLabV3+ with MobileNetV2, and U-Net
    inference   one image through the exported model, by Python's predictor, onnxruntime and torch

Every row runs in a process of its own, in rounds.
"""

import sys
import tempfile
from pathlib import Path

import measure
from classification import environment

MODELS = ("deeplabv3p_mobilenet_v2", "unet")
CLASSES = 19


def main():
    """Runs all measurements and prints the ratios."""
    parser = measure.options_of(__doc__, MODELS, 256, 2, 10)
    parser.add_argument("--threads", type=int, default=1, help="(1)")
    children = {"step": step, "export": write_export}
    comparisons = {"step": compare_steps, "inference": compare_inference}
    return measure.run_options(parser.parse_args(), MODELS, children, comparisons)


def words_of(name, args):
    """The words of a child's command line."""
    sizes = (f"--{word}={getattr(args, word)}" for word in ("size", "batch", "steps", "repeat"))
    return ("--model", name, *sizes)


def in_torch(what, name, args):
    """A function that runs a child in torch."""
    words = ("torch_segmentation.py", "--what", what, *words_of(name, args))
    return lambda: measure.run_child(measure.torch_python(), *words, **environment(args.threads, torch=True))


def compare_steps(name, args):
    """Measures the training steps of one model: {aim: (ratio, comparison, goal)}."""
    words = ("--child", "step", *words_of(name, args))
    rows = {"ours": lambda: measure.run_child(sys.executable, "segmentation.py", *words, **environment(args.threads))}
    if measure.torch_python():
        rows["torch"] = in_torch("step", name, args)
    title = f"{name}, a training step of {args.batch} x {args.size} x {args.size}: CPU seconds"
    cpu = measure.rounds(title, rows, args.rounds)
    return measure.ratios(cpu, f"{name}, training step", {"torch": 0.9})


def compare_inference(name, args):
    """Measures the exported model: {aim: (ratio, comparison, goal)}."""
    import inference  # how exported models are timed

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / name
        words = ("--child", "export", "--folder", folder, *words_of(name, args))
        measure.run_child(sys.executable, "segmentation.py", *words, **environment(args.threads))
        child = ("--child", "{}", "--repeat", args.repeat, "--folder")
        rows = {
            "ours": lambda: inference.in_python("python", child, folder, args.threads),
            "onnxruntime": lambda: inference.in_python("onnxruntime", child, folder, args.threads),
        }
        if measure.torch_python():
            rows["torch"] = in_torch("inference", name, args)
        title = f"{name}, an image of {args.size} x {args.size}: CPU seconds"
        cpu = measure.rounds(title, rows, args.rounds)
    return measure.ratios(cpu, f"{name}, exported", {"torch": 0.7, "onnxruntime": 1.0})


# In a separate process ---------------------------------------------------------------------------------------------


def batch(count, size):
    """Noise for images, and masks: float32 [N, 3, H, W], uint8 [N, H, W]."""
    import numpy as np

    rng = np.random.default_rng(0)
    image = rng.standard_normal((count, 3, size, size), dtype=np.float32)
    return image, rng.integers(0, CLASSES, (count, size, size), "uint8")


def step(args):
    """Measures training steps in this process and prints them as JSON."""
    config, model, _ = measure.model_of(args.model[0], CLASSES, ["optimizer.lr=1e-4"])
    image, mask = batch(args.batch, args.size)
    measure.train(config, model, {"image": image, "mask": mask}, args.steps)


def write_export(args):
    """Exports a model with random weights, for ONNX too."""
    sides = f"export.image_size=[{args.size},{args.size}]"
    config, model, labels = measure.model_of(args.model[0], CLASSES, [sides, "export.tolerance=1e-3"])
    from common.export.write import export

    model.eval()
    export(model, config, labels, {"image": batch(1, args.size)[0]}, args.folder, onnx=True)
    print("{}")


if __name__ == "__main__":
    main()
