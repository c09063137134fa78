"""Selection of layers by dotted names with wildcards, and recording of their outputs."""

import fnmatch

from common.errors import ConfigError
from common.suggest import nearest


def find_layers(model, pattern, what):
    """The names of the layers that match a pattern, in the order of the model.

    Args:
        model (nn.Layer): the student or its teacher.
        pattern (str): a dotted name, such as `backbone.stages.3`; `*` matches anything, `?` one character.
        what (str): `student` or `teacher`, for the message.

    Raises:
        ConfigError: no layer matches; suggests the nearest names.
    """
    names = [name for name, _ in model.named_sublayers()]
    found = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        close = nearest(pattern, names, 3) or names[:6]
        raise ConfigError(f"slim: the {what} has no layer '{pattern}'; it has {', '.join(close)}, ...")
    return found


class Recorder:
    """Records the outputs of layers with forward hooks.

    Args:
        model (nn.Layer): the student or its teacher.
        names (list[str]): dotted names of the layers.
        what (str): `student` or `teacher`, for messages.
        is_enabled (Callable): whether to record the current pass.
    """

    def __init__(self, model, names, what, is_enabled=lambda: True):
        self.what, self.outputs, self.is_enabled = what, {}, is_enabled
        layers = dict(model.named_sublayers())
        for name in dict.fromkeys(names):
            layers[name].register_forward_post_hook(self.make_hook(name))

    def make_hook(self, name):
        """The forward hook of a layer."""

        def record(layer, inputs, output):
            if self.is_enabled():
                self.outputs[name] = list(output) if isinstance(output, list | tuple) else [output]

        return record

    def take(self):
        """Returns the :class:`Features` of the last pass and forgets them."""
        found, self.outputs = self.outputs, {}
        return Features(found, self.what)


class Features:
    """The outputs of layers in one forward pass.

    Args:
        outputs (dict): name -> list of tensors.
        what (str): `student` or `teacher`.
    """

    def __init__(self, outputs, what):
        self.outputs, self.what = outputs, what

    def tensors(self, name):
        """The output tensors of a layer.

        Raises:
            ConfigError: the pass did not run the layer.
        """
        if name not in self.outputs:
            raise ConfigError(
                f"slim: the {self.what}'s layer '{name}' is not used in its forward pass; name another one"
            )
        return self.outputs[name]
