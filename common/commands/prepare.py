"""`tools/prepare.py`: splits a folder of your own data and writes a small configuration that suits it.

The folder is only read.  Images: YOLO text files with data.yaml or classes.txt, VOC XML files, one COCO JSON file,
labelme JSON files (of polygons: segmentation), CSV files of boxes, text files of WIDER FACE, images and masks of the
same names, or a folder of images per class.  Texts: CSV or TSV with a text and a label.  Clicks: CSV with a label of 0
and 1, numbers and categories.  Speech: a folder of recordings per spoken word.
"""

import argparse
import fnmatch
import importlib
import itertools
import os
import re
import shlex
import sys
from pathlib import Path

from common.commands.main import run_command
from common.commands.parser import Parser
from common.config import load_config
from common.config.kits import shipped_kits
from common.data.preparation import Request
from common.errors import ConfigError, DataError
from common.log import counted
from common.weights.published import find_published

EXAMPLES = """examples:
  python tools/prepare.py dataset/mine
  python tools/prepare.py dataset/mine --as yolo --labels cat dog --eval 0.25
  python tools/prepare.py dataset/mine --group '^[^_]+'    # images whose names begin alike stay together
  python tools/prepare.py reviews.csv --text review --label stars
  python tools/prepare.py dataset/commands --group '([0-9a-f]+)_nohash'    # recordings of a speaker stay together
"""
MARK = "prepared.txt"  # in every folder that this command has written: its files


def kit_modules():
    """{kit: its module `data.prepare`} of the shipped kits that have one."""
    found = {}
    for folder in shipped_kits():
        if (folder / "data/prepare.py").is_file():
            found[folder.name] = importlib.import_module(f"{folder.name}.data.prepare")
    return found


def parser():
    """The command-line parser."""
    options = Parser(
        prog="prepare.py",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("source", help="folder, or a CSV or TSV file, of your own data; it is only read")
    formats = [name for module in kit_modules().values() for name in module.FORMATS]
    options.add_argument("--as", dest="kind", choices=formats, help="format, where the folder could be read as several")
    options.add_argument("--out", metavar="FOLDER", help="output folder (default: that folder with _prepared)")
    options.add_argument("--name", help="name of the configuration and of its run (default: that of the folder)")
    options.add_argument("--eval", type=float, default=0.2, metavar="SHARE", help="evaluation split (default 0.2)")
    options.add_argument("--seed", type=int, default=0, help="random seed of the split (default 0)")
    options.add_argument(
        "--group", default="", help="regular expression on paths, or a column; equal ones stay together"
    )
    options.add_argument("--only", metavar="GLOB", help="use only these annotation files, such as 'train.json'")
    options.add_argument("--label", default="", metavar="COLUMN", help="column of the label in tables")
    options.add_argument("--text", default="", metavar="COLUMN", help="column of the text in tables")
    options.add_argument("--labels", nargs="+", default=[], metavar="NAME", help="class names by number, for YOLO")
    options.add_argument(
        "--pretrained", default="", metavar="PATH", help="weights to start from, a path or a published name"
    )
    options.add_argument("--force", action="store_true", help="replace the files of an earlier run")
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), prepare_folder, argv)


def prepare_folder(args):
    """Recognizes, splits and writes; prints what was found and the next commands."""
    source = Path(args.source)
    if not source.exists():
        raise ConfigError(f"{source}: no such file or folder")
    if not 0 < args.eval < 1:
        raise ConfigError(f"--eval is {args.eval}; it is a share between 0 and 1, such as 0.2")
    name = args.name or re.sub(r"[^\w.-]+", "_", source.resolve().stem if source.is_file() else source.resolve().name)
    out = Path(args.out) if args.out else source.parent / f"{name}_prepared"
    if not args.out and source.name in ("", ".", ".."):
        out = Path(f"{source.resolve().parent}/{name}_prepared")
    config_file = out / f"{name}.yml"
    if out.exists() and not args.force and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} exists; give another --out, or replace what an earlier run has written with --force")
    folder = Path(os.path.normpath(source.parent if source.is_file() else source))
    files = list_files(source, out)
    if args.only:
        keep = re.compile(fnmatch.translate(args.only))
        others = (".json", ".xml", ".csv", ".tsv", ".yaml", ".yml")
        files = [f for f in files if not f.lower().endswith(others) or keep.match(f) or keep.match(Path(f).name)]
    request = Request(
        folder, out, name, args.eval, args.seed, args.group, args.label, args.text, args.labels, args.pretrained
    )
    kit, kind = choose_format(source, folder, files, args.kind)
    check_pretrained(args.pretrained, kit)
    prepared = kit_modules()[kit].prepare(kind, request, files)
    write_files(out, {**prepared.files, config_file.name: "\n".join(prepared.config) + "\n"})
    config = load_config(str(config_file), [])
    config.check()
    sys.stdout.write("\n".join([f"{source}: {kit}, {kind}", *(f"  {note}" for note in prepared.notes), ""]))
    sys.stdout.write(
        "\n".join([f"wrote {config_file} and {counted(len(prepared.files), 'file')} beside it; next:", ""])
    )
    sys.stdout.write(
        "".join(f"  {line}\n" for line in commands_to_type(config_file, config.run_folder, prepared.example))
    )


def check_pretrained(pretrained, kit):
    """Raises ConfigError if `--pretrained` is neither a checkpoint nor a name in the index of the kit."""
    folder = next(folder for folder in shipped_kits() if folder.name == kit)
    if pretrained and not Path(pretrained).exists() and find_published(folder, pretrained) is None:
        index = folder / "pretrained.csv"
        where = f", nor a name in {kit}/pretrained.csv" if index.is_file() else ""
        raise ConfigError(f"--pretrained {pretrained}: no such checkpoint{where}")


def list_files(source, out):
    """The files of a folder and its subfolders, sorted, as relative paths; hidden ones and `out` are left out."""
    if source.is_file():
        return [source.name]
    found, skipped = [], out.resolve()
    for place, folders, names in os.walk(source, followlinks=True):
        here = Path(place)
        folders[:] = [
            n for n in folders if not n.startswith(".") and (here / n).resolve() != skipped and not is_written(here / n)
        ]
        found += [(here / name).relative_to(source).as_posix() for name in names if not name.startswith(".")]
    return sorted(found)


def is_written(folder):
    """True for a folder that this command has written."""
    return (folder / MARK).is_file()


def choose_format(source, folder, files, kind=None):
    """(kit, format) of the files.

    Raises:
        DataError: no format, or several, are recognized.
    """
    modules = kit_modules()
    if kind:
        return next((kit, kind) for kit, module in modules.items() if kind in module.FORMATS)
    found = {}
    for kit, module in modules.items():
        found |= {name: (kit, text) for name, text in module.recognize(folder, files).items()}
    for general in ("texts", "clicks") if "csv" in found else ():  # a table of boxes has texts and numbers too
        found.pop(general, None)
    if len(found) == 1:
        name, (kit, _) = next(iter(found.items()))
        return kit, name
    if not found:
        if not files:
            raise DataError(f"error[D117] {source}: the folder has no files")
        if source.is_file() and (rows := count_lines(source)) < 2:
            has = "has a header and no rows" if rows else "is empty"
            raise DataError(f"error[D117] {source}: {has}")
        known = [f"{name} ({text})" for module in modules.values() for name, text in module.FORMATS.items()]
        raise DataError(
            f"error[D104] {source}: no known format in {counted(len(files), 'file')}; known are\n  "
            + "\n  ".join(known)
        )
    lines = [f"  {name}: {text}" for name, (_, text) in found.items()]
    raise DataError(
        "\n".join([f"error[D113] {source} could be read as", *lines, f"  fix: choose one: --as {next(iter(found))}"])
    )


def count_lines(file, most=2):
    """The number of lines of a file that are not blank, up to `most`."""
    with open(file, "rb") as lines:
        return sum(1 for _ in itertools.islice(filter(bytes.strip, lines), most))


def write_files(out, files):
    """Writes the files, and their names into a file of their own.

    Raises:
        ConfigError: the folder has other files, which are left alone.
    """
    out.mkdir(parents=True, exist_ok=True)
    known = (out / MARK).read_text(encoding="utf-8").splitlines() if (out / MARK).is_file() else []
    taken = [name for name in files if (out / name).exists() and name not in known]
    if taken:
        raise ConfigError(f"{out / taken[0]} exists and was not written by this command; give another --out")
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8", newline="")
    (out / MARK).write_text("".join(f"{name}\n" for name in sorted({*known, *files})), encoding="utf-8")


def commands_to_type(config, run, example):
    """The commands to type next (list[str])."""
    file, best = shlex.quote(str(config)), shlex.quote(f"{run}/best")
    lines = [
        f"python tools/check.py -c {file}",
        f"python tools/train.py -c {file} --eval",
        f"python tools/export.py -c {file} --weights {best}",
    ]
    return [*lines, f"python tools/infer.py --model {shlex.quote(f'{run}/export')} {example}"] if example else lines
