"""`tools/check.py`: validates a configuration and its data, tries every stage once, and reports problems."""

import argparse
import contextlib
import logging
import sys

from common.commands.main import add_config_arguments, open_config, run_command
from common.commands.parser import Parser
from common.log import counted, logger, printable

EXAMPLES = """examples:
  python tools/check.py -c configs/yolov3.yml                # every sample and its transforms, every stage once
  python tools/check.py -c configs/yolov3.yml --fast         # annotations, headers and the model only
  python tools/check.py -c configs/yolov3.yml --issues issues.jsonl
  python tools/check.py -c configs/yolov3.yml --fast --show batches    # look at the augmentation
"""


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="check.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options)
    options.add_argument(
        "--fast",
        action="store_true",
        help="check annotations and file headers, and build the model; decode nothing, run nothing: what only the "
        "transforms would refuse, such as a text too long for its image, is not found",
    )
    options.add_argument(
        "--show", metavar="FOLDER", help="write images of the first training batches after augmentation, with boxes"
    )
    options.add_argument("--issues", metavar="FILE", help="write all issues as JSON lines, a line an occurrence")
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
    from common.data.issues import every_occurrence

    with counted_warnings() as logged, every_occurrence(bool(args.issues)):
        return check_everything(config, args, logged)


@contextlib.contextmanager
def counted_warnings():
    """Context manager that gives a list, which every warning of the logger is added to."""
    handler, logged = logging.Handler(logging.WARNING), []
    handler.emit = logged.append
    logger.addHandler(handler)
    try:
        yield logged
    finally:
        logger.removeHandler(handler)


def check_everything(config, args, logged):
    """Checks the configuration and its data, and prints what was found; the exit code."""
    from common.build.data import build_dataset, class_names
    from common.build.preparation import check_preparation
    from common.data.issues import check_dataset, format_issues
    from common.inference.exported import check_exportable

    check_exportable(config)
    check_preparation(config)
    before = len(logged)

    issues, datasets, counts = [], {}, {}
    for split in ("train", "eval", "test"):
        if config.get(f"data.{split}"):
            known = class_names(datasets["train"]) if "train" in datasets else None
            with written_issues(args.issues, issues):
                datasets[split] = build_dataset(config, split, known)
            found, counts[split] = check_dataset(datasets[split], not args.fast, count_samples_to_check(config, split))
            issues += found
    del logged[before:]  # what datasets log is among their issues
    broken = any(issue.severity == "error" for issue in issues)
    issues += find_shared_samples(datasets, deep=not args.fast and not broken) + find_shared_classes(datasets)
    with written_issues(args.issues, issues, always=True):
        if not (args.fast or broken):
            issues += refused_by_transforms(config, datasets)
    if args.fix:
        write_fixed(config, datasets.get("train"), args.fix)
    errors = [issue for issue in issues if issue.severity == "error"]
    if issues:
        sys.stdout.write(printable(format_issues(issues)) + "\n")
    for split, dataset in datasets.items():
        sys.stdout.write(f"data.{split}: {describe_dataset(dataset, counts[split])}\n")
    if errors:
        return 3
    if args.show:
        show_training(config, datasets, args.show)
    if datasets:
        sys.stdout.write(f"tried once, without an error: {', '.join(try_stages(config, datasets, args.fast))}\n")
    warnings = len(issues) + len(logged)
    sys.stdout.write("no problems found\n" if not warnings else f"no errors, {counted(warnings, 'warning')}\n")
    return 0


@contextlib.contextmanager
def written_issues(path, issues, always=False):
    """Context manager that writes `issues` to `path`, if there is one, and those of a DataError; or `always`."""
    from common.data.issues import write_issues
    from common.errors import DataError

    try:
        yield
    except DataError as error:
        if path:
            write_issues(path, [*issues, *getattr(error, "issues", ())])
        raise
    if path and always:
        write_issues(path, issues)


def show_training(config, datasets, folder):
    """Writes images of the first training batches, and prints their paths."""
    from common.errors import ConfigError
    from common.training.batch_images import show_batches

    paths = show_batches(config, datasets["train"], folder) if "train" in datasets else []
    if not paths:
        raise ConfigError("--show: the configuration has no data.train whose samples are images")
    for path in paths:
        sys.stdout.write(printable(f"{path}\n"))


def refused_by_transforms(config, datasets):
    """The issues of the samples that the transforms refuse; streams of samples, but rows, are only read."""
    from common.build.data import build_transforms, class_names, given_classes
    from common.build.learn_transforms import fit_transforms
    from common.data.issues import find_refused_rows, find_refused_samples
    from common.data.pipeline import Pipeline
    from common.table.rows import RowFiles

    issues = []
    if "train" in datasets:
        fit_transforms(config, datasets["train"])
    for split, dataset in datasets.items():
        find = find_refused_rows if isinstance(dataset, RowFiles) else find_refused_samples
        if isinstance(dataset, RowFiles) or hasattr(dataset, "__getitem__"):
            transforms = build_transforms(config, split, dataset=dataset, **given_classes(class_names(dataset)))
            issues += find(dataset, Pipeline(transforms, config.get("seed")))
    return issues


def try_stages(config, datasets, fast):
    """Tries training, evaluation and export, or with `fast` only builds the model; the stages (list[str])."""
    from common.system import runtime

    runtime.prepare()
    from common.training.rehearsal import build_once, rehearse

    return build_once(config, datasets) if fast else rehearse(config, datasets)


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
    words = counted(count, "sample") + (" read from a stream" if hasattr(dataset, "iterate") else "")
    return words if classes is None else f"{words}, {counted(classes, 'class')}"


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


def find_shared_classes(datasets):
    """Warns of classes that a set to search in, which has `names` and no labels, shares with the training data."""
    from common.build.data import class_names
    from common.contract import get_optional
    from common.errors import DataIssue

    trained, issues = set(class_names(datasets["train"]) or ()) if "train" in datasets else set(), []
    for split, dataset in datasets.items():
        names = get_optional(dataset, "dataset", "names") or () if split != "train" else ()
        both = [name for name in names if name in trained]
        if both:
            message = f"{len(both)} classes are in data.train too: the scores say little about new classes"
            fix = f"set data.{split}.seen to the training data to leave them out"
            issues.append(DataIssue("D157", "warning", dataset.source, message, value=both[0], fix=fix))
    return issues


def find_equal_content(train, other):
    """The paths of images of `other` whose content is also in `train`."""
    known = set(train.digests())
    return [path for path, digest in zip(other.paths(), other.digests()) if digest in known]
