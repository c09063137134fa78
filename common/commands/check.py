"""`tools/check.py`: reads the configuration and every sample, runs one batch, and reports all that is wrong."""

import argparse
import sys

from common.commands.main import add_config_arguments, open_config, run
from common.commands.parser import Parser

EXAMPLES = """examples:
  python tools/check.py -c configs/yolov3.yml                # every sample decoded, one batch through the model
  python tools/check.py -c configs/yolov3.yml --fast         # structure and headers only
  python tools/check.py -c configs/yolov3.yml --issues issues.jsonl
"""


def parser():
    """The options of the command."""
    options = Parser(
        prog="check.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options)
    options.add_argument("--fast", action="store_true", help="structure and headers only: nothing is decoded or run")
    options.add_argument("--issues", metavar="FILE", help="write every issue as a line of JSON")
    options.add_argument(
        "--fix", metavar="FILE", help="write a corrected copy of the training annotations (where the data set can)"
    )
    return options


def main(default_kit=None, argv=None):
    """Runs the command; ends the process."""
    run(parser(), lambda args: check(args, default_kit), argv)


def check(args, default_kit):
    """What the command does."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.build.data import build_dataset
    from common.build.learn_transforms import fit_transforms
    from common.data.check import check_dataset
    from common.data.issues import format_issues, write_issues
    from common.inference.exported import check_exportable

    check_exportable(config)

    issues, datasets, counts = [], {}, {}
    for split in ("train", "eval", "test"):
        if config.get(f"data.{split}"):
            datasets[split] = build_dataset(config, split)
            found, counts[split] = check_dataset(datasets[split], not args.fast, samples_wanted(config, split))
            issues += found
    broken = any(issue.severity == "error" for issue in issues)
    issues += shared_files(datasets, deep=not args.fast and not broken)
    if args.issues:
        write_issues(args.issues, issues)
    if args.fix:
        write_fixed(config, datasets.get("train"), args.fix)
    errors = [issue for issue in issues if issue.severity == "error"]
    if issues:
        sys.stdout.write(format_issues(issues) + "\n")
    for split, dataset in datasets.items():
        sys.stdout.write(f"data.{split}: {described(dataset, counts[split])}\n")
    if errors:
        return 3
    if not args.fast:
        if "train" in datasets:
            fit_transforms(config, datasets["train"])
        run_one_batch(config, datasets)
        sys.stdout.write("one batch went through the model and back\n")
    sys.stdout.write("all well\n" if not issues else f"no errors, {len(issues)} warnings\n")
    return 0


def samples_wanted(config, split):
    """How many samples of a stream a run reads at most, 0 where it reads to the end."""
    steps = config.get(f"data.{split}.sampler.steps", 0)
    if split == "train":
        steps = steps or config.get("train.max_steps", 0) * config.get("train.accumulate", 1)
    return steps * config.get("train.batch_size", 1)


def write_fixed(config, dataset, path):
    """Writes the corrected annotations of the training data, where the data set knows how."""
    from common.errors import ConfigError

    if not hasattr(dataset, "write_fixed"):
        raise ConfigError(f"--fix: {config.get('data.train.type', 'data.train')} has no annotations it could correct")
    dataset.write_fixed(path)


def described(dataset, count):
    """The size of a data set in words."""
    from common.contract import offered

    classes = offered(dataset, "data set", "num_classes")
    words = f"{count} samples" + (" read of a stream" if hasattr(dataset, "iterate") else "")
    return words if classes is None else f"{words}, {classes} classes"


def shared_files(datasets, deep=False):
    """A warning for what training and evaluation share: the same files or, deep, pictures of the same content."""
    from common.contract import offered
    from common.errors import DataIssue

    if "train" not in datasets or not hasattr(datasets["train"], "paths"):
        return []
    train, issues = datasets["train"], []
    kind = f"{offered(train, 'data set', 'what')}s"
    for split in ("eval", "test"):
        other = datasets.get(split)
        both = sorted(set(train.paths()) & set(other.paths())) if hasattr(other, "paths") else []
        what = f"{kind} are in data.train and in data.{split}"
        if not both and deep and hasattr(train, "digests") and hasattr(other, "digests"):
            both = same_content(train, other)
            what = f"{kind} of data.{split} equal {kind} of data.train"
        if both:
            message = f"{len(both)} {what}: the scores will be too optimistic"
            issues.append(DataIssue("D150", "warning", both[0], message, fix="take them out of one of the two"))
    return issues


def same_content(train, other):
    """The paths of the pictures of `other` that `train` holds too, under whatever name."""
    known = set(train.digests())
    return [path for path, digest in zip(other.paths(), other.digests()) if digest in known]


def run_one_batch(config, datasets):
    """Builds the model and sends one training batch forward and back."""
    from common.system import runtime

    runtime.prepare()
    import paddle

    from common.build.data import build_loader, class_names
    from common.build.inputs import check_inputs
    from common.build.model import build_model
    from common.contract import offered
    from common.errors import Diverged
    from common.system.device import select_device
    from common.text.vocabulary import check_vocabulary_size
    from common.training.trainer import to_tensors

    select_device(config.get("device"))
    split = "train" if "train" in datasets else next(iter(datasets))
    dataset = datasets[split]
    model = build_model(config, class_names(dataset))
    model.train()
    with build_loader(config, split, dataset, config.settings("train"), training=split == "train") as loader:
        check_vocabulary_size(loader.pipeline.transforms, model)
        batch = next(iter(loader.epoch(0)))
    check_inputs(model.inputs, batch, f"data.{split}", multiple=offered(model, "model", "size_multiple"))
    losses = model.loss(to_tensors(batch))
    total = sum(losses.values())
    if not bool(paddle.isfinite(total).item()):
        raise Diverged(f"the first batch's losses are not finite: { {k: v.item() for k, v in losses.items()} }")
    total.backward()
