"""The configuration of a run: read, merged, checked, built."""

from common.config.config import Config, load_config  # noqa: F401
