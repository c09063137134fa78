"""Separate optimizers for the parts of one model, such as the generator and the discriminator of a GAN.

    optimizer:
      type: Several
      parts:
        generator: {type: Adam, lr: 2e-4, beta1: 0.5}
        discriminator: {type: Adam, lr: 2e-4, beta1: 0.5}

A part has the name of a sublayer of the model and updates its parameters; each has its own schedule.
"""

import contextlib
from dataclasses import dataclass

from common.errors import ConfigError
from common.optim.optimizers import Optimizer
from common.suggest import did_you_mean
from common.system.distributed import world_size


@dataclass(kw_only=True)
class Several:
    """An optimizer for each named part of a model.

    Args:
        parts (dict[str, Optimizer]): name of a sublayer -> its optimizer; the log shows the first one's learning rate
            as lr.
    """

    parts: dict[str, Optimizer]

    def __post_init__(self):
        if not self.parts:
            raise ValueError("Several got no parts; give one optimizer for each part of the model")
        self.schedule = SeveralSchedules({name: part.schedule for name, part in self.parts.items()})

    def build(self, model):
        """The optimizers of a model's parameters (SeveralOptimizers).

        Raises:
            ConfigError: a part is no sublayer of the model, or a parameter belongs to no part.
        """
        known = [name for name, _ in model.named_children()]
        for name in self.parts:
            if name not in known:
                raise ConfigError(
                    f"optimizer.parts: {type(model).__name__} has no sublayer '{name}'{did_you_mean(name, known)}; "
                    f"it has {', '.join(known)}"
                )
        members = {name: {} for name in self.parts}
        for name, parameter in model.named_parameters():
            part = name.partition(".")[0]
            if part in members:
                members[part][name] = parameter
            elif not parameter.stop_gradient:
                raise ConfigError(f"optimizer.parts: no part updates {name}; the parts are {', '.join(self.parts)}")
        return build_several(self.parts, model, members)


def build_several(optimizers, model, members):
    """The optimizers of disjoint sets of parameters.

    Args:
        optimizers (dict[str, Optimizer]): by the name of the part.
        model (nn.Layer): whose parameters are updated.
        members (dict[str, dict[str, Parameter]]): by the name of the part, then by structured name.
    """
    from common.optim.grouped import build_grouped

    return SeveralOptimizers({name: build_grouped(optimizers[name], model, members[name]) for name in optimizers})


class SeveralOptimizers:
    """Optimizers that share the interface of one.

    Args:
        parts (dict[str, GroupedOptimizer]): by name, of disjoint parameters.
    """

    def __init__(self, parts):
        self.parts = parts
        self.kind = " and ".join(part.kind for part in parts.values())
        self.parameters = {name: value for part in parts.values() for name, value in part.parameters.items()}

    def parts_named(self, names):
        """The optimizers of these parts alone (SeveralOptimizers)."""
        return SeveralOptimizers({name: self.parts[name] for name in names})

    @contextlib.contextmanager
    def alone(self, name):
        """Context manager in which only the parameters of this part receive gradients, in a run of one process.

        With several processes all receive them, and `clear` discards the rest: a parameter whose `stop_gradient` was
        set and unset has lost the hook of DataParallel, and its gradient would silently stay in its process.
        """
        held = [p for part, group in self.parts.items() if part != name for p in group.parameters.values()]
        rest = [parameter for parameter in held if not parameter.stop_gradient] if world_size() == 1 else []
        for parameter in rest:
            parameter.stop_gradient = True
        try:
            yield
        finally:
            for parameter in rest:
                parameter.stop_gradient = False

    def step(self, lr):
        """Updates every weight that has a gradient; `lr` is the learning rate of each part (dict of floats)."""
        for name, part in self.parts.items():
            part.step(lr[name])

    def clear(self):
        """Clears the gradients."""
        for part in self.parts.values():
            part.clear()

    def gradients(self):
        """The gradients that exist (list of Tensor)."""
        return [gradient for part in self.parts.values() for gradient in part.gradients()]

    def state(self):
        """The state for checkpoints: (arrays by name, JSON values)."""
        found = {name: part.state() for name, part in self.parts.items()}
        arrays = {key: value for named, _ in found.values() for key, value in named.items()}
        return arrays, {"kind": self.kind} | {name: state for name, (_, state) in found.items()}

    def load(self, arrays, state):
        """The inverse of :meth:`state`.

        Raises:
            ConfigError: the state is of other optimizers or does not fit the parameters.
        """
        if state["kind"] != self.kind or not self.parts.keys() <= state.keys():
            have = f"{self.kind} of {', '.join(self.parts)}"
            raise ConfigError(f"the checkpoint holds the state of {state['kind']}, but the optimizer is {have}")
        owner = {key: name for name, part in self.parts.items() for key in part.parameters}
        first = next(iter(self.parts))
        for name, part in self.parts.items():  # arrays of no part go to the first, which rejects them
            own = {k: v for k, v in arrays.items() if owner.get(k.rpartition("/")[0], first) == name}
            part.load(own, state[name])


class SeveralSchedules:
    """The schedules of several optimizers, bound and scaled together; they give a learning rate for each.

    Args:
        schedules (dict[str, Schedule]): by the name of the part.
    """

    def __init__(self, schedules):
        self.schedules = schedules

    def bind(self, steps_per_epoch, total_steps):
        """Binds every schedule to the length of an epoch and of the run. Returns the schedules."""
        for schedule in self.schedules.values():
            schedule.bind(steps_per_epoch, total_steps)
        return self

    def scale(self, factor):
        """Multiplies every learning rate. Returns the schedules."""
        for schedule in self.schedules.values():
            schedule.scale(factor)
        return self

    def turns(self):
        """{name: step} of all schedules, see :meth:`common.optim.schedules.Schedule.turns`."""
        return {f"{name}: {turn}": step for name, s in self.schedules.items() for turn, step in s.turns().items()}

    def warmup_length(self):
        """Updates of the shortest warm-up."""
        return min(schedule.warmup_length() for schedule in self.schedules.values())

    def rate(self, step):
        """The learning rate of each part after its warm-up (dict of floats)."""
        return {name: s.rate(max(step, s.warmup_length())) for name, s in self.schedules.items()}

    def at(self, step):
        """The learning rate of each part at update `step` (dict of floats)."""
        return {name: schedule.at(step) for name, schedule in self.schedules.items()}
