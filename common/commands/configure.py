"""`tools/configure.py`: lists and explains components, analyzes configurations, and generates new ones."""

import sys
import textwrap
from pathlib import Path

from common.commands.generate import generate, shorten
from common.commands.main import run_command
from common.commands.parser import Parser
from common.config import check as config_check
from common.config import kits as kit
from common.config import load_config
from common.config import sections as settings
from common.config.components import components, kind_of
from common.config.namespace import Namespace
from common.config.overrides import to_inline_yaml
from common.config.tree import Items, Node, children, to_plain
from common.config.types import type_in_words
from common.config.yaml import display_path
from common.errors import ConfigError
from common.suggest import did_you_mean

EXAMPLES = """examples:
  python tools/configure.py list backbones
  python tools/configure.py help YOLOv3Head
  python tools/configure.py help train
  python tools/configure.py analyze configs/yolov3.yml
  python tools/configure.py generate --model YOLOv3 --dataset CocoDetection --out my.yml
"""
SECTIONS = {**settings.SECTIONS, "runtime": settings.Runtime}
ALWAYS_GIVEN = config_check.SAMPLER_GIVEN - config_check.GIVEN | {"seed"}
SAMPLER_WORDS = (
    "A batch sampler, set by `sampler: {type: ...}` beside the `transforms` of data.train (or data.eval).",
    "By default data.train is shuffled into full batches (EpochSampler), data.eval is read in order",
    "(EvaluationSampler), and a stream is read to its end in its own order (StreamSampler).",
)


def parser():
    """The argument parser of the command."""
    options = Parser(prog="configure.py", description=__doc__, epilog=EXAMPLES)
    commands = options.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="list components, one per line")
    listing.add_argument("kind", nargs="?", help="only this kind, such as backbones or transforms")
    helping = commands.add_parser("help", help="explain the arguments of a component or a section")
    helping.add_argument("name", help="such as YOLOv3Head, or train, eval, export, runtime")
    analyzing = commands.add_parser(
        "analyze", help="show a configuration as a tree with its defaults, and all its problems"
    )
    analyzing.add_argument("file", help="such as configs/yolov3.yml")
    analyzing.add_argument("-o", "--override", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    making = commands.add_parser("generate", help="generate a configuration for a model and a dataset")
    making.add_argument("--model", required=True, help="such as YOLOv3")
    making.add_argument("--dataset", required=True, help="such as CocoDetection")
    making.add_argument("--out", metavar="FILE", help="output file (default: standard output)")
    for command in commands.choices.values():
        command.add_argument(
            "--kit", metavar="FOLDER", help="your own kit, such as MyDet, searched before the shipped ones"
        )
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: run_configure(args, default_kit), argv)


def run_configure(args, default_kit=None):
    """Runs the command and returns its exit code."""
    default_kit = kit.named_kit(args.kit, "--kit") if args.kit else default_kit
    kits = list(dict.fromkeys([*([Path(default_kit).resolve()] if default_kit else []), *kit.shipped_kits()]))
    if args.command == "list":
        lines = list_components(kits, args.kind)
    elif args.command == "help":
        lines = explain_component(kits, args.name)
    elif args.command == "analyze":
        config = load_config(args.file, args.override, default_kit)
        checker = config.checker()
        checker.top()
        problems = config_check.format_problems(checker.problems, most=10_000).splitlines()
        sys.stdout.write("\n".join(describe_config(config)) + "\n")
        sys.stderr.write("".join(f"{line}\n" for line in problems))
        return ConfigError.exit_code if problems else 0
    else:
        lines = generate(kits, args.model, args.dataset)
        if args.out:
            return write_new_file(args.out, lines)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def write_new_file(path, lines):
    """Writes a new file; an existing file is an error."""
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except FileExistsError:
        raise ConfigError(f"--out {path}: the file exists; give another name") from None
    except OSError as error:
        raise ConfigError(f"--out {path}: cannot be written: {error.strerror}") from error
    sys.stdout.write(f"wrote {path}; next: python tools/configure.py analyze {path}\n")
    return 0


def list_components(kits, kind=None):
    """One line per component, by kit and kind; the components of `common/` come last.

    Raises:
        ConfigError: there is no such kind.
    """
    lines, kinds = [], set()
    for folder in [*kits, None]:
        namespace = Namespace(folder)
        for name, definitions in components(namespace).items():
            kinds.add(name)
            own = [d for d in definitions if folder is None or d.file.is_relative_to(folder)]
            if own and kind in (None, name):
                lines += ["", f"{folder.name if folder else 'all kits'}: {name}"]
                lines += [f"  {d.name:<24} {shorten(namespace.signature(d).summary, 90)}" for d in own]
    if kind is not None and kind not in kinds:
        hint = did_you_mean(kind, kinds) or f"; the kinds are {', '.join(sorted(kinds))}"
        raise ConfigError(f"there is no kind '{kind}'{hint}")
    return lines[1:]


def explain_component(kits, name):
    """Explains a component or a section, argument by argument.

    Raises:
        ConfigError: the name is unknown.
    """
    if name in SECTIONS:
        kind = SECTIONS[name]
        lines = [f"{name}: {kind.__doc__}", ""]
        for parameter, limits in settings.setting_parameters(kind).values():
            allowed = settings.format_range(limits)
            lines += _argument(parameter, f" Allowed: {allowed}." if allowed else "")
        return lines
    found, names = _find(kits, name), set(SECTIONS)
    if not found:
        for folder in kits or [None]:
            names.update(d.name for d in Namespace(folder).components())
        raise ConfigError(f"there is no '{name}'{did_you_mean(name, names)}")
    return [line for pair in found for line in ["", *_component(*pair)]][1:]


def _find(kits, name):
    """(definition, namespace) of the component of a name, preferably of a kit, and of a task of that name."""
    found = []
    for namespace in map(Namespace, kits or [None]):
        found += [(d, namespace) for d in (namespace.find(name), namespace.tasks.find(name)) if d is not None]
    own = [(d, namespace) for d, namespace in found if namespace.kit and d.file.is_relative_to(namespace.kit)]
    first = {}
    for definition, namespace in [*own, *found]:
        first.setdefault(kind_of(definition, namespace) == "tasks", (definition, namespace))
    return [first[key] for key in sorted(first)]


def _component(definition, namespace):
    """Lines about a component: signature, summary, place, arguments."""
    signature = namespace.signature(definition)
    takes = ", ".join(str(p) for p in signature.parameters)
    lines = [*textwrap.wrap(f"{definition.name}({takes})", 110, subsequent_indent="    "), ""]
    lines += textwrap.wrap(signature.summary, 110)
    lines += ["", f"{display_path(definition.file)}:{definition.line}", ""]
    given = config_check.GIVEN
    if kind_of(definition, namespace) == "samplers":
        given, lines = given | config_check.SAMPLER_GIVEN, [*lines[:-1], *SAMPLER_WORDS, ""]
    return lines + [line for p in signature.parameters for line in _argument(p, given=given)]


def _argument(parameter, more="", given=config_check.GIVEN):
    """Lines about one argument; `given` are names that the program passes."""
    given = parameter.name in given and (parameter.required or parameter.name in ALWAYS_GIVEN)
    default = "passed by the program" if given else "required" if parameter.required else f"default {parameter.default}"
    kind = f" ({type_in_words(parameter.type)})" if parameter.type else ""
    text = parameter.help.rstrip(".")
    words = f"{text[:1].upper()}{text[1:]}.{more}" if text else more.strip()
    return [
        f"  {parameter.name}{kind}: {default}",
        *textwrap.wrap(words, 104, initial_indent="      ", subsequent_indent="      "),
    ]


def describe_config(config):
    """A configuration as a tree of its values and the defaults of all other keys."""
    lines = [f"{display_path(config.path)}: kit {config.kit.name}, name {config.name}"]
    for key, value, _ in children(config.tree):
        if key in settings.SECTIONS and isinstance(value, Node):
            lines += ["", f"{key}:"]
            for parameter, _ in settings.setting_parameters(settings.SECTIONS[key]).values():
                lines.append(_line(parameter, value, "  "))
        else:
            lines += [""] if isinstance(value, Node | Items) or lines[-1].startswith(" ") else []
            lines += _tree(key, value, config.methods if key == "slim" else config.namespace, "")
    return [line for line in lines if line is not None]


def _line(parameter, node, pad):
    """`key = value` of one argument; None if the program passes it."""
    if parameter.name in node:
        return f"{pad}{parameter.name} = {to_inline_yaml(to_plain(node[parameter.name]))}"
    if parameter.required:
        return None
    return f"{pad}{parameter.name} = {parameter.default}    (default)"


def _tree(key, value, namespace, pad):
    """Lines of a value and of everything inside it."""
    if isinstance(value, Items) and any(isinstance(item, Node) for item in value):
        return [f"{pad}{key}:"] + [line for i, x, _ in children(value) for line in _tree(i, x, namespace, pad + "  ")]
    if not isinstance(value, Node):
        return [f"{pad}{key} = {to_inline_yaml(to_plain(value))}"]
    name = value.get("type")
    definition = namespace.find(name) if isinstance(name, str) and name in namespace.names else None
    place = f"    {display_path(definition.file)}:{definition.line}" if definition else ""
    lines = [f"{pad}{key}: {name or ''}{place}".rstrip()]
    parameters = namespace.signature(definition).parameters if definition else ()
    for inner, item, _ in children(value):
        if inner != "type":
            lines += _tree(inner, item, namespace, pad + "  ")
    lines += [_line(p, value, pad + "  ") for p in parameters if p.name not in value]
    return [line for line in lines if line is not None]
