"""The context of a module: its inputs, its features, and the program that they stand for, for a fine-tuning."""

import dataclasses

from common.errors import ConfigError
from common.suggest import did_you_mean

INPUTS = {  # part -> the names that people know
    "encoder": ("input_ids", "position_ids", "segment_ids", "input_mask", "task_ids"),
    "backbone": ("image",),
}
OUTPUTS = {"encoder": ("pooled_output", "sequence_output"), "backbone": ("feature_map",)}


class Named(dict):
    """A dict whose missing keys are suggested."""

    def __missing__(self, key):
        raise ConfigError(f"there is no {key!r}{did_you_mean(key, self)}; there are {', '.join(self)}")


@dataclasses.dataclass(frozen=True)
class Variable:
    """An input of a module.

    Args:
        name (str): its name, for `feed_list`.
    """

    name: str


@dataclasses.dataclass(frozen=True)
class Program:
    """The part of a module that is fine-tuned.

    Args:
        module (str): name and version.
        trainable (Trainable): its weights and transforms.
        learns (bool): whether its weights are trained, too, or those of the task alone.
        pretrained (bool): whether the task starts from its weights, or from random ones.
        max_seq_len (int): tokens of a text at most.
    """

    module: str
    trainable: object
    learns: bool = True
    pretrained: bool = True
    max_seq_len: int = 128


@dataclasses.dataclass(frozen=True)
class Feature:
    """An output of a module, on which a task is built.

    Args:
        name (str): such as `pooled_output`.
        program (Program): of the module.
    """

    name: str
    program: Program


def context_of(program):
    """(inputs, outputs, program) of a module: Variables by name, Features by name, the Program."""
    part = program.trainable.part
    inputs = Named({name: Variable(name) for name in INPUTS[part]})
    return inputs, Named({name: Feature(name, program) for name in OUTPUTS[part]}), program
