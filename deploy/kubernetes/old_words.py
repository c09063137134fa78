"""The files of ElasticCTR: data.config and slot.conf, read as text.

data.config was run by a shell; here its lines are KEY=VALUE and nothing is run, so that a value such as `$(rm -r x)` is
refused instead.
"""

import datetime
import re
from pathlib import Path

from common.errors import ConfigError
from common.files import decode_text
from common.log import logger
from common.regular import check_regular
from common.suggest import did_you_mean

LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(?:\"([^\"]*)\"|'([^']*)'|([^\s\"']*))\s*(?:#.*)?")
HOUR = re.compile(r"[0-9]{8}/[0-9]{2}")
KNOWN = ("HDFS_ADDRESS", "HDFS_UGI", "START_DATE_HR", "END_DATE_HR", "DATASET_PATH", "SPARSE_DIM")
MOST_SLOTS = 10_000


def read_lines(path):
    """The lines of a file without blank ones and comments: [(number, text)]; raises ConfigError or DataError."""
    try:
        check_regular(path)
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    lines = enumerate(decode_text(data, str(path)).splitlines(), 1)
    return [(number, line.strip()) for number, line in lines if line.strip() and not line.strip().startswith("#")]


def read_slots(path):
    """The slots of a slot.conf, a number per line (list[int]); raises ConfigError with the line."""
    found = {}
    for number, line in read_lines(path):
        if not (line.isascii() and line.isdigit()) or int(line) >= 2**63:
            raise ConfigError(f"{path}: line {number}: '{line[:40]}' is no slot; it takes one number per line")
        if int(line) in found:
            raise ConfigError(f"{path}: line {number}: slot {line} is on line {found[int(line)]} already")
        found[int(line)] = number
    if not 0 < len(found) <= MOST_SLOTS:
        raise ConfigError(f"{path}: {len(found)} slots; it takes 1 to {MOST_SLOTS}")
    return list(found)


def read_data_config(path):
    """The values of a data.config (dict[str, str]).

    Raises:
        ConfigError: a line is no KEY=VALUE, has something that a shell would run, or a key is unknown or there twice.
    """
    found = {}
    for number, line in read_lines(path):
        match = LINE.fullmatch(line)
        if match is None:
            raise ConfigError(f"{path}: line {number}: '{line[:40]}' is not KEY=VALUE")
        key, value = match[1], next((text for text in match.groups()[1:] if text is not None), "")
        if re.search(r"[$`;&|<>\\]", value):
            raise ConfigError(
                f"{path}: line {number}: {key} has a character that a shell would act on; nothing is run here"
            )
        if key not in KNOWN:
            raise ConfigError(f"{path}: line {number}: there is no '{key}'{did_you_mean(key, list(KNOWN))}")
        if key in found:
            raise ConfigError(f"{path}: line {number}: {key} is there twice")
        found[key] = value
    return found


def old_overrides(path):
    """The overrides of a configuration that a data.config means (list[str]).

    HDFS_ADDRESS and HDFS_UGI are not used: data are on a volume, whose credentials the cluster keeps.

    Raises:
        ConfigError: see :func:`read_data_config`; or an hour or a number is wrong.
    """
    values = read_data_config(path)
    unused = [key for key in ("HDFS_ADDRESS", "HDFS_UGI") if key in values]
    if unused:
        logger.warning("%s: %s: not used; mount the data as a volume (data_claim)", path, " and ".join(unused))
    found, hours = [], {}
    for key in ("START_DATE_HR", "END_DATE_HR"):
        if key in values:
            try:
                assert_hour(values[key])
                hours[key] = datetime.datetime.strptime(values[key], "%Y%m%d/%H")
            except ValueError:
                raise ConfigError(f"{path}: {key} is '{values[key]}'; it takes an hour such as 20200401/00") from None
    if "START_DATE_HR" in hours:
        found.append(f"data.train.start={values['START_DATE_HR']}")
        if "END_DATE_HR" in hours:
            count = int((hours["END_DATE_HR"] - hours["START_DATE_HR"]).total_seconds()) // 3600 + 1
            if count < 1:
                raise ConfigError(f"{path}: END_DATE_HR is before START_DATE_HR")
            found.append(f"train.epochs={count}")
    if "DATASET_PATH" in values:
        found.append(f"dataset={values['DATASET_PATH']}")
    if "SPARSE_DIM" in values:
        if not values["SPARSE_DIM"].isdigit() or not int(values["SPARSE_DIM"]):
            raise ConfigError(f"{path}: SPARSE_DIM is '{values['SPARSE_DIM']}'; it takes a number of rows above 0")
        found.append(f"num_ids={values['SPARSE_DIM']}")
    return found


def assert_hour(text):
    """Raises ValueError for what is not written as an hour."""
    if not HOUR.fullmatch(text):
        raise ValueError(text)
