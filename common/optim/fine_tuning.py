"""Fine-tuning of pretrained weights by layers: keys of `optimizer.groups`, beside those of `common.optim.grouped`.

    groups:
      - {match: "*", discriminative: {blocks: 3, factor: 2.6}}     # the lower a block, the lower its learning rate
      - {match: "*", unfreeze: {blocks: 3, epochs: 1}}             # the top block alone, then one more each epoch
      - {match: "encoder.*", l2_sp: 0.001}                         # pulled to the weights of the start

Discriminative learning rates and gradual unfreezing are those of ULMFiT (https://arxiv.org/abs/1801.06146, section 3.2
and 3.3), whose slanted triangle (eq. 3) is `lr: {type: OneCycle, up_fraction: 0.1, start_divisor: 32, end_divisor: 1,
anneal: linear}`; L2-SP is that of https://arxiv.org/abs/1802.01483, eq. 5. A block is a run of neighboring layers, and
the top one has the output layer.
"""

import paddle

from common.errors import ConfigError
from common.log import logger
from common.optim.tables import table_names
from common.suggest import did_you_mean

KEYS = {  # key of a group -> its own keys with their defaults and least values
    "discriminative": {"blocks": (3, 1), "factor": (2.6, 1)},
    "unfreeze": {"blocks": (3, 1), "epochs": (1, 0)},
}


def read_plan(settings, index, name, value):
    """The keys of `discriminative` or `unfreeze` with their defaults (dict).

    Args:
        settings (Optimizer): for messages.
        index (int): of the group.
        name (str): a key of KEYS.
        value (object): as given.

    Raises:
        ConfigError: it is no mapping, or has a key that is not known.
        ValueError: a number is outside its range.
    """
    where, known = f"optimizer.groups[{index}].{name}", KEYS[name]
    if not isinstance(value, dict):
        example = ", ".join(f"{key}: {default}" for key, (default, _) in known.items())
        raise ConfigError(f"{where} is {value!r}; it must be a mapping such as {{{example}}}")
    for key in value:
        if key not in known:
            raise ConfigError(f"{where} has no key '{key}'{did_you_mean(key, known)}; it takes {', '.join(known)}")
    found = {key: value.get(key, default) for key, (default, _) in known.items()}
    for key, (_, least) in known.items():
        settings.check_number(f"groups[{index}].{name}.{key}", found[key], least=least)
    if not isinstance(found["blocks"], int):
        raise ConfigError(f"{where}.blocks is {found['blocks']!r}; it must be a whole number")
    return found


def block_numbers(model, blocks):
    """The block of every parameter of a model: {name: 0 for the top block, 1 for the one below, ...}.

    Args:
        model (nn.Layer): counts its layers by `layers_above(name)`; without it, layers that have parameters of their
            own count in the order in which they were made.
        blocks (int): of as many layers each as possible; no more than there are layers.
    """
    names = [name for name, _ in model.named_parameters()]
    if hasattr(model, "layers_above"):
        above = {name: model.layers_above(name) for name in names}
    else:
        owners = list(dict.fromkeys(name.rpartition(".")[0] for name in names))
        above = {name: len(owners) - 1 - owners.index(name.rpartition(".")[0]) for name in names}
    levels = {level: place for place, level in enumerate(sorted(set(above.values())))}
    count = min(blocks, len(levels))
    return {name: levels[level] * count // len(levels) for name, level in above.items()}


def opening_steps(settings, model, plan, names):
    """The update from which each of these parameters is trained: {name: step, 0 for the top block}.

    Args:
        settings (Optimizer): whose schedule knows the length of an epoch.
        model (nn.Layer): see :func:`block_numbers`.
        plan (dict): `blocks`, and `epochs` between two of them.
        names (Iterable[str]): parameters.

    Raises:
        ConfigError: the length of an epoch is not known.
    """
    length, total = settings.schedule.steps_per_epoch, settings.schedule.total_steps
    if length is None:
        raise ConfigError("optimizer.groups: unfreeze counts in epochs, and the length of an epoch is not known here")
    numbers = block_numbers(model, plan["blocks"])
    found = {name: round(numbers[name] * plan["epochs"] * length) for name in names}
    late = sum(total is not None and step >= total for step in found.values())
    if late:
        logger.warning(
            "optimizer.groups: unfreeze: the run ends before %d of %d parameters are trained: train longer, or give "
            "fewer blocks",
            *(late, len(found)),
        )
    return found


class StartPoints:
    """The weights at the start of a run, and how strongly each parameter is pulled to them (L2-SP).

    The gradient of `strength / 2 * |w - start|^2` is added to that of the loss, after clipping.

    Args:
        parameters (dict[str, Parameter]): by structured name.
        strengths (dict[str, float]): of those that are pulled.
    """

    def __init__(self, parameters, strengths):
        self.parameters = {name: parameters[name] for name in strengths}
        self.strengths = strengths
        self.starts = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    @paddle.no_grad()
    def pull(self):
        """Adds to every gradient that exists."""
        for name, parameter in self.parameters.items():
            gradient = None if parameter.stop_gradient else parameter._grad_ivar()
            if gradient is not None:
                gradient.add_(((parameter - self.starts[name]) * self.strengths[name]).astype(gradient.dtype))

    def state(self):
        """The start weights, by `name/start` (dict of arrays)."""
        return {f"{name}/start": start.numpy() for name, start in self.starts.items()}

    def load(self, arrays):
        """Takes the start weights out of the arrays of a checkpoint.

        Args:
            arrays (dict[str, ndarray]): of the optimizer.

        Returns:
            dict: the other arrays.

        Raises:
            ConfigError: they are missing or do not fit.
        """
        for name, start in self.starts.items():
            array = arrays.get(f"{name}/start")
            if array is None or list(array.shape) != list(start.shape):
                raise ConfigError(f"the checkpoint has no start weights of {name}, which optimizer.groups l2_sp needs")
            start.set_value(array)
        return {key: array for key, array in arrays.items() if key.removesuffix("/start") not in self.starts}


def check_dense(model, strengths):
    """Raises ConfigError if a parameter that l2_sp pulls is an embedding with sparse gradients."""
    tables = table_names(model, strengths)
    if tables:
        raise ConfigError(f"optimizer.groups: l2_sp cannot pull {tables[0]}, whose gradients are sparse")
