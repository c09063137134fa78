"""Names the layers that suffer most from 8-bit numbers: each quantised alone, the rest of the model float.

A signal-to-noise ratio of 20 dB is an error of a tenth, 40 dB of a hundredth; the worst layers come first.
"""

import argparse
import csv
import importlib
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import add_config_arguments, open_config, run  # noqa: E402
from common.commands.parser import Parser  # noqa: E402

EXAMPLES = """examples:
  python PaddleSlim/tools/analyse.py -c configs/mobilenet_v1_ptq.yml -o weights=output/mobilenet_v1_ptq/best
  python PaddleSlim/tools/analyse.py -c configs/mobilenet_v1_ptq.yml --weights output/mobilenet_v1_ptq/best --worst 5
"""


def parser():
    """The options of the command."""
    options = Parser(
        prog="analyse.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, weights=True)
    options.add_argument("--batches", type=int, default=1, help="of data.eval to look at (1)")
    options.add_argument("--worst", type=int, default=3, help="layers to name for keep_float (3)")
    options.add_argument("--out", metavar="DIR", help="where to write layers.csv and layers.png (default: the run)")
    return options


def main(default_kit=KIT, argv=None):
    """Runs the command; ends the process."""
    run(parser(), lambda args: show(args, default_kit), argv)


def show(args, default_kit):
    """What the command does."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.errors import ConfigError

    if args.batches < 1 or args.worst < 1:
        raise ConfigError("--batches and --worst are 1 or more")
    from common.build.model import weights_of
    from common.system import runtime

    runtime.prepare()
    from common.training.compression import Context

    model = loaded(config)
    structure = getattr(model, "structure", None)
    step = next((s for s in structure.steps if s["type"] == "quantize_layers"), None) if structure else None
    if step is None:
        raise ConfigError(f"{weights_of(config)}: nothing in it is quantised")
    analysis = importlib.import_module(f"{KIT.name}.models.quantize.analysis")
    folder = pathlib.Path(args.out or config.run_folder)
    context = Context(config, folder)
    harms = analysis.analyse(model, analysis.prediction_of(model), list(context.batches("eval", args.batches)), step)
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, harms)
    width = max(len(harm.path) for harm in harms)
    sys.stdout.write(f"{'layer'.ljust(width)}  output dB  model dB\n")
    for harm in harms:
        sys.stdout.write(f"{harm.path.ljust(width)}  {harm.output:9.1f}  {harm.model:8.1f}\n")
    sys.stdout.write(f"slim.{analysis.keep_float_line(harms, args.worst)}\n")
    return 0


def loaded(config):
    """The model of a configuration on its weights."""
    from common.build.model import build_model, labels_of, load_weights, read_model_weights
    from common.system.device import select_device

    arrays = read_model_weights(config)
    select_device(config.get("device"))
    model = build_model(config, labels_of(config))
    load_weights(model, arrays, config)
    return model


def write(folder, harms):
    """Writes layers.csv and layers.png."""
    from common.training.plotting import COLOURS, finish, new_figure

    with open(folder / "layers.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["layer", "kind", "output_db", "model_db"])
        table.writerows([harm.path, harm.kind, f"{harm.output:.2f}", f"{harm.model:.2f}"] for harm in harms)
    finite = [harm for harm in harms if harm.model != float("inf")][:40][::-1]
    with new_figure(folder / "layers.png", height=1.5 + 0.22 * len(finite)) as figure:
        axes = figure.add_subplot()
        axes.barh([harm.path for harm in finite], [harm.model for harm in finite], color=COLOURS[0])
        axes.tick_params(axis="y", labelsize=7)
        finish(axes, "one layer in 8 bits", "signal to noise of the model's output, dB", "", legend=False)


if __name__ == "__main__":
    main()
