"""Measures the latency of PaddleCV's models of tests/zoo.csv, exported, one image at a time on a CPU.

With one thread it is the CPU time of the process, so that other work on the machine does not count.

python benchmarks/zoo_latency.py resnet50 --write
"""

import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from common.commands.parser import Parser  # noqa: E402
from common.system import runtime  # noqa: E402
from tools.model_zoo import facts  # noqa: E402


def latency(row, threads, runs):
    """Milliseconds of the exported model for one image of the size it is evaluated at: the median of several.

    None where the configuration evaluates images as large as they come.
    """
    import numpy as np
    import paddle

    from common.build.inputs import transform_sizes
    from common.config import load_config
    from common.inference.predictor import load_engine, run_engine
    from common.testing import save_program

    config = load_config(ROOT / row["kit"] / row["config"])
    size = next((sizes[-1] for place, sizes in transform_sizes(config) if place.startswith("data.eval")), None)
    if size is None:
        return None
    labels = list(map(str, range(int(row["classes"]))))
    model = config.build("model", num_classes=len(labels), labels=labels)
    model.eval()
    height, width = size if isinstance(size, list) else (size, size)
    random = np.random.default_rng(0)
    inputs = {"im_shape": np.array([[height, width]], "float32"), "scale_factor": np.ones([1, 2], "float32")}
    inputs["image"] = random.normal(size=(1, 3, height, width)).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        with paddle.no_grad():
            save_program(model, pathlib.Path(folder) / "model")
        engine = load_engine(pathlib.Path(folder) / "model", threads)
    times, clock = [], time.process_time if threads == 1 else time.perf_counter
    for _ in range(runs + 3):
        start = clock()
        run_engine(engine, {name: inputs[name] for name in engine.get_input_names()})
        times.append(clock() - start)
    return 1000 * statistics.median(times[3:])


def parser():
    """The argument parser of the script."""
    options = Parser(prog="zoo_latency.py", description=__doc__.splitlines()[0], epilog="example: " + EXAMPLE)
    options.add_argument("names", nargs="*", metavar="NAME", help="configurations, such as resnet50; all when none is")
    options.add_argument("--threads", type=int, default=1, help="of the math library (default: %(default)s)")
    options.add_argument("--runs", type=int, default=20, help="images timed (default: %(default)s)")
    options.add_argument("--write", action="store_true", help="note the numbers in tests/zoo.csv")
    return options


EXAMPLE = "python benchmarks/zoo_latency.py resnet50 mobilenetv1"


def main(argv=None):
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    runtime.prepare()
    rows = facts.read_zoo()
    for row in rows:
        name = pathlib.Path(row["config"]).stem
        if row["kit"] != "PaddleCV" or (args.names and name not in args.names):
            continue
        milliseconds = latency(row, args.threads, args.runs)
        if milliseconds is None:
            continue
        sys.stdout.write(f"{name:<28}{milliseconds:9.2f} ms, {args.threads} threads\n")
        sys.stdout.flush()
        row["latency"] = f"{milliseconds:.1f} ms" if milliseconds < 100 else f"{milliseconds:.0f} ms"
        if args.write:
            facts.write_zoo(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
