"""Configuration of a run: loading, merging, validation, and instantiation of its components."""

from common.config.config import Config, load_config  # noqa: F401
