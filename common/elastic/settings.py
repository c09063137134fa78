"""The configuration of a run of several processes: reading, checking, optimizers; none of it imports PaddlePaddle."""

from common.config.config import load_config
from common.errors import ConfigError


def read_config(path):
    """The checked configuration of a run, from the file that it wrote."""
    config = load_config(path)
    config.check()
    return config


def check_elastic(config):
    """Raises ConfigError where the settings of a configuration mean nothing in a training by several processes."""
    train = config.settings("train")
    for name, allowed in (("accumulate", 1), ("amp", False), ("ema", None), ("freeze", []), ("max_steps", 0)):
        if getattr(train, name) != allowed:
            raise ConfigError(f"{config.place(f'train.{name}')}: tools/elastic.py does not support train.{name}")
    if config.get("optimizer.type", None) != "DenseAndSparse":
        raise ConfigError(f"{config.place('optimizer')}: tools/elastic.py needs optimizer: {{type: DenseAndSparse}}")
    for name in ("trainer", "slim"):
        if config.get(name, None) is not None:
            raise ConfigError(f"{config.place(name)}: tools/elastic.py does not support {name}:")


def build_optimizers(config):
    """The settings `optimizer.dense` and `optimizer.sparse` with bound schedules (DenseAndSparse)."""
    settings = config.build("optimizer")
    try:
        settings.schedule.bind(None, None)
        settings.schedule.rate(settings.schedule.warmup_length())
    except ValueError as error:
        raise ConfigError(f"{config.place('optimizer')}: {error}; a stream has no known length") from None
    return settings
