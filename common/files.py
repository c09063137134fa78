"""Text files, read so that whatever is wrong in one is named by file, line and byte.

A path may also be `package:NAME/inside/of/it`: a file that an installed Python package carries; the package is looked
up and never imported.
"""

import importlib.util
import re
import sys
from pathlib import Path

from common.errors import ConfigError, DataError, DataIssue, EnvironmentProblem
from common.suggest import did_you_mean

PACKAGE = "package:"
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
INSTALL = {"LAC": "pip install setuptools wheel && pip install --no-deps --no-build-isolation lac==2.1.2"}


def find_file(path):
    """The place of a file or folder (Path).

    Args:
        path (str): as written in a configuration; `package:NAME/...` is inside an installed package.

    Raises:
        EnvironmentProblem: the package is not installed.
        ConfigError: the package holds no such file.
    """
    text = str(path)
    if not text.startswith(PACKAGE):
        return Path(text)
    name, _, inside = text.removeprefix(PACKAGE).partition("/")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentProblem(
            f"{text}: the package {name} is not installed\n  fix: {INSTALL.get(name, f'pip install {name}')}"
        )
    found = Path(spec.submodule_search_locations[0]) / inside
    if not found.exists():
        near = did_you_mean(found.name, [p.name for p in found.parent.glob("*")]) if found.parent.is_dir() else ""
        raise ConfigError(f"{text}: the installed {name} holds no {inside}{near}")
    return found


def read_lines(path, encoding="utf-8"):
    """The lines of a text file, without their ends.

    A byte-order mark is dropped, `\\r\\n` and `\\n` both end a line, an empty last line is none.

    Args:
        path (str | Path): the file, see :func:`find_file`.
        encoding (str): utf-8, gbk, ...

    Returns:
        list[str]: line k + 1 of the file at index k.

    Raises:
        DataError: the file is missing, or a byte is not of this encoding; names the line and the byte.
    """
    file = find_file(path)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        near = did_you_mean(file.name, [p.name for p in file.parent.glob("*")]) if file.parent.is_dir() else ""
        raise DataError(str(DataIssue("D104", "error", str(path), f"no such file{near}"))) from None
    except OSError as error:
        raise DataError(str(DataIssue("D104", "error", str(path), f"cannot be read: {error.strerror}"))) from None
    text = decode(data, path, encoding)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def decode(data, path, encoding="utf-8"):
    """Bytes as text; a byte-order mark is dropped.

    Raises:
        DataError: a byte is not of this encoding; names the line, the byte in it, and what to try.
        ConfigError: there is no such encoding.
    """
    try:
        return data.decode("utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding)
    except LookupError:
        raise ConfigError(f"encoding is '{encoding}'; Python knows utf-8, gbk, gb18030, big5, utf-16, ...") from None
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = data.count(b"\n", 0, start) + 1
        column = start - (data.rfind(b"\n", 0, start) + 1) + 1
        try:
            data.decode("gb18030")
            hint = "gb18030"
        except UnicodeError:
            hint = "latin-1"
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            hint = "utf-16"
        byte = f"0x{data[start]:02x}" if start < len(data) else "the end"
        issue = DataIssue(
            "D131",
            "error",
            str(path),
            f"byte {byte} is not {encoding}",
            place=f"line {line}, byte {column}",
            fix=f"save the file as UTF-8, or name its encoding where it is read, such as encoding: {hint}",
        )
        raise DataError(str(issue)) from None


def without_controls(text):
    """The text with a blank for every control character, and whether there was one."""
    cleaned = CONTROL.sub(" ", text)
    return cleaned, cleaned is not text and cleaned != text


def lone_surrogate(text):
    """Whether a text holds half of a surrogate pair, which no encoding can write."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def read_standard_input(what):
    """The bytes of one file, or the paths that are there one a line.

    Args:
        what (str): what the files are, such as `a picture`.

    Returns:
        tuple[list[bytes | str], bool]: what is there, and whether it is paths, of which there may be many.

    Raises:
        DataError: there is nothing.
    """
    data = sys.stdin.buffer.read()
    if not data:
        raise DataError(f"standard input is empty; it takes {what}, or one path a line")
    try:
        paths = [line.strip() for line in data.decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        return [data], False
    return ([data], False) if b"\0" in data else (paths, True)
