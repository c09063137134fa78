"""Analyzes the quantization error of each layer: it is quantized alone, the rest of the model stays in floating point.

A signal-to-noise ratio of 20 dB is an error of 10 %, 40 dB of 1 %; the worst layers come first.
"""

import argparse
import csv
import importlib
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import add_config_arguments, open_config, run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402

EXAMPLES = """examples:
  python PaddleSlim/tools/analyze.py -c configs/mobilenet_v1_ptq.yml -o weights=output/mobilenet_v1_ptq/best
  python PaddleSlim/tools/analyze.py -c configs/mobilenet_v1_ptq.yml --weights output/mobilenet_v1_ptq/best --worst 5
"""


def parser():
    """The command-line parser."""
    options = Parser(
        prog="analyze.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, weights=True)
    options.add_argument("--batches", type=positive_int, default=1, help="batches of data.eval (default 1)")
    options.add_argument("--worst", type=positive_int, default=3, help="layers to suggest for keep_float (default 3)")
    options.add_argument(
        "--out", metavar="DIR", help="output folder of layers.csv and layers.png (default: the run folder)"
    )
    return options


def main(default_kit=KIT, argv=None):
    """Runs the command and exits."""
    run_command(parser(), lambda args: show(args, default_kit), argv)


def show(args, default_kit):
    """Prints and writes the analysis."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.build.model import weights_of
    from common.errors import ConfigError
    from common.system import runtime

    runtime.prepare()
    from common.training.compression import Context

    model = load_model(config)
    structure = getattr(model, "structure", None)
    step = next((s for s in structure.steps if s["type"] == "quantize_layers"), None) if structure else None
    if step is None:
        raise ConfigError(f"{weights_of(config)}: the model is not quantized")
    analysis = importlib.import_module(f"{KIT.name}.models.quantize.analysis")
    folder = pathlib.Path(args.out or config.run_folder)
    context = Context(config, folder)
    noises = analysis.analyze(model, analysis.prediction_of(model), list(context.batches("eval", args.batches)), step)
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, noises)
    width = max(len(noise.path) for noise in noises)
    sys.stdout.write(f"{'layer'.ljust(width)}  output dB  model dB\n")
    for noise in noises:
        sys.stdout.write(f"{noise.path.ljust(width)}  {noise.output:9.1f}  {noise.model:8.1f}\n")
    sys.stdout.write(f"slim.{analysis.keep_float_line(noises, args.worst)}\n")
    return 0


def load_model(config):
    """The model of a configuration with its weights."""
    from common.build.model import build_model, labels_of, load_weights, read_configured_weights
    from common.system.device import select_device

    arrays = read_configured_weights(config)
    select_device(config.get("device"))
    model = build_model(config, labels_of(config))
    load_weights(model, arrays, config)
    return model


def write(folder, noises):
    """Writes layers.csv and layers.png."""
    from common.training.plotting import COLORS, finish_axes, new_figure

    with open(folder / "layers.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["layer", "kind", "output_db", "model_db"])
        table.writerows([noise.path, noise.kind, f"{noise.output:.2f}", f"{noise.model:.2f}"] for noise in noises)
    finite = [noise for noise in noises if noise.model != float("inf")][:40][::-1]
    with new_figure(folder / "layers.png", height=1.5 + 0.22 * len(finite)) as figure:
        axes = figure.add_subplot()
        axes.barh([noise.path for noise in finite], [noise.model for noise in finite], color=COLORS[0])
        axes.tick_params(axis="y", labelsize=7)
        finish_axes(axes, "one layer in 8 bits", "signal-to-noise ratio of the model outputs, dB", "", legend=False)


if __name__ == "__main__":
    main()
