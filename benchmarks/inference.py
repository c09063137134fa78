"""Benchmark of single-image inference of exported models: C++ engines, the Python predictor, and onnxruntime.

    cpp paddle, cpp openvino   kit_infer --golden --repeat (make cpp first; openvino where its wheel is)
    python                     common.inference.predictor, as tools/infer.py runs it
    onnxruntime                on the same model.onnx

Detectors are measured twice: the network alone (raw predictions: ONNX has no NMS for free sizes), and
end to end, from the bytes of a JPEG to boxes. Measurements run in separate processes, interleaved.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import measure

KIT_INFER = measure.REPOSITORY / "deploy/cpp/build/kit_infer"
# name: (configuration, key=value more, or a backbone's node; side of the image)
MODELS = {
    "YOLOv3-MobileNetV3": ("PaddleCV/configs/yolov3_mobilenet_v3.yml", None, 320),
    "YOLOv3-ResNet50_vd": ("PaddleCV/configs/yolov3_resnet50_vd.yml", None, 320),
    "MobileNetV1": ("PaddleCV/configs/yolov3_mobilenet_v1.yml", {"type": "MobileNetV1", "out_indices": [3]}, 224),
    "ResNet50_vd": (
        "PaddleCV/configs/yolov3_resnet50_vd.yml",
        {"type": "ResNet", "depth": 50, "variant": "vd", "out_indices": [3]},
        224,
    ),
}


def main():
    """Runs all measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, action="append", help="some of them; default all")
    parser.add_argument("--threads", type=int, action="append", help="default 1 and 2")
    parser.add_argument(
        "--repeat", type=int, default=50, help="runs a row and round, of which the median is taken (50)"
    )
    parser.add_argument("--rounds", type=int, default=2, help="processes a row; the lower median counts (2)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", choices=("python", "onnxruntime", "end to end", "export"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return CHILDREN[args.child](args)
    if not KIT_INFER.is_file():
        sys.exit(f"{KIT_INFER} is not built: make cpp")
    results = {}
    with tempfile.TemporaryDirectory() as place:
        for name in args.model or MODELS:
            folder = Path(place) / name
            measure.run_child(sys.executable, "inference.py", "--child", "export", "--model", name, "--folder", folder)
            for threads in args.threads or (1, 2):
                results |= compare(name, folder, threads, args)
    return measure.finish(results, args.json)


def compare(name, folder, threads, args):
    """Measures the rows of one model: {aim: (ratio, comparison, goal)}."""
    child = ("--child", "{}", "--model", name, "--repeat", args.repeat, "--folder")
    rows = {
        "onnxruntime": lambda: in_python("onnxruntime", child, folder / "raw", threads),
        "python": lambda: in_python("python", child, folder / "raw", threads),
        "cpp paddle": lambda: in_cpp(folder / "raw", "--golden", threads, "paddle", args.repeat),
    }
    if (KIT_INFER.parent / "libkit_openvino.so").is_file():
        rows["cpp openvino"] = lambda: in_cpp(folder / "raw", "--golden", threads, "openvino", args.repeat)
    detector = (folder / "whole").is_dir()
    if detector:
        image = ("--image", folder / "image.jpg")
        rows["end to end, python"] = lambda: in_python("end to end", child, folder / "whole", threads)
        rows["end to end, cpp"] = lambda: in_cpp(folder / "whole", image, threads, "paddle", args.repeat)
    found = {row: [] for row in rows}
    for _ in range(args.rounds):
        for row, run in rows.items():
            found[row].append(run())
    best = {row: [min(r[key] for r in runs) for key in ("p50", "min", "cpu")] for row, runs in found.items()}
    base = best["onnxruntime"]
    lines = [[row, *times, times[0] / base[0], times[2] / base[2]] for row, times in best.items()]
    measure.table(
        f"{name}, {threads} thread(s), ms per image", ["", "median", "least", "CPU", "median ratio", "CPU ratio"], lines
    )
    ours = min(best[row][0] for row in best if row.startswith("cpp"))
    aims = {f"{name}, {threads} thread(s), our fastest / onnxruntime": (ours / base[0], "<=", 1.05)}
    if detector:
        ratio = best["end to end, cpp"][0] / best["end to end, python"][0]
        aims[f"{name}, {threads} thread(s), end to end, C++ / Python"] = (ratio, "<=", 1.0)
    return aims


def clean(threads):
    """The environment of a row."""
    names = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "KIT_MKL", "KIT_MALLOC")
    return dict.fromkeys(names) | {"KIT_THREADS": str(threads)}


def in_python(kind, child, folder, threads):
    """{"p50", "min", "cpu"} in milliseconds of a child of this script."""
    arguments = [str(word).format(kind) for word in child]
    return measure.run_child(sys.executable, "inference.py", *arguments, folder, **clean(threads))


def in_cpp(folder, what, threads, engine, repeat):
    """The same of kit_infer's report: of the run, or of all stages where images are given."""
    what = (what,) if isinstance(what, str) else what
    options = ("--threads", threads, "--engine", engine, "--repeat", repeat, "--json")
    report = measure.run_program(KIT_INFER, "--model", folder, *what, *options, **clean(threads))
    return report["latency_ms"]["run" if "total" not in report["latency_ms"] else "total"] | {"cpu": report["cpu_ms"]}


# In a separate process ---------------------------------------------------------------------------------------------


def timed(run, repeat, warm=5):
    """Prints the median and the minimum milliseconds of a call."""
    taken, used = [], 0.0
    for number in range(repeat + warm):
        if number == warm:
            used = time.process_time()
        began = time.perf_counter()
        run()
        taken.append(1000 * (time.perf_counter() - began))
    print(
        json.dumps(
            {
                "p50": measure.median(taken[warm:]),
                "min": min(taken[warm:]),
                "cpu": 1000 * (time.process_time() - used) / repeat,
            }
        )
    )


def golden_of(folder):
    """The inputs of an export's golden."""
    import numpy as np

    arrays = np.load(Path(folder) / "golden.npz")
    return {name[3:]: arrays[name] for name in arrays.files if name.startswith("in/")}


def run_python(args):
    """Python's predictor on the golden."""
    from common.inference.predictor import Predictor

    model, inputs = Predictor(args.folder), golden_of(args.folder)
    timed(lambda: model.run(inputs), args.repeat)


def run_onnxruntime(args):
    """onnxruntime with as many threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["KIT_THREADS"])
    options.log_severity_level = 3
    path = str(Path(args.folder) / "model.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = golden_of(args.folder)
    timed(lambda: session.run(None, inputs), args.repeat)


def run_end_to_end(args):
    """Python from the bytes of an image to records."""
    from common.inference.predictor import Predictor, predict
    from common.vision.decode import decode_image

    model = Predictor(args.folder)
    data = (Path(args.folder).parent / "image.jpg").read_bytes()
    timed(lambda: predict(model, [model.decode({"path": "", "image": decode_image(data)})]), args.repeat)


def write_exports(args):
    """Writes `raw` (the network alone, with ONNX), and of a detector `whole` and an image."""
    from common.system import runtime

    runtime.prepare()
    import cv2
    import paddle

    from common.build.model import build_model
    from common.config import load_config
    from common.export.example import example_inputs
    from common.export.write import export
    from common.inference.synthetic import synthetic_image

    (name,) = args.model
    path, backbone, side = MODELS[name]
    sides = [f"size=[{side},{side}]", f"export.image_size=[{side},{side}]"]
    config = load_config(path, [*sides, "export.tolerance=1e-3"])
    config.check()
    labels = [str(number) for number in range(80)]
    folder = Path(args.folder)
    folder.mkdir(parents=True)

    class Raw(paddle.nn.Layer):
        """The network of a model without post-processing."""

        task = "Tensors"
        inputs = {"image": ([None, 3, None, None], "float32")}

        def __init__(self, network):
            super().__init__()
            self.network = network
            with paddle.no_grad():
                count = len(self.forward(paddle.zeros([1, 3, side, side])))
            self.outputs = tuple(f"level_{number}" for number in range(count))

        def predict(self, image):
            return self.forward(image)

        def forward(self, image):
            return paddle.utils.flatten(self.network.predict(image) if backbone is None else self.network(image))

    if backbone:
        config.set("model.backbone", backbone)
        network = config.build("model.backbone")
        network.eval()
    else:
        model = build_model(config, labels)
        model.eval()
        export(model, config, labels, example_inputs(model, config), folder / "whole")
        network = model
        cv2.imwrite(str(folder / "image.jpg"), synthetic_image()["image"][..., ::-1])
    raw = Raw(network)
    raw.eval()
    inputs = {"image": paddle.randn([1, 3, side, side]).numpy()}
    export(raw, config, labels, inputs, folder / "raw", onnx=True)
    print("{}")


CHILDREN = {
    "python": run_python,
    "onnxruntime": run_onnxruntime,
    "end to end": run_end_to_end,
    "export": write_exports,
}


if __name__ == "__main__":
    sys.path.insert(0, str(measure.REPOSITORY))
    main()
