"""Settings of the hub that outlive a command, `hub config`: the index of more modules, and what is logged."""

import dataclasses
import json
import logging
from pathlib import Path

from common.errors import ConfigError, EnvironmentProblem
from common.files import parse_json
from common.hub.catalog import read_module_index
from common.hub.home import Home
from common.suggest import did_you_mean

LEVELS = {  # names of `hub config log==LEVEL`
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "nolog": logging.CRITICAL + 1,
}


@dataclasses.dataclass(frozen=True)
class HubSettings:
    """Settings of the hub.

    Args:
        server (str): an index.json with more modules, a path or an address of https; empty for none.
        log (str): least level of messages, a name of LEVELS.
    """

    server: str = ""
    log: str = "info"


def settings_file():
    """The file of the settings (Path)."""
    return Home().root / "conf" / "config.json"


def read_settings():
    """The settings (HubSettings), the defaults where none were set.

    Raises:
        EnvironmentProblem: the file is damaged.
    """
    path = settings_file()
    try:
        found = parse_json(path.read_text(encoding="utf-8"))
        settings = HubSettings(**found)
        if not isinstance(settings.server, str) or settings.log not in LEVELS:
            raise ValueError("a value of another kind")
    except FileNotFoundError:
        return HubSettings()
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise EnvironmentProblem(f"{path}: damaged: {error}\n  fix: python tools/hub.py config reset") from None
    return settings


def change_settings(words):
    """Changes the settings by `reset`, or by `KEY==VALUE` (or `KEY=VALUE`) each; returns the new ones (HubSettings).

    Args:
        words (list[str]): of the command line; without any nothing changes.

    Raises:
        ConfigError: a key or value that is not known; nothing is changed then.
        EnvironmentProblem: the file given as index cannot be read or has another form; nothing is changed then.
    """
    if words == ["reset"]:
        settings_file().unlink(missing_ok=True)
        return HubSettings()
    changed, known = {}, [field.name for field in dataclasses.fields(HubSettings)]
    for word in words:
        key, equals, value = word.partition("=")
        value = value.removeprefix("=")
        if not equals or key not in known:
            raise ConfigError(f"'{word}': write reset, server==URL or log==LEVEL{did_you_mean(key, [*known, 'reset'])}")
        if key == "log" and value not in LEVELS:
            raise ConfigError(f"log=={value}: it takes {', '.join(LEVELS)}{did_you_mean(value, LEVELS)}")
        if key == "server" and "://" in value and not value.startswith("https://"):
            raise ConfigError(f"server=={value}: it takes a path, or an address of https")
        if key == "server" and value and "://" not in value:
            value = str(Path(value).resolve())
            read_module_index(value)
        changed[key] = value
    settings = dataclasses.replace(read_settings(), **changed)
    if changed:
        path = settings_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}")
        draft.write_text(json.dumps(dataclasses.asdict(settings), ensure_ascii=False) + "\n", encoding="utf-8")
        draft.replace(path)
    return settings
