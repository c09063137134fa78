"""Which kit a configuration belongs to, and which file the path after `-c` or `_base_:` means."""

from collections import Counter
from pathlib import Path

from common.config.yaml import shown
from common.errors import ConfigError
from common.suggest import did_you_mean, nearest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("PaddleCV", "PaddleNLP", "PaddleRec", "PaddleSpeech", "PaddleSlim")
METHODS = "PaddleSlim"  # the kit of the ways to make a model smaller
APART = ("_base_", "tiny")  # folders of `configs/` that a path names, so that a stem in them may occur outside as well


def is_kit(folder):
    """A kit is a folder that has `models/` and `configs/`."""
    folder = Path(folder)
    return (folder / "models").is_dir() and (folder / "configs").is_dir()


def shipped_kits():
    """The folders of the five kits, those that are here."""
    return [ROOT / name for name in SHIPPED if is_kit(ROOT / name)]


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
        raise ConfigError(f"{shown(path)}: this file is in no kit; write which one at its top, such as `kit: PaddleCV`")
    return found


def find_config(path, default_kit=None):
    """The file that `-c path` means: from the current folder, the kit in use, the repository, one of the five kits.

    The first of these places that has it is taken.  In each of them `configs/NAME.yml` also means the only NAME.yml in
    the folders of `configs/`, see :func:`matches`.

    Args:
        path (str | Path): as it was typed.
        default_kit (str | Path): the kit in use, such as that of the script that runs.

    Returns:
        Path: absolute.

    Raises:
        ConfigError: there is none, or several files are meant.
    """
    if not str(path):
        raise ConfigError("-c: write which configuration, such as -c configs/yolov3.yml")
    given = Path(path)
    if given.is_dir():
        raise ConfigError(f"{path}: this is a folder, not a configuration{similar(given, [default_kit])}")
    found = _look_up(given, [Path(), default_kit], path)
    if found is None:
        raise ConfigError(f"{path}: there is no such configuration{similar(given, [default_kit])}")
    return found


def find_base(name, file, kits, place):
    """The file that `_base_: name` means: from the folder of the file it stands in, then as `-c` finds it.

    Args:
        name (str): as it was written.
        file (Path): the configuration that names it.
        kits (list[Path | None]): the kits in use, which are tried before the five.
        place (str): where it was written.

    Raises:
        ConfigError: there is none, or several files are meant.
    """
    found = _look_up(Path(name), [file.parent, *kits], f"{place}: the base {name}")
    if found is None:
        beside = (file.parent / name).parent
        near = did_you_mean(Path(name).name, [f.name for f in beside.glob("*.y*ml")]) or similar(Path(name), kits)
        raise ConfigError(f"{place}: the base {name} does not exist in {shown(file.parent)}{near}")
    return found


def matches(path):
    """The files that a path means in one place: itself, or those in deeper folders of its `configs/` that end like it.

    `configs/yolov3.yml` means `configs/detection/yolov3.yml`, `configs/distill/x.yml` means
    `configs/classification/distill/x.yml`.  Files below `configs/tiny/` and `configs/_base_/` are meant only by paths
    that begin with these: `configs/tiny/yolov3.yml` means `configs/tiny/detection/yolov3.yml`.
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
    """True for a configuration below `configs/tiny/`, the place of the twins that train in seconds."""
    _, rest = _split(file)
    return len(rest) > 1 and rest[0] == "tiny"


def _split(path):
    """(the last folder `configs` of a path, the parts of the path below it); no parts where there is none."""
    parts = Path(path).parts
    if "configs" not in parts[:-1]:
        return Path(path), ()
    cut = len(parts) - parts[-2::-1].index("configs") - 1
    return Path(*parts[:cut]), parts[cut:]


def _look_up(given, places, label):
    """The file that a path means in the first place that has it, the repository and the five kits last; or None.

    Raises:
        ConfigError: several files are meant.
    """
    for group in (*([place] for place in (*places, ROOT) if place is not None), shipped_kits()):
        found = list(dict.fromkeys(file.resolve() for place in group for file in matches(Path(place) / given)))
        if len(found) > 1:
            names = ", ".join(shown(file) for file in found)
            raise ConfigError(f"{label}: more than one configuration has this name; write which: {names}")
        if found:
            return found[0]
    return None


def similar(path, kits=()):
    """`; did you mean ...?` with the existing configurations most like a path, as they are written after `-c`.

    Args:
        path (Path): what was written.
        kits (list[str | Path | None]): kits to look in beside the five and that of the path itself.
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
    return "; look into the configs/ folder of the kits" if known else ""


def short_names(folder):
    """{what is written after `-c`: file} of the configurations of a kit, the tiny ones last; bases are left out."""
    files = [f for f in (folder / "configs").rglob("*.y*ml") if f.is_file() and _split(f)[1][0] != "_base_"]
    files = sorted(files, key=lambda file: (is_tiny(file), file))
    short = {file: f"configs/{'tiny/' if is_tiny(file) else ''}{file.name}" for file in files}
    count = Counter(short.values())
    return {name if count[name] == 1 else file.relative_to(folder).as_posix(): file for file, name in short.items()}
