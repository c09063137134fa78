"""The synthetic datasets of the tests of the whole project."""

from tests.conftest import made_sets  # noqa: F401
