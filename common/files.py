"""Reading text files and standard input; encoding errors are reported with file, line and byte.

A path may also be `package:NAME/path/inside`: a data file of an installed Python package, which is located without
importing it.
"""

import gzip
import importlib.util
import json
import re
import sys
from pathlib import Path

from common.errors import BadSample, ConfigError, DataError, DataIssue, EnvironmentProblem
from common.regular import check_regular
from common.suggest import did_you_mean

PACKAGE = "package:"
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
JSON_TOKEN = re.compile(r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"|[{}]', re.DOTALL)
INSTALL = {"LAC": "pip install 'setuptools<81' wheel && pip install --no-deps --no-build-isolation lac==2.1.2"}


def find_file(path):
    """Resolves the path of a file or folder (Path).

    Args:
        path (str): as written in a configuration; `package:NAME/...` refers to an installed package.

    Raises:
        EnvironmentProblem: the package is not installed.
        ConfigError: the package has no such file.
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
        raise ConfigError(f"{text}: the installed package {name} has no file {inside}{near}")
    return found


def read_lines(path, encoding=None):
    """The lines of a text file without line terminators.

    A byte-order mark is dropped, `\\r\\n` and `\\n` both terminate a line, a trailing empty line is not counted.

    Args:
        path (str | Path): the file, see :func:`find_file`.
        encoding (str | None): utf-8, gbk, ..., as the configuration names it; None for UTF-8 where it names none.

    Returns:
        list[str]: line k + 1 of the file at index k.

    Raises:
        DataError: the file is missing, or a byte is invalid in this encoding; names the line and the byte.
    """
    file = find_file(path)
    try:
        check_regular(file)
        data = file.read_bytes()
    except FileNotFoundError:
        near = did_you_mean(file.name, [p.name for p in file.parent.glob("*")]) if file.parent.is_dir() else ""
        raise DataError(str(DataIssue("D104", "error", str(path), f"no such file{near}"))) from None
    except OSError as error:
        raise DataError(str(DataIssue("D104", "error", str(path), f"cannot be read: {error.strerror}"))) from None
    text = decode_text(data, path, encoding)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def read_packed_lines(path, encoding=None):
    """The lines of a text file, of a `.gz` file after decompression; raises DataError as `read_lines`."""
    if not str(path).endswith(".gz"):
        return read_lines(path, encoding)
    try:
        data = gzip.decompress(find_file(path).read_bytes())
    except FileNotFoundError:
        raise DataError(str(DataIssue("D104", "error", str(path), "no such file"))) from None
    except (OSError, EOFError) as error:
        raise DataError(str(DataIssue("D112", "error", str(path), f"not a file of gzip: {error}"))) from None
    return decode_text(data, path, encoding).removesuffix("\n").split("\n")


def decode_text(data, path, encoding=None):
    """Decodes bytes to text; a byte-order mark is dropped. Arguments as in :func:`read_lines`.

    Raises:
        BadSample: a byte is invalid in this encoding; names the line, the byte and an encoding to try.
        ConfigError: unknown encoding.
    """
    named, encoding = encoding is not None, encoding or "utf-8"
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
            f"byte {byte} is not valid {encoding}",
            place=f"line {line}, byte {column}",
            fix=f"save the file as UTF-8: iconv -f {hint} -t utf-8 {path}"
            + (f", or configure its encoding, such as encoding: {hint}" if named else ""),
        )
        raise BadSample(issue) from None


class DuplicateKey(json.JSONDecodeError):
    """A key that is written twice in one object of a JSON text, at the second one; `key` is its name."""

    def __init__(self, key, first, text, position):
        line = text.count("\n", 0, first) + 1
        super().__init__(f"key '{key}' is there twice in one object, first on line {line}", text, position)
        self.key = key


def parse_json(text):
    """The value of a JSON text; unlike `json.loads`, a key that is written twice is an error instead of the last one.

    Raises:
        DuplicateKey: with line and column of the second key.
        json.JSONDecodeError: the text is not JSON.
    """
    return json.loads(text, object_pairs_hook=lambda pairs: unique_keys(pairs, text))


def unique_keys(pairs, text):
    """The dict of a JSON object; raises DuplicateKey."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    opened = [{}]  # by object: key -> its position
    for token in JSON_TOKEN.finditer(text):
        mark = token.group()[0]
        if mark == "{":
            opened.append({})
        elif mark == "}":
            opened.pop()
        elif token["key"]:
            key = json.loads(token["key"])
            if key in opened[-1]:
                raise DuplicateKey(key, opened[-1][key], text, token.start())
            opened[-1][key] = token.start()
    return found


def replace_controls(text):
    """Replaces every control character with a space; returns (text, True if there was one)."""
    cleaned = CONTROL.sub(" ", text)
    return cleaned, cleaned is not text and cleaned != text


def has_lone_surrogate(text):
    """True if a text contains an unpaired surrogate, which cannot be encoded."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def files_below(folder, suffixes, what):
    """The paths (list[str]) of the files in a folder and its subfolders that have one of the suffixes, sorted.

    Args:
        folder (str | Path): searched.
        suffixes (Iterable[str]): in lower case, with their dots.
        what (str): what such files are, for the message.

    Raises:
        DataError: no file has one of the suffixes.
    """
    files = sorted(str(path) for path in Path(folder).rglob("*") if path.suffix.lower() in suffixes)
    if not files:
        raise DataError(f"{folder}: the folder contains no {what} ({', '.join(sorted(suffixes))})")
    return files


def read_standard_input(what):
    """Reads standard input: the content of one file, or paths, one per line.

    Args:
        what (str): the kind of file for messages, such as `an image`.

    Returns:
        tuple[list[bytes | str], bool]: the content or the paths, and True if they are paths.

    Raises:
        DataError: standard input is empty.
    """
    data = sys.stdin.buffer.read()
    if not data:
        raise DataError(f"standard input is empty; expected {what}, or one path per line")
    try:
        paths = [line.strip() for line in data.decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        return [data], False
    return ([data], False) if b"\0" in data else (paths, True)
