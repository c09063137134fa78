"""The small data sets of the whole project's tests."""

from tests.conftest import made_sets  # noqa: F401
