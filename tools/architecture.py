"""Checks the dependency rules of the packages, and prints the packages of `common/` by layer with their imports.

    python tools/architecture.py             # the table; exit code 1 and a list where a rule is broken
    python tools/architecture.py --files     # how many files of the project each file imports, most first

The rules: a package imports packages on lower floors only, so there is no circle; a domain does not import another one;
no file of `common/` lies outside a floor; a kit imports `common` and, relatively, itself; a file imports at most 15
files of the project.  Imports inside functions count like those at the top.  docs/architecture.md describes the floors.
"""

import argparse
import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOORS = (  # from the bottom: packages of common/, and the files that lie directly in it
    ("errors", "interpreter", "log", "regular", "suggest"),
    ("files", "contract", "config", "system", "data"),
    ("vision", "text", "layers", "optim", "weights"),
    ("build", "audio", "table"),
    ("inference",),
    ("export", "baselines"),
    ("training", "testing"),
    ("search", "hub", "elastic"),
    ("commands", "api"),
)
STRANGERS = {"audio": {"vision"}, "table": {"vision"}, "build": {"vision", "text"}}  # lower, and still not imported
KITS = tuple(sorted(folder.name for folder in ROOT.glob("Paddle*") if (folder / "models").is_dir()))
MAX_IMPORTS = 15
MORE_IMPORTS = {}  # this list only shrinks


def sources(root=ROOT):
    """The Python files of `common/` and of the kits, tests left out."""
    folders = [root / name for name in ("common", *KITS)]
    return sorted(f for folder in folders for f in folder.rglob("*.py") if "tests" not in f.relative_to(root).parts)


def imports(file, root=ROOT):
    """The modules that a file imports, anywhere in it: {dotted name: line}, relative ones resolved."""
    package = list(file.relative_to(root).parts[:-1])
    found = {}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *((node.module or "").split(".") if node.module else [])])
            for alias in node.names:
                inner = root.joinpath(*module.split("."), alias.name)
                whole = inner.with_suffix(".py").is_file() or inner.is_dir()
                found[f"{module}.{alias.name}" if whole else module] = node.lineno
    return found


def package_of(module):
    """`training` of `common.training.trainer`; the name of the file for one directly in common."""
    return [*module.split("."), ""][1]


def examine(root=ROOT):
    """(packages of common: {name: (lines, {imported package})}, {file: imported files}, what breaks a rule)."""
    floor = {name: number for number, names in enumerate(FLOORS, 1) for name in names}
    packages, fan_out, wrong = {}, {}, []
    for file in sources(root):
        name, found = file.relative_to(root).as_posix(), imports(file, root)
        top, *rest = file.relative_to(root).with_suffix("").parts
        ours = {m: line for m, line in found.items() if m.split(".")[0] in ("common", *KITS)}
        fan_out[name] = sorted(m for m in ours if m.count("."))
        wrong += [f"{name}:{n}: imports the kit {m}" for m, n in ours.items() if m.split(".")[0] not in ("common", top)]
        if len(fan_out[name]) > MORE_IMPORTS.get(name, MAX_IMPORTS):
            wrong.append(f"{name}: imports {len(fan_out[name])} files of the project; {MAX_IMPORTS} at most")
        if top != "common" or rest == ["__init__"]:
            continue
        here = rest[0]
        if here not in floor:
            wrong.append(f"{name}: '{here}' has no floor")
            continue
        lines, known = packages.get(here, (0, set()))
        others = {package_of(m): n for m, n in ours.items() if m.startswith("common.")}
        others.pop(here, None)
        packages[here] = (lines + len(file.read_text(encoding="utf-8").splitlines()), known | set(others))
        for other, line in others.items():
            if floor.get(other, 99) >= floor[here]:
                wrong.append(f"{name}:{line}: {here} (floor {floor[here]}) imports {other} (floor {floor.get(other)})")
            elif other in STRANGERS.get(here, ()):
                wrong.append(f"{name}:{line}: {here} does not know {other}")
    return packages, fan_out, wrong


def table(packages):
    """The packages by floor, from the top, as lines."""
    for number, names in reversed(list(enumerate(FLOORS, 1))):
        for name in names:
            if name in packages:
                lines, others = packages[name]
                yield f"{number}  {name:<10} {lines:>6}  {' '.join(sorted(others))}"


def main(argv=None):
    """Prints, and returns 1 where a rule is broken."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", action="store_true", help="how many files each file imports")
    args = options.parse_args(argv)
    packages, fan_out, wrong = examine()
    if args.files:
        for name, found in sorted(fan_out.items(), key=lambda item: -len(item[1])):
            sys.stdout.write(f"{len(found):>3}  {name}\n")
    else:
        total = sum(lines for lines, _ in packages.values())
        sys.stdout.write("floor  package  lines  imports\n" + "\n".join(table(packages)) + "\n")
        sys.stdout.write(f"{len(packages)} packages, {total} lines, {len(wrong)} rules broken\n")
    for text in wrong:
        sys.stderr.write(f"error: {text}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
