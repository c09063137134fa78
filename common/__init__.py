"""The runtime that every kit shares; docs/architecture.md shows its packages by floor. Imports no kit."""

from common import interpreter  # noqa: F401  first of all: may start the script again in .venv
