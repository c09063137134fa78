"""`tools/hub.py`: finds, installs, runs and removes modules, models that are ready to predict."""

import json
import sys
from pathlib import Path

from common.commands import autofinetune
from common.commands.hub_config import add_flag, apply_settings, pattern_of, run_config, run_help
from common.commands.hub_making import run_build, run_create
from common.commands.hub_run import run_module
from common.commands.hub_serving import add_serving, run_serving
from common.commands.main import ENGINES, run_command
from common.commands.parser import Parser

EXAMPLES = """examples:
  python tools/hub.py search classification
  python tools/hub.py install lac
  python tools/hub.py run lac --input_text 百度是一家高科技公司
  python tools/hub.py run mobilenet_v2_imagenet --input_path cat.jpg
  python tools/hub.py serving start -m lac mobilenet_v2_imagenet -p 8866
  python tools/hub.py install output/digits/module          # a folder, or a package NAME-VERSION.phm
  python tools/hub.py create output/reviews_cnn --name my_reviews --install

HUB_HOME is the folder of installed modules.
"""


def parser():
    """The argument parser of the command."""
    options = Parser(prog="hub.py", description=__doc__, epilog=EXAMPLES)
    verbs = options.add_subparsers(dest="verb", metavar="COMMAND", required=True, parser_class=Parser)

    def verb(name, help, reference=None, **more):
        added = verbs.add_parser(name, help=help, description=help)
        if reference:
            added.add_argument("module", metavar=reference, **more)
        return added

    found = verb("search", "list what can be installed")
    found.add_argument("pattern", nargs="*", default=[""], metavar="PATTERN", help="a text or a regular expression")
    found.add_argument("--html", metavar="FILE", help="write a page of them")
    install = verb("install", "install a module: NAME, NAME==VERSION, a folder or a package", "MODULE")
    build = verb("build", "train a module from data that a package carries, and install it", "MODULE")
    build.add_argument("-o", "--override", nargs="+", action="extend", default=[], metavar="KEY=VALUE",
                       help="override keys of the configuration: -o train.epochs=2")  # fmt: skip
    download = verb("download", "write the package of a module without installing it", "MODULE")
    download.add_argument("--output_path", metavar="FOLDER", default=".", help="where the package goes (default: .)")
    for added in (install, download):
        added.add_argument(
            "--accept-unlicensed", action="store_true", help="take weights whose package names no license"
        )
    for added in (found, install, download, build):
        added.add_argument("--index", metavar="FILE", help="an index.json with more modules, a file or https://...")
    listed = verb("list", "list the installed modules")
    shown = verb("show", "show the card of a module: NAME, NAME==VERSION or a folder", "MODULE")
    for added in (found, listed, shown):
        added.add_argument("--json", action="store_true", help="print JSON")
    run = verb("run", "predict with an installed module", "MODULE")
    run.add_argument("--input_text", metavar="TEXT", help="one text")
    run.add_argument("--input_path", metavar="PATH", help="an image, a recording, or a folder of them")
    run.add_argument(
        "--input_file", metavar="FILE", help="texts or paths, one per line, or the rows of a table (.csv, .jsonl)"
    )
    run.add_argument("--json", action="store_true", help="print one JSON object per sample")
    run.add_argument(
        "--out", metavar="PATH", help="write the predictions (.csv, .jsonl, .json) or drawn images (a folder)"
    )
    run.add_argument("--threshold", type=float, help="minimum score of a prediction")
    run.add_argument("--batch_size", type=int, dest="batch", help="samples that are predicted together")
    add_flag(run, "--use_strip", "leave out blanks at both ends of each text")
    add_flag(run, "--use_gpu", "accepted; exported models predict on the CPU")
    run.add_argument("--engine", choices=ENGINES, help="inference engine (default: that of the module)")
    add_serving(verb("serving", "serve installed modules over HTTP: start -m NAME ..., stop"))
    autofinetune.add_arguments(
        verb("autofinetune", "search the hyperparameters of a script or of a configuration", "SCRIPT|CONFIG")
    )
    create = verb("create", "make a module of a run, or of a pretrained encoder: a folder", "FOLDER")
    create.add_argument("--name", required=True, help="name of the module")
    create.add_argument("--version", default="1.0.0", help="two or three numbers (default: 1.0.0)")
    create.add_argument("--summary", help="one line about it")
    create.add_argument("--author", dest="authors", help="who made it")
    create.add_argument("--license", help="license of the weights")
    create.add_argument("--type", help="category, such as NLP/sentiment_analysis")
    create.add_argument("--trainable", action="store_true", help="add the weights that others can fine-tune")
    create.add_argument("--output_path", metavar="FOLDER", default=".", help="where the package goes (default: .)")
    create.add_argument("--install", action="store_true", help="install it instead of writing a package")
    verb("uninstall", "remove a module: NAME for all its versions, NAME==VERSION for one", "MODULE")
    verb("clear", "remove downloaded packages")
    verb("version", "print the version")
    config = verb("config", "print the settings, or change them")
    config.add_argument("words", nargs="*", metavar="reset | server==INDEX | log==LEVEL", help="what changes")
    verb("help", "print this help, or that of a command").add_argument("of", nargs="?", metavar="COMMAND")
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    options = parser()

    def run(args):
        apply_settings(args)
        return VERBS[args.verb](args, options)

    run_command(options, run, argv)


def run_search(args, options):
    """Lists what can be installed."""
    from common.hub.catalog import search_offers

    pattern = pattern_of(args.pattern)
    found = search_offers(pattern, args.index)
    if args.html:
        from common.hub.page import module_page

        Path(args.html).write_text(module_page([offer.card() for offer in found]), encoding="utf-8")
        sys.stdout.write(f"{args.html}\n")
    elif args.json:
        write_json([{k: getattr(offer, k) for k in ("name", "version", "type", "summary")} for offer in found])
    elif found:
        write_columns([(offer.name, offer.version, offer.type, offer.summary) for offer in found])
    else:
        sys.stderr.write(f"no module matches '{pattern}'; python tools/hub.py search lists all\n")
    return 0 if found else 1


def run_install(args, options):
    """Installs a module."""
    from common.hub.home import Home

    home = Home()
    if is_path(args.module):
        folder = home.install(args.module)
    else:
        from common.hub.catalog import find_offer

        folder = home.install_offer(find_offer(args.module, args.index), args.accept_unlicensed)
    sys.stdout.write(f"{folder.parent.name}=={folder.name} is installed: {folder}\n")
    return 0


def run_download(args, options):
    """Writes the package of a module."""
    import tempfile

    from common.hub.archive import pack_module
    from common.hub.catalog import find_offer
    from common.hub.home import Home

    offer = find_offer(args.module, args.index)
    target = Path(args.output_path) / f"{offer.name}-{offer.version}.phm"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        pack_module(Home(place).install_offer(offer, args.accept_unlicensed), target)
    sys.stdout.write(f"{target}\n")
    return 0


def run_list(args, options):
    """Lists the installed modules."""
    from common.hub.card import read_card
    from common.hub.home import Home

    home = Home()
    cards = [read_card(folder) for folder in home.installed()]
    if args.json:
        write_json([{k: getattr(card, k) for k in ("name", "version", "type", "summary")} for card in cards])
    elif cards:
        write_columns([(card.name, card.version, card.type, card.summary) for card in cards])
    else:
        sys.stdout.write(f"no module is installed in {home.root}\n")
    return 0


def run_show(args, options):
    """Shows a card."""
    import dataclasses

    from common.hub.card import read_card
    from common.hub.home import Home

    card = read_card(args.module if is_path(args.module) else Home().find(args.module))
    fields = dataclasses.asdict(card)
    if args.json:
        write_json(fields)
        return 0
    for key, value in fields.items():
        for line in value if isinstance(value, list) else [value]:
            if line and key not in ("files", "parts"):
                text = " ".join(str(v) for v in line.values()) if isinstance(line, dict) else line
                sys.stdout.write(f"{key:<9} {text}\n")
    sys.stdout.write(f"{'files':<9} {len(card.files)}\n")
    return 0


def run_uninstall(args, options):
    """Removes a module."""
    from common.hub.home import Home

    for folder in Home().uninstall(args.module):
        sys.stdout.write(f"{folder.parent.name}=={folder.name} is removed\n")
    return 0


def run_clear(args, options):
    """Removes downloaded packages."""
    import shutil

    from common.weights.download import cache_folder

    folder = cache_folder() / "packages"
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"{size / 1e6:.1f} MB of packages are removed\n")
    return 0


def run_version(args, options):
    """Prints the version."""
    sys.stdout.write("hub 1\n")
    return 0


VERBS = {
    "search": run_search, "install": run_install, "create": run_create, "download": run_download, "list": run_list,
    "show": run_show, "run": run_module, "uninstall": run_uninstall, "clear": run_clear, "serving": run_serving,
    "autofinetune": autofinetune.run_autofinetune, "config": run_config, "version": run_version, "help": run_help,
    "build": run_build,
}  # fmt: skip


def is_path(text):
    """True for a folder or a package, in contrast to the name of a module."""
    return "/" in text or text.endswith((".phm", ".tar.gz", ".tgz")) or text in (".", "..")


def write_json(value):
    """Prints JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_columns(rows):
    """Prints rows in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        sys.stdout.write("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() + "\n")
