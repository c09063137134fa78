"""Benchmark of a YOLOv3 training step: with this repository's settings, PaddlePaddle's defaults, and torch.

    defaults   PaddlePaddle as it comes: none of common/system/runtime.py, its own convolutions
    fast       what tools/train.py does: common/system/runtime.py and the oneDNN convolutions
    torch      the same layers in torch (torch_yolov3.py), its threads waiting passively as ours do
    fast 1, torch 1   the same on one thread each, where CPU seconds are not inflated by waiting

Every row runs in a separate process, in rounds, so that a busy moment of the machine does not hit one row alone.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import measure

MODELS = {"mobilenet_v3": "yolov3_mobilenet_v3", "darknet53": "yolov3"}
CLEAN = dict.fromkeys(("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "KIT_THREADS", "KIT_ONEDNN", "KIT_MKL", "KIT_MALLOC"))
ROWS = {
    "defaults": CLEAN | {"KIT_ONEDNN": "0"},
    "fast": CLEAN,
    "torch": CLEAN | {"OMP_WAIT_POLICY": "passive"},
    "fast 1": CLEAN | {"KIT_THREADS": "1"},
    "torch 1": CLEAN | {"KIT_THREADS": "1"},
}


def main():
    """Runs all measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, action="append", help="one of them; default both")
    parser.add_argument("--size", type=int, default=320, help="pixels (320)")
    parser.add_argument("--batch", type=int, default=4, help="images (4)")
    parser.add_argument("--steps", type=int, default=4, help="measured steps a round (4)")
    parser.add_argument("--rounds", type=int, default=3, help="processes a row (3)")
    parser.add_argument("--row", choices=ROWS, action="append", help="some of the rows; default all")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", choices=("defaults", "fast"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args)
    results = {}
    for model in args.model or MODELS:
        results |= compare(model, args)
    return measure.finish(results, args.json)


def compare(model, args):
    """Measures the rows of one model: {aim: (ratio, comparison, goal)}."""
    torch = measure.torch_python()
    rows = [row for row in args.row or ROWS if torch or "torch" not in row]
    found = {row: {"wall": [], "cpu": []} for row in rows}
    for _ in range(args.rounds):
        for row in rows:
            common = ("--size", args.size, "--batch", args.batch, "--steps", args.steps, "--model", model)
            if "torch" in row:
                answer = measure.run_child(torch, "torch_step.py", *common, **ROWS[row])
            else:
                kind = "defaults" if row == "defaults" else "fast"
                answer = measure.run_child(sys.executable, "training_step.py", "--child", kind, *common, **ROWS[row])
            found[row]["wall"] += answer["wall"]
            found[row]["cpu"] += answer["cpu"]
            found[row]["parameters"], found[row]["threads"] = answer["parameters"], answer["threads"]
    heads = ["", "wall s", "least", "CPU s", "least", "threads", "parameters"]
    lines = []
    for row, f in found.items():
        numbers = (choose(f[what]) for what in ("wall", "cpu") for choose in (measure.median, min))
        lines.append([row, *numbers, f["threads"], f["parameters"]])
    measure.table(f"YOLOv3 {model}, {args.batch} x {args.size} x {args.size}: seconds a step", heads, lines)
    if not torch:
        print(f"  {measure.NO_TORCH}")

    def ratio(one, other, what):
        return measure.median(found[one][what]) / measure.median(found[other][what])

    results = {}
    if {"defaults", "fast"} <= set(found):
        results[f"{model}: defaults / fast, wall"] = (ratio("defaults", "fast", "wall"), ">=", 2.0)
    for fast, other in (("fast", "torch"), ("fast 1", "torch 1")):
        if {fast, other} <= set(found):
            results[f"{model}: {fast} / {other}, CPU"] = (ratio(fast, other, "cpu"), "<=", 1.0)
    return results


def child(args):
    """Measures one row in this process and prints it as JSON."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    if args.child == "fast":
        from common.system import runtime

        runtime.prepare()
    import numpy as np
    import paddle

    from common.build.model import build_model
    from common.config import load_config

    config = load_config(f"PaddleCV/configs/{MODELS[args.model[0]]}.yml", ["optimizer.lr=1e-4"])
    model = build_model(config, [str(number) for number in range(80)])
    model.train()
    optimizer = config.build("optimizer").build(model)
    image, boxes, labels = batch(np, args.batch, args.size)
    batch_of = {"image": image, "boxes": boxes, "labels": labels}
    watch = measure.Stopwatch()
    for step in range(args.steps + 2):
        if step == 2:
            watch = measure.Stopwatch()
        losses = model.loss({name: paddle.to_tensor(value) for name, value in batch_of.items()})
        total = sum(losses.values())
        total.backward()
        optimizer.step(1e-4)
        optimizer.clear()
        total.item()
        watch.lap()
    trained = sum(parameter.size for parameter in model.parameters() if not parameter.stop_gradient)
    answer = {"wall": watch.wall, "cpu": watch.cpu, "parameters": int(trained)}
    print(json.dumps(answer | {"threads": int(os.environ["OMP_NUM_THREADS"])}))


def batch(np, count, size, objects=8):
    """Noise for images, and boxes with labels: float32 [N, 3, H, W], float32 [N, 8, 4], int64 [N, 8]."""
    rng = np.random.default_rng(0)
    image = rng.standard_normal((count, 3, size, size), dtype=np.float32)
    corner, extent = rng.uniform(0, 0.6 * size, (count, objects, 2)), rng.uniform(10, 0.35 * size, (count, objects, 2))
    boxes = np.concatenate([corner, corner + extent], axis=-1).astype(np.float32)
    return image, boxes, rng.integers(0, 80, (count, objects))


if __name__ == "__main__":
    main()
