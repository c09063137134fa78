"""The runtime that every kit shares: configuration, data, the loop, checkpoints, export. Imports no kit."""
