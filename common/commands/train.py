"""`tools/train.py`: trains the model of a configuration, evaluates it on the way, and leaves checkpoints."""

import argparse
import sys

from common.commands.main import add_config_arguments, open_config, run
from common.commands.parser import Parser
from common.log import set_up_logging

EXAMPLES = """examples:
  python tools/train.py -c configs/yolov3.yml --eval
  python tools/train.py -c configs/yolov3.yml --eval -r auto            # go on with a stopped run
  python -m paddle.distributed.launch --nproc_per_node 2 tools/train.py -c configs/yolov3.yml --eval
  python tools/train.py -c configs/yolov3.yml -o train.batch_size=4 pretrained=output/other/best
"""


def parser():
    """The options of the command."""
    options = Parser(
        prog="train.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options)
    options.add_argument("--eval", action="store_true", help="evaluate while training and keep the best checkpoint")
    options.add_argument(
        "-r", "--resume", metavar="auto|PATH", help="go on with the newest whole checkpoint, or with PATH"
    )
    options.add_argument(
        "--overwrite", action="store_true", help="remove an earlier run first, all that training wrote"
    )
    options.add_argument(
        "--dry-run", action="store_true", help="build all, train one step, evaluate one batch, save, load"
    )
    options.add_argument("--use_vdl", action="store_true", help="write VisualDL logs to <run>/vdl")
    options.add_argument("--use_tb", action="store_true", help="write TensorBoard logs to <run>/tensorboard")
    options.add_argument("--profile", action="store_true", help="write where the time goes to <run>/profile")
    options.add_argument(
        "--format",
        choices=["safetensors", "pdparams"],
        default="safetensors",
        help="pdparams: write model.pdparams too",
    )
    options.add_argument(
        "--no-check", action="store_true", help="leave out the check of the data before the first epoch"
    )
    return options


def main(default_kit=None, argv=None):
    """Runs the command; ends the process."""
    run(parser(), lambda args: train(args, default_kit), argv)


def train(args, default_kit):
    """What the command does."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.system import distributed
    from common.training.options import RunOptions
    from common.training.run import Run

    if distributed.world_size() > 1:
        set_up_logging(prefix=f"[rank {distributed.rank()}] ")
    options = RunOptions(
        evaluate=args.eval,
        resume=args.resume,
        overwrite=args.overwrite,
        dry_run=args.dry_run,
        visualdl=args.use_vdl,
        tensorboard=args.use_tb,
        profile=args.profile,
        pdparams=args.format == "pdparams",
        check_data=not args.no_check,
        command_line=sys.argv,
    )
    with distributed.report_failure():
        Run(config, options).train()
    return 0
