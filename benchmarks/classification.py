"""Benchmark of training steps and exported inference of four classifiers against torchvision and timm, in CPU seconds.

    step        forward, loss, backward, update, of a batch; ours against torch
    inference   one image through the exported model: onnxruntime on the same model.onnx, Python's predictor, the C++
                program with each of its engines (make cpp first; left out where it is not built), and torch

Every row runs in a separate process, in rounds, on 1 and on 2 threads. torch's MobileNetV1 has ReLU as ours; its
MobileNetV3-small has fewer parameters in the head; its EfficientNet-B0 is timm's tf_efficientnet_b0, padded as ours.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import measure

# configuration: the aim of a training step
MODELS = {
    "resnet50": 0.9,
    "mobilenet_v1": 1.0,
    "mobilenet_v3_small_x1_0": 1.0,
    "efficientnet_b0": 1.0,
}
VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "KIT_THREADS", "KIT_ONEDNN", "KIT_MKL", "KIT_MALLOC")


def main():
    """Runs all measurements and prints the ratios."""
    parser = measure.options_of(__doc__, MODELS, 224, 8, 30)
    parser.add_argument("--threads", type=int, action="append", help="default 1 and 2")
    children = {"step": step, "export": write_export}
    comparisons = {"step": compare_steps, "inference": compare_inference}
    return measure.run_options(parser.parse_args(), MODELS, children, comparisons)


def environment(threads, torch=False):
    """Environment variables of a measurement; the threads of torch wait passively, as ours do."""
    clean = dict.fromkeys(VARIABLES) | {"KIT_THREADS": str(threads)}
    return clean | {"OMP_WAIT_POLICY": "passive"} if torch else clean


def in_torch(what, name, threads, args):
    """The result of a child process in torch (dict)."""
    options = ("--size", args.size, "--batch", args.batch, "--steps", args.steps, "--repeat", args.repeat)
    words = ("torch_classifier.py", "--what", what, "--model", name, *options)
    return measure.run_child(measure.torch_python(), *words, **environment(threads, torch=True))


def compare_steps(name, args):
    """Measures the training steps of one model: {aim: (ratio, comparison, goal)}."""
    words = ("--child", "step", "--model", name, "--size", args.size, "--batch", args.batch, "--steps", args.steps)
    rows = {}
    for threads in args.threads or (1, 2):
        rows["ours", threads] = lambda t=threads: measure.run_child(
            sys.executable, "classification.py", *words, **environment(t)
        )
        if measure.torch_python():
            rows["torch", threads] = lambda t=threads: in_torch("step", name, t, args)
    found = {row: {"wall": [], "cpu": []} for row in rows}
    for _ in range(args.rounds):
        for row, run in rows.items():
            answer = run()
            for what in ("wall", "cpu"):
                found[row][what] += answer[what]
            found[row]["parameters"] = answer["parameters"]
    lines = [
        [f"{side}, {threads}", measure.median(f["wall"]), measure.median(f["cpu"]), min(f["cpu"]), f["parameters"]]
        for (side, threads), f in found.items()
    ]
    title = f"{name}, a training step of {args.batch} x {args.size} x {args.size}: seconds"
    measure.table(title, ["threads", "wall", "CPU", "least CPU", "parameters"], lines)
    results = {}
    for threads in args.threads or (1, 2):
        if ("torch", threads) in found:
            ratio = measure.median(found["ours", threads]["cpu"]) / measure.median(found["torch", threads]["cpu"])
            results[f"{name}, training step, {threads} thread(s): ours / torch, CPU"] = (ratio, "<=", MODELS[name])
        else:
            print(f"  {measure.NO_TORCH}")
    return results


def compare_inference(name, args):
    """Measures the rows of inference of one model: {aim: (ratio, comparison, goal)}."""
    import inference  # how exported models are timed, in Python and in C++

    results = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / name
        words = ("--child", "export", "--model", name, "--size", args.size, "--folder", folder)
        measure.run_child(sys.executable, "classification.py", *words, **environment(1))
        child = ("--child", "{}", "--repeat", args.repeat, "--folder")
        for threads in args.threads or (1, 2):
            rows = {
                kind: lambda k=kind, t=threads: inference.in_python(k, child, folder, t)
                for kind in ("onnxruntime", "python")
            }
            for engine in engines(inference.KIT_INFER):
                rows[f"cpp {engine}"] = lambda e=engine, t=threads: inference.in_cpp(
                    folder, "--golden", t, e, args.repeat
                )
            if measure.torch_python():
                rows["torch"] = lambda t=threads: in_torch("inference", name, t, args)
            found = {row: [] for row in rows}
            for _ in range(args.rounds):
                for row, run in rows.items():
                    found[row].append(run())
            results |= conclude(f"{name}, {threads} thread(s)", found)
    return results


def engines(program):
    """The engines of the C++ program that are built (list[str])."""
    if not program.is_file():
        return []
    return ["paddle", "openvino"] if (program.parent / "libkit_openvino.so").is_file() else ["paddle"]


def conclude(title, found):
    """Prints one table of inference, and returns its ratios.

    Args:
        title (str): of the table.
        found (dict): row -> list of {"p50", "min", "cpu"} in milliseconds, of each round.
    """
    best = {row: [min(one[key] for one in runs) for key in ("p50", "min", "cpu")] for row, runs in found.items()}
    base = best["onnxruntime"][2]
    lines = [[row, *times, times[2] / base] for row, times in best.items()]
    heads = ["", "median", "least", "CPU", "CPU / onnxruntime"]
    measure.table(f"{title}: ms per image", heads, lines)
    ours = min(times[2] for row, times in best.items() if row == "python" or row.startswith("cpp"))
    results = {f"{title}: our fastest / onnxruntime, CPU": (ours / base, "<=", 1.05)}
    if "torch" in best:
        results[f"{title}: our fastest / torch, CPU"] = (ours / best["torch"][2], "<=", 1.0)
    return results


# In a separate process ---------------------------------------------------------------------------------------------


def batch(count, size):
    """Noise for images, and classes: float32 [N, 3, H, W], int64 [N]."""
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.standard_normal((count, 3, size, size), dtype=np.float32), rng.integers(0, 1000, count)


def build(name, overrides=()):
    """The configuration and the model of this name, with 1000 classes."""
    sys.path.insert(0, str(measure.REPOSITORY))
    from common.system import runtime

    runtime.prepare()
    from common.build.model import build_model
    from common.config import load_config

    config = load_config(f"PaddleCV/configs/{name}.yml", overrides)
    labels = [str(number) for number in range(1000)]
    return config, build_model(config, labels), labels


def step(args):
    """Measures training steps in this process and prints them as JSON."""
    config, model, _ = build(args.model[0], ["optimizer.lr=1e-4"])
    import paddle

    model.train()
    optimizer = config.build("optimizer").build(model)
    image, label = batch(args.batch, args.size)
    watch = measure.Stopwatch()
    for number in range(args.steps + 2):
        if number == 2:
            watch = measure.Stopwatch()
        losses = model.loss({"image": paddle.to_tensor(image), "label": paddle.to_tensor(label)})
        total = sum(losses.values())
        total.backward()
        optimizer.step(1e-4)
        optimizer.clear()
        total.item()
        watch.lap()
    count = sum(parameter.size for parameter in model.parameters() if not parameter.stop_gradient)
    answer = {"wall": watch.wall, "cpu": watch.cpu, "parameters": int(count)}
    print(json.dumps(answer | {"threads": int(os.environ["OMP_NUM_THREADS"])}))


def write_export(args):
    """Exports a model with random weights, for ONNX too."""
    size = args.size
    config, model, labels = build(args.model[0], [f"export.image_size=[{size},{size}]", "export.tolerance=1e-3"])
    from common.export.write import export

    model.eval()
    export(model, config, labels, {"image": batch(1, size)[0]}, args.folder, onnx=True)
    print("{}")


if __name__ == "__main__":
    main()
