"""Shared functions of the benchmarks: timers, child processes with JSON output, and the interpreter with torch."""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
REPOSITORY = BENCHMARKS.parent
NO_TORCH = (
    "torch is not installed, its rows are left out: python3 -m venv .venv-torch && .venv-torch/bin/pip install -r "
    "benchmarks/requirements.txt, or name a Python that has it in KIT_TORCH_PYTHON"
)


def torch_python():
    """The interpreter that has torch, or None."""
    path = Path(os.environ.get("KIT_TORCH_PYTHON") or REPOSITORY / ".venv-torch" / "bin" / "python")
    return str(path) if path.is_file() else None


def cpu_seconds():
    """User and system time of this process, its threads, and its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Stopwatch:
    """Wall and CPU seconds of each lap."""

    def __init__(self):
        self.wall, self.cpu = [], []
        self.start()

    def start(self):
        """Begins a lap, and forgets one that was begun."""
        self.began = time.perf_counter(), time.process_time()

    def lap(self):
        """Ends a lap and begins the next."""
        now = time.perf_counter(), time.process_time()
        self.wall.append(now[0] - self.began[0])
        self.cpu.append(now[1] - self.began[1])
        self.began = now


def run_child(python, script, *arguments, **environment):
    """What a script prints as its last line, read as JSON; a value of None takes a variable out of the environment.

    Raises:
        SystemExit: the script failed; shows the end of what it said.
    """
    return run_program(python, BENCHMARKS / script, *arguments, **environment)


def run_program(*words, **environment):
    """The same of any program."""
    variables = {**os.environ, **{k: v for k, v in environment.items() if v is not None}}
    for name in [name for name, value in environment.items() if value is None]:
        variables.pop(name, None)
    command = [str(word) for word in words]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, cwd=REPOSITORY)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def median(values):
    """The median."""
    return statistics.median(values)


def rounds(title, rows, count):
    """Runs each row `count` times, in turn, and prints a table; row -> median of the CPU seconds.

    Args:
        title (str): of the table.
        rows (dict): row -> function that gives a child's answer: `cpu` in seconds, or `cpu` and `p50` in milliseconds.
        count (int): rounds.
    """
    found = {row: {"cpu": [], "wall": []} for row in rows}
    for _ in range(count):
        for row, run in rows.items():
            answer = run()
            if "p50" in answer:
                answer |= {"cpu": [answer["cpu"] / 1000], "wall": [answer["p50"] / 1000]}
            for what, values in found[row].items():
                values += answer[what]
    lines = [[row, median(f["cpu"]), min(f["cpu"]), median(f["wall"])] for row, f in found.items()]
    table(title, ["", "CPU", "least CPU", "wall"], lines)
    return {row: median(f["cpu"]) for row, f in found.items()}


def ratios(cpu, what, goals):
    """{aim: (ratio, comparison, goal)} of the row `ours` to each of the others that was measured."""
    if not torch_python():
        print(f"  {NO_TORCH}")
    return {
        f"{what}: ours / {row}, CPU": (cpu["ours"] / cpu[row], "<=", goal) for row, goal in goals.items() if row in cpu
    }


@contextlib.contextmanager
def silent():
    """Context in which nothing is printed."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def model_of(name, classes, overrides=()):
    """The configuration of PaddleCV, its model with random weights, and the names of its classes."""
    sys.path.insert(0, str(REPOSITORY))
    from common.system import runtime

    runtime.prepare()
    from common.build.model import build_model
    from common.config import load_config

    config = load_config(f"PaddleCV/configs/{name}.yml", overrides)
    labels = [str(number) for number in range(classes)]
    return config, build_model(config, labels), labels


def train(config, model, arrays, steps):
    """Prints the wall and CPU seconds of training steps on one batch (dict of arrays) as JSON."""
    import paddle

    model.train()
    optimizer = config.build("optimizer").build(model)
    watch = Stopwatch()
    for number in range(steps + 2):
        if number == 2:
            watch = Stopwatch()
        losses = model.loss({name: paddle.to_tensor(value) for name, value in arrays.items()})
        total = sum(losses.values())
        total.backward()
        optimizer.step(1e-4)
        optimizer.clear()
        total.item()
        watch.lap()
    count = sum(parameter.size for parameter in model.parameters() if not parameter.stop_gradient)
    print(json.dumps({"wall": watch.wall, "cpu": watch.cpu, "parameters": int(count)}))


def table(title, heads, rows):
    """Prints rows under their heads."""
    rows = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    print(f"\n{title}")
    for row in [heads, *rows]:
        cells = [cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("  " + "  ".join(cells).rstrip())
    sys.stdout.flush()


def options_of(text, models, size, batch, repeat):
    """The parser of a benchmark of training steps and of inference, without `--threads`.

    Args:
        text (str): the docstring of the benchmark.
        models (list[str]): names of the configurations.
        size (int): default of the side of an image, in pixels.
        batch (int): default number of images of a training step.
        repeat (int): default number of images of inference in a round.
    """
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=models, action="append", help="one of them; default all")
    parser.add_argument("--what", choices=("step", "inference"), action="append", help="one of them; default both")
    parser.add_argument("--size", type=int, default=size, help=f"pixels ({size})")
    parser.add_argument("--batch", type=int, default=batch, help=f"images a training step ({batch})")
    parser.add_argument("--steps", type=int, default=3, help="measured training steps a round (3)")
    parser.add_argument("--repeat", type=int, default=repeat, help=f"images of inference a round ({repeat})")
    parser.add_argument("--rounds", type=int, default=3, help="processes a row (3)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", choices=("step", "export"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser


def run_options(args, models, children, comparisons):
    """Runs the child that the options name, or compares every model in every way that they ask for.

    Args:
        args (Namespace): of :func:`options_of`.
        models (list[str]): all of them.
        children (dict): value of `--child` -> function of `args`.
        comparisons (dict): value of `--what` -> function of a model's name and `args` that returns results.
    """
    if args.child:
        return children[args.child](args)
    results = {}
    for name in args.model or models:
        for what in args.what or comparisons:
            results |= comparisons[what](name, args)
    return finish(results, args.json)


def finish(results, path):
    """Writes {aim: (ratio, comparison, goal)} as JSON if a path is given, and prints each."""
    print()
    for name, (ratio, comparison, goal) in results.items():
        met = ratio <= goal if comparison == "<=" else ratio >= goal
        print(f"{'met ' if met else 'MISS'}  {name}: {ratio:.2f} (aim {comparison} {goal})")
    if path:
        Path(path).write_text(json.dumps(results), encoding="utf-8")
