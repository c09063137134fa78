"""`tools/train.py`: trains the model of a configuration, with evaluation and checkpoints."""

import argparse
import sys

from common.commands.main import add_config_arguments, open_config, run_command
from common.commands.parser import Parser
from common.log import set_up_logging

EXAMPLES = """examples:
  python tools/train.py -c configs/yolov3.yml --eval
  python tools/train.py -c configs/yolov3.yml --eval -r auto            # resume a stopped run
  python -m paddle.distributed.launch --nproc_per_node 2 --log_dir output/log tools/train.py -c configs/yolov3.yml
  python tools/train.py -c configs/yolov3.yml -o train.batch_size=4 pretrained=output/other/best
"""


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="train.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options)
    options.add_argument("--eval", action="store_true", help="evaluate while training and keep the best checkpoint")
    options.add_argument(
        "-r", "--resume", metavar="auto|PATH", help="resume from the latest intact checkpoint, or from PATH"
    )
    options.add_argument("--overwrite", action="store_true", help="remove the files of an earlier run first")
    options.add_argument(
        "--dry-run",
        action="store_true",
        help="build everything, train one step, evaluate one batch, save and load a checkpoint",
    )
    options.add_argument("--use_vdl", action="store_true", help="write VisualDL logs to <run>/vdl")
    options.add_argument("--use_tb", action="store_true", help="write TensorBoard logs to <run>/tensorboard")
    options.add_argument("--profile", action="store_true", help="write a profile of some steps to <run>/profile")
    options.add_argument(
        "--format",
        choices=["safetensors", "pdparams"],
        default="safetensors",
        help="checkpoint format; pdparams writes model.pdparams in addition",
    )
    options.add_argument("--no-check", action="store_true", help="skip the data check before the first epoch")
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: run_train(args, default_kit), argv)


def run_train(args, default_kit):
    """Runs the command and returns its exit code."""
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
