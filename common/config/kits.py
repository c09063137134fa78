"""Which kit a configuration belongs to, and where a configuration is."""

from pathlib import Path

from common.config.yaml import shown
from common.errors import ConfigError
from common.suggest import nearest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("PaddleCV", "PaddleNLP", "PaddleRec", "PaddleSpeech", "PaddleSlim")
METHODS = "PaddleSlim"  # the kit of the ways to make a model smaller


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
    """The file that `-c path` means: from the current folder, then of the kit in use, then of one of the five kits.

    Raises:
        ConfigError: there is none, or several kits have one.
    """
    if not str(path):
        raise ConfigError("-c: write which configuration, such as -c configs/yolov3.yml")
    given = Path(path)
    if given.is_file():
        return given.resolve()
    if given.is_dir():
        raise ConfigError(f"{path}: this is a folder, not a configuration{_near(given, default_kit)}")
    if not given.is_absolute():
        if default_kit and (Path(default_kit) / given).is_file():
            return (Path(default_kit) / given).resolve()
        found = [kit / given for kit in shipped_kits() if (kit / given).is_file()]
        if len(found) > 1:
            names = ", ".join(shown(f) for f in found)
            raise ConfigError(f"{path}: more than one kit has it; write which: {names}")
        if found:
            return found[0].resolve()
    raise ConfigError(f"{path}: there is no such configuration{_near(given, default_kit)}")


def _near(path, default_kit):
    """The names of existing configurations that are most like `path`."""
    kits = {Path(k).resolve() for k in (*shipped_kits(), *([default_kit] if default_kit else []))}
    above = kit_above(Path.cwd() / path)
    kits |= {above} if above else set()
    known = {}
    for kit in kits:
        for file in (kit / "configs").rglob("*.y*ml"):
            if "_base_" not in file.parts and file.is_file():
                known[file.relative_to(kit).as_posix()] = file
    beside = [file for file in path.parent.glob("*.y*ml") if file.is_file()] if path.parent.is_dir() else []
    known |= {f.as_posix(): f for f in beside}
    stems = [path.stem, *nearest(path.stem, [Path(n).stem for n in known], 3)]
    close = [n for stem in stems for n in known if Path(n).stem == stem][:3]
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return "; look into the configs/ folder of the kits" if known else ""
