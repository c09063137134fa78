"""`tools/infer.py`: runs inference on images, videos, texts, audio or table rows, by an exported model or a checkpoint.

Images: a file, a folder, a video, a stream (rtsp://...), the number of a camera, or `-` for standard input (an image
or paths); --out FOLDER receives the images with the predictions drawn.  Videos, of models that classify them: a file,
a folder or a stream, drawn likewise; files of features (.npz, .safetensors) of models that read these.  Texts: a file
with one text per line, --text, or standard input.  Audio: a file, a folder, or `-`.  Table rows: a .csv or .jsonl
file.  --json writes one JSON object per sample; --out FILE.csv writes the predictions of any model as a table.
"""

import argparse

from common.commands.main import ENGINES, add_config_arguments, open_config, run_command
from common.commands.parser import Parser, positive_int

EXAMPLES = """examples:
  python tools/infer.py --model output/yolov3/export --image street.jpg --json
  python tools/infer.py -c configs/yolov3.yml -o weights=output/yolov3/best --image images/ --out drawn
  echo 百度是一家高科技公司 | python tools/infer.py -c configs/lac.yml
  python tools/infer.py -c configs/resnet50.yml --weights output/resnet50/best image.jpg
  python tools/infer.py --model output/deepspeech2/export speech.wav
  python tools/infer.py --model output/deepfm/export --input rows.csv --out scores.csv
  python tools/infer.py --model output/pose/export --image street.jpg --boxes boxes.json --out drawn
  python tools/infer.py --model output/stargan/export --image face.jpg --change Male=1 --out edited.png
  python tools/infer.py --model output/cgan/export --text "7, 42" --out seven.png
  python tools/infer.py --model output/deepvoice3_words/export --text "one two three" --out speech.wav
  python tools/infer.py --model output/siamrpn/export --input street.mp4 --box 120,80,40,60 --out drawn
  python tools/infer.py --model output/tall/export --input features.npz --text "he cuts an onion"
  cat street.jpg | python tools/infer.py --model output/yolov3/export --image - --json
"""


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="infer.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, required=False, weights=True)
    options.add_argument("--model", metavar="DIR", help="exported model (or use -c with -o weights=...)")
    options.add_argument(
        "--input",
        metavar="PATH",
        help="file, folder, video, stream, or - for standard input (the default for texts)",
    )
    options.add_argument("--image", dest="input", metavar="PATH", help="same as --input")
    options.add_argument("path", nargs="?", help="same as --input")
    options.add_argument(
        "--boxes",
        metavar="FILE",
        help="for keypoints: what a detector found in these images, by --out FILE.json",
    )
    options.add_argument(
        "--box",
        metavar="X,Y,W,H",
        help="for trackers: where the object is in the first frame; --input is a video or a folder of frames",
    )
    options.add_argument(
        "--text", metavar="TEXT", help="one text instead of --input; for models that search in videos: a sentence"
    )
    options.add_argument(
        "--change",
        metavar="NAME=1",
        nargs="+",
        help="for models that edit attributes: an edited image for each, such as Male=1, or Male=1,Senior=1 together",
    )
    options.add_argument("--json", action="store_true", help="print one JSON object per sample")
    options.add_argument(
        "--out",
        metavar="PATH",
        help="file.csv, .jsonl or .json: write the predictions (embeddings: .npz too); a folder, or a .jpg or .png for "
        "one image: write the images (or the video) with the predictions drawn; a folder, or a .wav for one text: "
        "write the speech",
    )
    options.add_argument(
        "--threshold",
        type=float,
        help="minimum score of a prediction, in semantic segmentation the least share of pixels of a class (default: "
        "that of the task, see postprocess: in the configuration)",
    )
    options.add_argument(
        "--batch", type=positive_int, help="batch size (default: 1 for images and audio, 32 for texts)"
    )
    options.add_argument(
        "--threads", type=int, default=0, help="CPU threads of --model (default: by the number of cores)"
    )
    options.add_argument(
        "--engine", choices=ENGINES, help="inference engine of --model (default: that of its infer.yml)"
    )
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: run_infer(args, default_kit), argv)


def run_infer(args, default_kit):
    """Runs the command and returns its exit code."""
    from common.errors import ConfigError

    if bool(args.model) == bool(args.config):
        raise ConfigError("infer.py takes either --model EXPORTED_DIR, or -c CONFIG with -o weights=CHECKPOINT")
    if args.input is not None and args.path is not None:
        raise ConfigError("infer.py takes one --input PATH: a file, a folder, a video, or - for standard input")
    if args.weights and args.model:
        raise ConfigError("infer.py takes --weights with -c; --model is an exported model that contains its weights")
    if args.model and (args.override or args.print_config):
        raise ConfigError("infer.py takes -o and --print-config with -c; --model has no configuration to change")
    if args.config and (args.engine or args.threads):
        raise ConfigError("--engine and --threads are for --model; a checkpoint runs on KIT_THREADS threads")
    args.input = args.path if args.input is None else args.input
    for name, right, allowed in (
        ("threshold", args.threshold is None or 0 <= args.threshold <= 1, "0 to 1"),
        ("batch", args.batch is None or args.batch >= 1, "1 or more"),
        ("threads", args.threads >= 0, "0 or more"),
    ):
        if not right:
            raise ConfigError(f"--{name} is {getattr(args, name)}; allowed: {allowed}")
    config = open_config(args, default_kit) if args.config else None
    if args.config and config is None:
        return 0
    from common.system import runtime

    runtime.prepare(load=False)
    from common.inference.exported import Exported
    from common.inference.predictor import ModelInMemory, Predictor
    from common.inference.run import run_inference
    from common.inference.task import task_of

    task = Exported(args.model).task() if args.model else task_of(config)
    source = None if task is None else open_input(args, task)  # before the model is loaded, which takes seconds
    model = (
        Predictor(args.model, args.threads, args.engine, args.batch or 1)
        if args.model
        else ModelInMemory.from_config(config)
    )
    if args.change:
        choose_changes(model.task, args.change)
    return run_inference(model, open_input(args, model.task) if source is None else source, args)


def choose_changes(task, changes):
    """Tells a task which attributes to change; raises ConfigError for one that changes none, or not these."""
    from common.errors import ConfigError

    if not hasattr(task, "ask_for"):
        raise ConfigError(f"--change is for models that edit attributes; the task of this one is {task.name}")
    task.ask_for(changes)


def first_box(text, task):
    """The box of `--box`; raises ConfigError where a task takes none, or needs one."""
    from common.errors import ConfigError
    from common.vision.track_sources import EXAMPLE, parse_box

    if not task.sequential:
        raise ConfigError(f"--box is for models that track an object; the task of this one is {task.name}")
    if text is None:
        raise ConfigError(f"this model tracks an object from where it is at first: {EXAMPLE}")
    return parse_box(text)


def open_input(args, task):
    """Opens the input of the command line; raises ConfigError for --out FOLDER with a task that does not draw."""
    from common.inference.result_files import refuse_drawings
    from common.inference.sources import open_source

    if args.change:
        choose_changes(task, args.change)
    source = open_source(args.input, task, args.text)
    if args.boxes:
        from common.inference.boxes import Boxed

        source = Boxed(source, args.boxes, task)
    if task.sequential or args.box is not None:
        source.box = first_box(args.box, task)
    refuse_drawings(args.out, task, source)
    return source
