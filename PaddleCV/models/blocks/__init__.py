"""Blocks of layers that backbones, necks and heads are built from."""
