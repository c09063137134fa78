"""Layers by their dotted names, with wildcards, and what they answered in the last forward pass."""

import fnmatch

from common.errors import ConfigError
from common.suggest import nearest


def find_layers(model, pattern, what):
    """The names of the layers that a pattern means, in the order of the model.

    Args:
        model (nn.Layer): the student or its teacher.
        pattern (str): a dotted name, such as `backbone.stages.3`; `*` stands for anything, `?` for one character.
        what (str): whose layer it is, for the message.

    Raises:
        ConfigError: there is none; names those most like it.
    """
    names = [name for name, _ in model.named_sublayers()]
    found = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        close = nearest(pattern, names, 3) or names[:6]
        raise ConfigError(f"slim: the {what} has no layer '{pattern}'; it has {', '.join(close)}, ...")
    return found


class Recorder:
    """Notes what layers answer.

    Args:
        model (nn.Layer): that has them.
        names (list[str]): of the layers.
        what (str): whose they are, for messages.
        is_wanted (Callable): whether the pass that runs is of interest.
    """

    def __init__(self, model, names, what, is_wanted=lambda: True):
        self.what, self.outputs, self.is_wanted = what, {}, is_wanted
        layers = dict(model.named_sublayers())
        for name in dict.fromkeys(names):
            layers[name].register_forward_post_hook(self.noting(name))

    def noting(self, name):
        """The hook of a layer."""

        def note(layer, inputs, output):
            if self.is_wanted():
                self.outputs[name] = list(output) if isinstance(output, list | tuple) else [output]

        return note

    def take(self):
        """The :class:`Features` of the last pass, which are not kept."""
        found, self.outputs = self.outputs, {}
        return Features(found, self.what)


class Features:
    """What layers answered in one pass.

    Args:
        outputs (dict): name -> list of tensors.
        what (str): whose they are.
    """

    def __init__(self, outputs, what):
        self.outputs, self.what = outputs, what

    def tensors(self, name):
        """The tensors of a layer.

        Raises:
            ConfigError: the pass did not go through it.
        """
        if name not in self.outputs:
            raise ConfigError(f"slim: the {self.what}'s layer '{name}' has no part in its answer; name another one")
        return self.outputs[name]
