"""Lookup of configuration files (`-c`, `_base_:`) and of the kit that a configuration belongs to."""

from collections import Counter
from pathlib import Path

from common.config.yaml import display_path
from common.errors import ConfigError
from common.suggest import did_you_mean, nearest

ROOT = Path(__file__).resolve().parents[2]
METHODS = "PaddleSlim"  # the kit of the compression methods
APART = ("_base_", "tiny")  # folders of `configs/` that a path names, so that a stem in them may occur outside as well


def is_kit(folder):
    """True for the folder of a kit, which has `models/` and `configs/`."""
    folder = Path(folder)
    return (folder / "models").is_dir() and (folder / "configs").is_dir()


def shipped_kits():
    """The kits beside `common/` whose names begin with `Paddle`, in order; copies have other names."""
    return sorted(folder for folder in ROOT.glob("Paddle*") if is_kit(folder))


def kit_above(path):
    """The nearest folder above a file that is a kit, or None."""
    return next((folder for folder in Path(path).resolve().parents if is_kit(folder)), None)


def named_kit(name, place):
    """The kit that a configuration names by `kit:`: a folder beside common, or a path.

    Raises:
        ConfigError: there is no such kit.
    """
    for folder in (ROOT / str(name), Path(str(name))):
        if is_kit(folder):
            return folder.resolve()
    known = [folder.name for folder in ROOT.iterdir() if is_kit(folder)]
    close = nearest(name, known)
    hint = f"; did you mean '{close[0]}'?" if close else f"; the kits are {', '.join(sorted(known))}"
    raise ConfigError(f"{place}: there is no kit '{name}'{hint}")


def kit_of(path, default=None):
    """The kit of a configuration that does not name one.

    Raises:
        ConfigError: the file is outside every kit and there is no default.
    """
    found = kit_above(path) or (Path(default).resolve() if default else None)
    if found is None:
        raise ConfigError(
            f"{display_path(path)}: this file is outside every kit; name its kit in the file, such as `kit: PaddleCV`"
        )
    return found


def find_config(path, default_kit=None):
    """Finds the file of `-c path`: in the current folder, the kit in use, the repository, then the shipped kits.

    The first match is taken.  In each place `configs/NAME.yml` also matches the only NAME.yml in the subfolders of
    `configs/`, see :func:`matches`.

    Args:
        path (str | Path): as it was typed.
        default_kit (str | Path): the kit in use, such as that of the script that runs.

    Returns:
        Path: absolute.

    Raises:
        ConfigError: no file matches, or several do.
    """
    if not str(path):
        raise ConfigError("-c needs the path of a configuration, such as -c configs/yolov3.yml")
    given = Path(path)
    if given.is_dir():
        raise ConfigError(f"{path}: this is a folder, not a configuration{suggest_configs(given, [default_kit])}")
    found = _look_up(given, [Path(), default_kit], path)
    if found is None:
        raise ConfigError(f"{path}: no such configuration{suggest_configs(given, [default_kit])}")
    return found


def find_base(name, file, kits, place):
    """Finds the file of `_base_: name`: relative to the file that contains it, then as for `-c`.

    Args:
        name (str): as it was written.
        file (Path): the configuration that names it.
        kits (list[Path | None]): the kits in use, which are tried before the shipped ones.
        place (str): where it was written.

    Raises:
        ConfigError: no file matches, or several do.
    """
    found = _look_up(Path(name), [file.parent, *kits], f"{place}: the base {name}")
    if found is None:
        beside = (file.parent / name).parent
        near = did_you_mean(Path(name).name, [f.name for f in beside.glob("*.y*ml")]) or suggest_configs(
            Path(name), kits
        )
        raise ConfigError(f"{place}: the base {name} does not exist in {display_path(file.parent)}{near}")
    return found


def matches(path):
    """The files that match a path in one place: the path itself, or files deeper in its `configs/` that end in it.

    `configs/yolov3.yml` matches `configs/detection/yolov3.yml`, `configs/distill/x.yml` matches
    `configs/classification/distill/x.yml`.  Files below `configs/tiny/` and `configs/_base_/` match only paths that
    begin with these: `configs/tiny/yolov3.yml` matches `configs/tiny/detection/yolov3.yml`.
    """
    if path.is_file():
        return [path]
    folder, rest = _split(path)
    if not rest:
        return []
    is_apart = rest[0] in APART
    end = rest[1:] if is_apart else rest

    def is_meant(parts):
        return parts[-len(end) :] == end and (parts[0] == rest[0] if is_apart else parts[0] not in APART)

    return sorted(f for f in folder.rglob("*.y*ml") if is_meant(f.relative_to(folder).parts) and f.is_file())


def is_tiny(file):
    """True for a configuration below `configs/tiny/`, which holds the tiny twins that train in seconds."""
    _, rest = _split(file)
    return len(rest) > 1 and rest[0] == "tiny"


def _split(path):
    """(the last folder `configs` of a path, the parts of the path below it); no parts without such a folder."""
    parts = Path(path).parts
    if "configs" not in parts[:-1]:
        return Path(path), ()
    cut = len(parts) - parts[-2::-1].index("configs") - 1
    return Path(*parts[:cut]), parts[cut:]


def _look_up(given, places, label):
    """The file that matches a path in the first place with a match, the repository and the shipped kits last; or None.

    Raises:
        ConfigError: several files match.
    """
    for group in (*([place] for place in (*places, ROOT) if place is not None), shipped_kits()):
        found = list(dict.fromkeys(file.resolve() for place in group for file in matches(Path(place) / given)))
        if len(found) > 1:
            names = ", ".join(display_path(file) for file in found)
            raise ConfigError(f"{label}: the name is ambiguous; write one of: {names}")
        if found:
            return found[0]
    return None


def suggest_configs(path, kits=()):
    """`; did you mean ...?` with the existing configurations most similar to a path, in the form that `-c` takes.

    Args:
        path (Path): what was written.
        kits (list[str | Path | None]): kits to look in beside the shipped ones and that of the path itself.
    """
    kits = {Path(folder).resolve() for folder in (*shipped_kits(), *kits, kit_above(Path.cwd() / path)) if folder}
    known = {}
    for folder in sorted(kits):
        known |= short_names(folder)
    beside = [file for file in path.parent.glob("*.y*ml") if file.is_file()] if path.parent.is_dir() else []
    known |= {file.as_posix(): file for file in beside}
    stems = [path.stem, *nearest(path.stem, [Path(name).stem for name in known], 3)]
    names = sorted(known, key=lambda name: is_tiny(name) != is_tiny(path))  # those of the same kind first
    close = [name for stem in stems for name in names if Path(name).stem == stem][:3]
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return "; see the configs/ folder of the kits" if known else ""


def short_names(folder):
    """{argument of `-c`: file} for the configurations of a kit, the tiny ones last; bases are left out."""
    files = [f for f in (folder / "configs").rglob("*.y*ml") if f.is_file() and _split(f)[1][0] != "_base_"]
    files = sorted(files, key=lambda file: (is_tiny(file), file))
    short = {file: f"configs/{'tiny/' if is_tiny(file) else ''}{file.name}" for file in files}
    count = Counter(short.values())
    return {name if count[name] == 1 else file.relative_to(folder).as_posix(): file for file, name in short.items()}
