"""`tools/check.py`: validates a configuration and its data, runs one batch, and reports all problems."""

import argparse
import sys

from common.commands.main import add_config_arguments, open_config, run_command
from common.commands.parser import Parser
from common.log import printable

EXAMPLES = """examples:
  python tools/check.py -c configs/yolov3.yml                # decode every sample, run one batch
  python tools/check.py -c configs/yolov3.yml --fast         # annotations and headers only
  python tools/check.py -c configs/yolov3.yml --issues issues.jsonl
"""


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="check.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options)
    options.add_argument(
        "--fast", action="store_true", help="check annotations and file headers only; decode nothing, run nothing"
    )
    options.add_argument("--issues", metavar="FILE", help="write all issues as JSON lines")
    options.add_argument(
        "--fix", metavar="FILE", help="write a corrected copy of the training annotations (if the dataset supports it)"
    )
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: run_check(args, default_kit), argv)


def run_check(args, default_kit):
    """Runs the command and returns its exit code."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.build.data import build_dataset
    from common.build.learn_transforms import fit_transforms
    from common.data.issues import check_dataset, format_issues, write_issues
    from common.inference.exported import check_exportable

    check_exportable(config)

    issues, datasets, counts = [], {}, {}
    for split in ("train", "eval", "test"):
        if config.get(f"data.{split}"):
            datasets[split] = build_dataset(config, split)
            found, counts[split] = check_dataset(datasets[split], not args.fast, count_samples_to_check(config, split))
            issues += found
    broken = any(issue.severity == "error" for issue in issues)
    issues += find_shared_samples(datasets, deep=not args.fast and not broken)
    if args.issues:
        write_issues(args.issues, issues)
    if args.fix:
        write_fixed(config, datasets.get("train"), args.fix)
    errors = [issue for issue in issues if issue.severity == "error"]
    if issues:
        sys.stdout.write(printable(format_issues(issues)) + "\n")
    for split, dataset in datasets.items():
        sys.stdout.write(f"data.{split}: {describe_dataset(dataset, counts[split])}\n")
    if errors:
        return 3
    if not args.fast:
        if "train" in datasets:
            fit_transforms(config, datasets["train"])
        run_one_batch(config, datasets)
        sys.stdout.write("forward and backward pass of one batch succeeded\n")
    sys.stdout.write("no problems found\n" if not issues else f"no errors, {len(issues)} warnings\n")
    return 0


def count_samples_to_check(config, split):
    """The number of samples of a stream that a run reads at most; 0 for all."""
    steps = config.get(f"data.{split}.sampler.steps", 0)
    if split == "train":
        steps = steps or config.get("train.max_steps", 0) * config.get("train.accumulate", 1)
    return steps * config.get("train.batch_size", 1)


def write_fixed(config, dataset, path):
    """Writes the corrected annotations of the training data, if the dataset supports it."""
    from common.errors import ConfigError

    if not hasattr(dataset, "write_fixed"):
        raise ConfigError(f"--fix: {config.get('data.train.type', 'data.train')} cannot correct annotations")
    dataset.write_fixed(path)


def describe_dataset(dataset, count):
    """The size of a dataset as text."""
    from common.contract import get_optional

    classes = get_optional(dataset, "dataset", "num_classes")
    words = f"{count} samples" + (" read from a stream" if hasattr(dataset, "iterate") else "")
    return words if classes is None else f"{words}, {classes} classes"


def find_shared_samples(datasets, deep=False):
    """Warns of data leakage: files, or with `deep` images of equal content, in both training and evaluation data."""
    from common.contract import get_optional
    from common.errors import DataIssue

    if "train" not in datasets or not hasattr(datasets["train"], "paths"):
        return []
    train, issues = datasets["train"], []
    kind = f"{get_optional(train, 'dataset', 'what')}s"
    for split in ("eval", "test"):
        other = datasets.get(split)
        both = sorted(set(train.paths()) & set(other.paths())) if hasattr(other, "paths") else []
        what = f"{kind} are in both data.train and data.{split}"
        if not both and deep and hasattr(train, "digests") and hasattr(other, "digests"):
            both = find_equal_content(train, other)
            what = f"{kind} of data.{split} are identical to {kind} of data.train"
        if both:
            message = f"{len(both)} {what}: the scores will be too optimistic"
            issues.append(DataIssue("D150", "warning", both[0], message, fix="remove them from one of the two"))
    return issues


def find_equal_content(train, other):
    """The paths of images of `other` whose content is also in `train`."""
    known = set(train.digests())
    return [path for path, digest in zip(other.paths(), other.digests()) if digest in known]


def run_one_batch(config, datasets):
    """Builds the model and runs the forward and backward pass of one training batch."""
    from common.system import runtime

    runtime.prepare()
    import paddle

    from common.build.data import build_loader, class_names
    from common.build.inputs import check_inputs
    from common.build.model import build_model
    from common.contract import get_optional
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
    check_inputs(model.inputs, batch, f"data.{split}", multiple=get_optional(model, "model", "size_multiple"))
    losses = model.loss(to_tensors(batch))
    total = sum(losses.values())
    if not bool(paddle.isfinite(total).item()):
        raise Diverged(f"the losses of the first batch are not finite: { {k: v.item() for k, v in losses.items()} }")
    total.backward()
