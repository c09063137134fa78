"""Measures the latency of the models of whole images in tests/zoo.csv, exported, one image at a time on a CPU.

With one thread it is the CPU time of the process, and of several images the fastest, so that other work on the machine
counts little. The weights are random, so the proposals of two-stage detectors are anchors; none is suppressed:
the second stage gets as many as the configuration keeps.

python benchmarks/zoo_latency.py resnet50 --write
"""

import multiprocessing
import pathlib
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from common.commands.parser import Parser  # noqa: E402
from common.system import runtime  # noqa: E402
from tools.model_zoo import facts  # noqa: E402


def latency(row, threads, runs):
    """Milliseconds of the exported model for one image of the size it is evaluated at: the fastest of several.

    Where that depends on the image, it is the size that the evaluation makes of PHOTO.
    """
    import numpy as np
    import paddle

    from common.build.inputs import transform_sizes
    from common.config import load_config
    from common.inference.predictor import load_engine, run_engine
    from common.testing import save_program

    runtime.prepare()
    config = load_config(ROOT / row["kit"] / row["config"])
    if "rpn" in config.get("model"):  # NMS of random proposals leaves some tens or all of them, by chance
        config = load_config(ROOT / row["kit"] / row["config"], ["model.rpn.proposals.iou=1.0"])
    splits = ("data.eval", "data.train") if pathlib.Path(row["config"]).parent.name == "classification" else "data.eval"
    sizes = [sizes[-1] for place, sizes in transform_sizes(config) if place.startswith(splits)]
    height, width = pair(sizes[0]) if sizes else evaluated_size(config)
    labels = list(map(str, range(int(row["classes"]))))
    model = config.build("model", num_classes=len(labels), labels=labels)
    model.eval()
    if hasattr(model, "rpn"):
        paddle.nn.initializer.Constant(0.0)(model.rpn.deltas.weight)  # the proposals are the anchors, none is empty
    random = np.random.default_rng(0)
    inputs = {"im_shape": np.array([[height, width]], "float32"), "scale_factor": np.ones([1, 2], "float32")}
    inputs["image"] = random.normal(size=(1, 3, height, width)).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        with paddle.no_grad():
            save_program(model, pathlib.Path(folder) / "model")
        engine = load_engine(pathlib.Path(folder) / "model", threads)
    times, clock = [], time.process_time if threads == 1 else time.perf_counter
    for _ in range(runs):
        start = clock()
        run_engine(engine, {name: inputs[name] for name in engine.get_input_names()})
        times.append(clock() - start)
    return 1000 * min(times)


def evaluated_size(config):
    """(height, width) in pixels of what the transforms of the evaluation make of PHOTO."""
    import numpy as np

    from common.build.data import build_transforms
    from common.data.pipeline import Pipeline

    pipeline = Pipeline(build_transforms(config, "eval", labels=config.get("labels")))
    sample = {"image": np.zeros((*PHOTO, 3), "uint8"), "im_shape": np.array(PHOTO, "float32")}
    return pipeline.batch([pipeline.sample([sample], 0, 0)], 0, 0)[0]["image"].shape[-2:]


def pair(size):
    """(height, width) of a size of a configuration, a number or two."""
    return size if isinstance(size, list) else (size, size)


def parser():
    """The argument parser of the script."""
    options = Parser(prog="zoo_latency.py", description=__doc__.splitlines()[0], epilog="example: " + EXAMPLE)
    options.add_argument("names", nargs="*", metavar="NAME", help="configurations, such as resnet50; all when none is")
    options.add_argument("--threads", type=int, default=1, help="of the math library (default: %(default)s)")
    options.add_argument("--runs", type=int, default=20, help="images timed (default: %(default)s)")
    options.add_argument("--write", action="store_true", help="note the numbers in tests/zoo.csv")
    return options


FOLDERS = ("classification", "detection", "segmentation")  # of configurations of whole images
PHOTO = (480, 640)  # height and width of the most frequent size of COCO
EXAMPLE = "python benchmarks/zoo_latency.py resnet50 mobilenetv1"


def main(argv=None):
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    rows = facts.read_zoo()
    for row in rows:
        name = pathlib.Path(row["config"]).stem
        measured = row["kit"] == "PaddleCV" and pathlib.Path(row["config"]).parent.name in FOLDERS
        if not measured or (args.names and name not in args.names):
            continue
        # a process for each: the memory of a predictor is not given back
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            milliseconds = process.submit(latency, row, args.threads, args.runs).result()
        sys.stdout.write(f"{name:<28}{milliseconds:9.2f} ms, {args.threads} threads\n")
        sys.stdout.flush()
        row["latency"] = f"{milliseconds:.1f} ms" if milliseconds < 100 else f"{milliseconds:.0f} ms"
        if args.write:
            facts.write_zoo(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
