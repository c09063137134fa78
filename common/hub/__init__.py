"""Modules: exported models with a card, packed, installed, run in one line, fine-tuned and served."""


def __getattr__(name):
    """`hub.Module`, imported when it is used: the packages of modules need no PaddlePaddle."""
    if name == "Module":
        from common.hub.module import Module

        return Module
    raise AttributeError(f"common.hub has no '{name}'")
