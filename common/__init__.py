"""The runtime that every kit shares; docs/architecture.md shows its packages by floor. Imports no kit."""
