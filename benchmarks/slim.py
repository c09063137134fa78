"""Benchmark of compression: size, accuracy and latency of float, pruned, int8, and pruned int8 networks.

    Fashion-MNIST   MobileNetV1 x0.25, its weights given or trained: accuracy of the exported model by two engines, and
                    agreement of OpenVINO's predictions with PaddlePaddle's
    full size       MobileNetV1, ResNet18 and ResNet50 at 224 on random weights: the latency alone

Rows are Python's engines (paddle, onnxruntime, openvino) and the C++ program's (make cpp first), one thread, in
separate processes, interleaved.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import measure

KIT_INFER = measure.REPOSITORY / "deploy/cpp/build/kit_infer"
BASE, PRUNE = "PaddleCV/configs/fashion_mobilenet_v1.yml", "PaddleSlim/configs/fashion_mobilenet_v1_prune.yml"
PTQ = "PaddleSlim/configs/mobilenet_v1_ptq.yml"
FULL = {"MobileNetV1": "mobilenet_v1", "ResNet18": "resnet18", "ResNet50": "resnet50"}
ROWS = ("paddle", "onnxruntime", "openvino", "cpp openvino")
SIZE_GOAL, POINTS_GOAL = 0.30, 0.01


def main():
    """Runs both parts and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("output/slim"), help="where runs and exports go (output/slim)")
    parser.add_argument("--weights", help=f"a trained {BASE}; trained when left out")
    parser.add_argument("--pruned", help=f"a trained {PRUNE}; trained when left out")
    parser.add_argument("--repeat", type=int, default=100, help="runs a row and round; the median counts (100)")
    parser.add_argument("--rounds", type=int, default=2, help="processes a row; the lowest median counts (2)")
    parser.add_argument("--only", choices=["fashion", "full"], help="one of the two parts")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return CHILDREN[args.child](args)
    results = {}
    if args.only != "full":
        results |= fashion(args)
    if args.only != "fashion":
        results |= full_size(args)
    return measure.finish(results, args.json)


# Fashion-MNIST -------------------------------------------------------------------------------------------------------


def fashion(args):
    """The four networks of Fashion-MNIST: {aim: (ratio, comparison, goal)}."""
    weights = args.weights or trained(BASE, args.out)
    pruned = args.pruned or trained(PRUNE, args.out, f"pretrained={weights}")
    folders = {
        "float": exported(BASE, args.out, "float", weights),
        "pruned": exported(PRUNE, args.out, "pruned", pruned),
        "8 bits": quantized(args.out, "int8", weights),
        "pruned, 8 bits": quantized(args.out, "pruned_int8", pruned),
    }
    lines, scores = [], {}
    for name, folder in folders.items():
        found = {engine: accuracy(folder, engine) for engine in ("paddle", "openvino")}
        scores[name] = found["openvino"]
        lines.append([name, size(folder) / 1e3, *found.values(), agreement(folder)])
    heads = ["", "model.onnx, kB", "top-1, paddle", "top-1, openvino", "agree, of 1000"]
    measure.table("Fashion-MNIST, MobileNetV1 x0.25, 10,000 test images", heads, lines)
    times = latency_table("Fashion-MNIST, MobileNetV1 x0.25, 28 x 28", folders, args)
    least = size(folders["float"])
    return {
        "8 bits, size / float": (size(folders["8 bits"]) / least, "<=", SIZE_GOAL),
        "8 bits, top-1 lost": (scores["float"] - scores["8 bits"], "<=", POINTS_GOAL),
        "pruned, 8 bits, size / float": (size(folders["pruned, 8 bits"]) / least, "<=", SIZE_GOAL),
    } | gains("Fashion-MNIST", times, ("float", "8 bits"))


def command(tool, *words):
    """Runs one of the tools; returns what it printed."""
    done = subprocess.run(
        [sys.executable, f"tools/{tool}.py", *map(str, words)], cwd=measure.REPOSITORY, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{tool} {' '.join(map(str, words))} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def trained(config, out, *overrides):
    """The weights of a configuration, trained if they are not there."""
    best = out.absolute() / Path(config).stem / "best"
    if not best.exists():
        command("train", "-c", config, "--eval", "-r", "auto", "-o", f"output_dir={out.absolute()}", *overrides)
    return best


def exported(config, out, name, weights):
    """The folder of an export with ONNX."""
    folder = out.absolute() / "exports" / name
    sizes = ("export.image_size=[28,28]", "slim=null")
    command("export", "-c", config, "--onnx", "--out", folder, "-o", f"weights={weights}", *sizes)
    return folder


def quantized(out, name, weights):
    """The folder of the export of weights after post-training quantization."""
    run = (f"name={name}", f"output_dir={out.absolute()}", f"pretrained={weights}")
    command("train", "-c", PTQ, "--eval", "--overwrite", "-o", *run)
    return exported(PTQ, out, name, out.absolute() / name / "best")


def size(folder):
    """Bytes of model.onnx."""
    return (folder / "model.onnx").stat().st_size


def accuracy(folder, engine):
    """Top-1 of an exported folder on the test images."""
    return json.loads(command("eval", "-c", BASE, "--model", folder, "--engine", engine, "--json"))["top1"]


def agreement(folder):
    """Of 1,000 test images, how many have the same best class by OpenVINO and by the framework's program."""
    return measure.run_child(sys.executable, "slim.py", "--child", "agree", "--out", folder)


# Full size -----------------------------------------------------------------------------------------------------------


def full_size(args):
    """The latency of whole networks on random weights: {aim: (ratio, comparison, goal)}."""
    results = {}
    for name, config in FULL.items():
        folders = {kind: args.out.absolute() / "full" / f"{config}_{kind}" for kind in ("float", "int8")}
        measure.run_child(sys.executable, "slim.py", "--child", "export", "--out", args.out, "--engine", config)
        times = latency_table(f"{name}, 224 x 224", folders, args)
        results |= gains(name, times, ("float", "int8"))
        results[f"{name}, 8 bits, size / float"] = (size(folders["int8"]) / size(folders["float"]), "<=", SIZE_GOAL)
    return results


def latency_table(title, folders, args):
    """Measures every row of every folder: {(row, name): CPU milliseconds}."""
    rows = [row for row in ROWS if row != "cpp openvino" or KIT_INFER.is_file()]
    found = {}
    for _ in range(args.rounds):
        for row in rows:
            for name, folder in folders.items():
                best = found.setdefault((row, name), {})
                for key, value in latency(row, folder, args.repeat).items():
                    best[key] = min(value, best.get(key, value))
    lines = [
        [row, *(f"{found[row, name]['p50']:.2f} ({found[row, name]['cpu']:.2f})" for name in folders)] for row in rows
    ]
    measure.table(f"{title}, one thread, median ms per image (CPU ms)", ["", *folders], lines)
    return {key: value["cpu"] for key, value in found.items()}


def latency(row, folder, repeat):
    """{"p50", "cpu"}, milliseconds."""
    clean = dict.fromkeys(("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "KIT_MKL", "KIT_MALLOC")) | {"KIT_THREADS": "1"}
    if row.startswith("cpp"):
        words = (
            "--model",
            folder,
            "--golden",
            "--threads",
            1,
            "--engine",
            row.split()[1],
            "--repeat",
            repeat,
            "--json",
        )
        report = measure.run_program(KIT_INFER, *words, **clean)
        return {"p50": report["latency_ms"]["run"]["p50"], "cpu": report["cpu_ms"]}
    words = ("--child", "time", "--out", folder, "--engine", row, "--repeat", repeat)
    return measure.run_child(sys.executable, "slim.py", *words, **clean)


def gains(name, times, kinds):
    """The CPU time of 8 bits over that of float, by engine."""
    engines = [row for row in ROWS if row != "paddle" and (row, kinds[0]) in times]
    return {
        f"{name}, {row}, CPU of 8 bits / float": (times[row, kinds[1]] / times[row, kinds[0]], "<=", 0.9)
        for row in engines
    }


# In a separate process ---------------------------------------------------------------------------------------------


def run_time(args):
    """Python's predictor on the golden of a folder."""
    import numpy as np

    from common.inference.predictor import Predictor

    model = Predictor(args.out, threads=1, engine=args.engine)
    arrays = np.load(args.out / "golden.npz")
    inputs, taken = {name: arrays[f"in/{name}"] for name in model.inputs}, []
    for number in range(args.repeat + 5):
        if number == 5:
            used = time.process_time()
        began = time.perf_counter()
        model.run(inputs)
        taken.append(1000 * (time.perf_counter() - began))
    cpu = 1000 * (time.process_time() - used) / args.repeat
    print(json.dumps({"p50": measure.median(taken[5:]), "cpu": cpu}))


def run_agree(args):
    """How many of 1,000 images have the same best class by two engines."""
    import numpy as np

    from common.build.data import build_dataset, build_loader
    from common.config import load_config
    from common.inference.predictor import Predictor

    config = load_config(BASE, ["eval.batch_size=250", "eval.workers=0"])
    models = [Predictor(args.out, threads=1, engine=engine) for engine in ("paddle", "openvino")]
    same, seen = 0, 0
    dataset = build_dataset(config, "eval")
    with build_loader(config, "eval", dataset, config.settings("eval"), training=False) as loader:
        for batch in loader.epoch(0):
            best = [model.run({"image": batch["image"]})["scores"].argmax(1) for model in models]
            same, seen = same + int(np.sum(best[0] == best[1])), seen + len(best[0])
            if seen >= 1000:
                break
    print(json.dumps(same))


def write_exports(args):
    """A full-size network on random weights, float and in 8 bits."""
    from common.system import runtime

    runtime.prepare()
    import paddle

    from common.build.model import build_model
    from common.config import load_config
    from common.export.write import export
    from PaddleSlim.models.quantize.calibration import Rules, quantize

    sizes = ["export.image_size=[224,224]", "export.tolerance=1e-2"]
    config = load_config(f"PaddleCV/configs/{args.engine}.yml", sizes)
    config.check()
    model = build_model(config, [str(number) for number in range(1000)])
    paddle.seed(0)
    batches = [paddle.randn([2, 3, 224, 224]) for _ in range(3)]
    with paddle.no_grad():
        for batch in batches * 3:  # batch statistics of random weights
            model.predict(batch)
    model.eval()
    inputs = {"image": paddle.randn([1, 3, 224, 224]).numpy()}
    for kind in ("float", "int8"):
        if kind == "int8":
            quantize(model, model.predict, batches, Rules("abs_max", batches=3))
            model.export_tolerance = 1.0  # random weights amplify a step
        export(model, config, None, inputs, args.out.absolute() / "full" / f"{args.engine}_{kind}", onnx=True)
    print("{}")


CHILDREN = {"time": run_time, "agree": run_agree, "export": write_exports}


if __name__ == "__main__":
    sys.path.insert(0, str(measure.REPOSITORY))
    os.chdir(measure.REPOSITORY)
    main()
