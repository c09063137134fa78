"""Parameter groups: one PaddlePaddle optimizer per learning rate and weight decay, gradients clipped over all."""

import fnmatch

import numpy as np
import paddle

from common.errors import ConfigError
from common.optim.fine_tuning import KEYS, StartPoints, block_numbers, check_dense, opening_steps, read_plan
from common.optim.gradients import clip_gradients
from common.optim.tables import table_names
from common.suggest import did_you_mean, nearest
from common.system.distributed import world_size

DENSE_ONLY = ("AdamW", "LARS", "DecayedAdagrad", "Adadelta", "Adamax")  # these cannot read sparse gradients
GROUP_KEYS = ("match", "lr_scale", "layer_decay", "weight_decay", "freeze", *KEYS, "l2_sp")


class GroupedOptimizer:
    """The optimizer of one model.

    Args:
        kind (str): its `type` in the configuration; a state is loaded only into the same kind.
        parameters (dict[str, Parameter]): those it updates, by structured name.
        parts (list): pairs of (framework optimizer, learning rate multiplier).
        clip (dict): at most one of `norm`, `value`, `each_norm`, with its limit.
        opens (dict[str, int]): parameters that are frozen before this update; none when None.
        starts (StartPoints): the weights that some parameters are pulled to; None for none.
    """

    def __init__(self, kind, parameters, parts, clip, opens=None, starts=None):
        self.kind, self.parameters, self.parts, self.clip = kind, parameters, parts, clip
        self.opens, self.starts, self.updates = opens or {}, starts, 0
        self.names = {id(parameter): name for name, parameter in parameters.items()}
        self.open_parameters()

    def step(self, lr):
        """Clips the gradients and updates every weight that has one, at the learning rate `lr` (float)."""
        if self.clip:
            clip_gradients(self.gradients(), **self.clip)
        if self.starts:
            self.starts.pull()
        for optimizer, scale in self.parts:
            if not self.is_closed(self.names[id(optimizer._parameter_list[0])]):
                optimizer.set_lr(lr * scale)
                optimizer.step()
        self.updates += 1
        if self.updates in self.opens.values():
            self.open_parameters()

    def is_closed(self, name):
        """True for a parameter that is not trained yet; all of a part are opened together."""
        return self.opens.get(name, 0) > self.updates

    def open_parameters(self):
        """Computes gradients of the parameters that are trained now, and not of those that are still frozen.

        With several processes all have gradients, which are not used: a parameter whose `stop_gradient` was set and
        unset has lost the hook of DataParallel.
        """
        for name in self.opens if world_size() == 1 else ():
            self.parameters[name].stop_gradient = self.is_closed(name)

    def clear(self):
        """Clears the gradients."""
        for optimizer, _ in self.parts:
            optimizer.clear_grad(set_to_zero=False)

    def gradients(self):
        """The gradients that exist (list of Tensor; the framework's own, so that changing one in place counts)."""
        trained = [p for name, p in self.parameters.items() if not (p.stop_gradient or self.is_closed(name))]
        found = [p._grad_ivar() for p in trained]
        return [gradient for gradient in found if gradient is not None]

    def state(self):
        """({"backbone.conv1.weight/velocity": array, ...}, {"kind": str}): the state for checkpoints."""
        names = {parameter.name: name for name, parameter in self.parameters.items()}
        arrays = {}
        for optimizer, _ in self.parts:
            masters = optimizer._master_weights
            names.update({copy.name: names[of] for of, copy in masters.items()})
            arrays.update({f"{names[of]}/master": copy.numpy() for of, copy in masters.items()})
            for kind, values in optimizer._accumulators.items():
                arrays.update({f"{names[of]}/{kind}": value.numpy() for of, value in values.items()})
        arrays |= self.starts.state() if self.starts else {}
        return arrays, {"kind": self.kind} | ({"updates": self.updates} if self.opens else {})

    def load(self, arrays, state):
        """The inverse of :meth:`state`, in this process or another, to the last bit.

        Raises:
            ConfigError: the state is of another kind of optimizer or does not fit the parameters.
        """
        if state["kind"] != self.kind:
            raise ConfigError(f"the checkpoint holds the state of {state['kind']}, but optimizer.type is {self.kind}")
        self.updates, wanted = state.get("updates", 0), {}
        self.open_parameters()
        arrays = self.starts.load(arrays) if self.starts else arrays
        for key, array in arrays.items():
            name, _, kind = key.rpartition("/")
            wanted.setdefault(name, {})[kind] = array
        unknown = [name for name in wanted if name not in self.parameters]
        if unknown:
            near = did_you_mean(unknown[0], self.parameters)
            raise ConfigError(f"the optimizer's state has '{unknown[0]}', which the model does not train{near}")
        for optimizer, _ in self.parts:
            load_accumulators(optimizer, {p: wanted[name] for name, p in self.parameters.items() if name in wanted})


def load_accumulators(optimizer, wanted):
    """Sets the accumulators of one framework optimizer.

    Args:
        optimizer (paddle.optimizer.Optimizer): just built, or used before.
        wanted (dict): parameter -> {accumulator: array}; parameters of other optimizers are skipped.
    """
    own = {id(parameter) for parameter in optimizer._parameter_list}
    wanted = {parameter: arrays for parameter, arrays in wanted.items() if id(parameter) in own}
    block = paddle.static.default_main_program().global_block()
    optimizer._create_accumulators(block, list(wanted))
    for parameter, arrays in wanted.items():
        master = optimizer._master_weights.get(parameter.name)
        owner = parameter.name if master is None else master.name
        for kind, array in arrays.items():
            target = master if kind == "master" else optimizer._accumulators.get(kind, {}).get(owner)
            if target is None or list(target.shape) != list(array.shape):
                here = "it is missing" if target is None else f"it is {list(target.shape)}"
                raise ConfigError(f"the optimizer's state: {kind} is {list(array.shape)} there, here {here}")
            target.set_value(np.ascontiguousarray(array))


def build_grouped(settings, model, parameters=None):
    """The optimizer that `settings` describes; parameters that are frozen now are left out.

    Args:
        settings (Optimizer): of `common.optim.optimizers`.
        model (nn.Layer): whose parameters are updated.
        parameters (dict[str, Parameter]): only these of them, by structured name; all when None.
    """
    parameters = dict(model.named_parameters()) if parameters is None else parameters
    decay = settings.l1_decay or settings.weight_decay
    usual = {"lr_scale": 1.0, "weight_decay": decay, "freeze": False, "opens": 0, "l2_sp": 0.0}
    plan = {name: dict(usual) for name in parameters}
    for name in match_no_decay(model, settings.no_decay, parameters):
        plan[name]["weight_decay"] = 0.0
    for index, group in enumerate(settings.groups):
        exceptions, matched = read_group(settings, index, group, parameters)
        decay, blocks, unfreeze = (exceptions.pop(key, None) for key in ("layer_decay", "discriminative", "unfreeze"))
        numbers = block_numbers(model, blocks["blocks"]) if blocks else {}
        free = [name for name in matched if not parameters[name].stop_gradient]
        opens = opening_steps(settings, model, unfreeze, free) if unfreeze else {}
        for name in matched:
            plan[name].update(exceptions)
            if decay is not None:
                plan[name]["lr_scale"] *= decay ** layers_above(index, model, name)
            if blocks:
                plan[name]["lr_scale"] /= blocks["factor"] ** numbers[name]
            plan[name]["opens"] = opens.get(name, plan[name]["opens"])
    members = {}
    for name, parameter in parameters.items():
        parameter.stop_gradient = parameter.stop_gradient or plan[name]["freeze"]
        if not parameter.stop_gradient:
            key = tuple(plan[name][key] for key in ("lr_scale", "weight_decay", "opens"))
            members.setdefault(key, {})[name] = parameter
    if not members:
        raise ConfigError(f"optimizer: every parameter of {type(model).__name__} is frozen; there is nothing to train")
    for (_, decay, _), group in members.items():
        check_tables(settings.name, decay, table_names(model, group))
    parts = [
        (settings.make(paddle, list(group.values()), decay), scale) for (scale, decay, _), group in members.items()
    ]
    trained = {name: parameter for group in members.values() for name, parameter in group.items()}
    strengths = {name: plan[name]["l2_sp"] for name in trained if plan[name]["l2_sp"]}
    check_dense(model, strengths)
    opens = {name: plan[name]["opens"] for name in trained if plan[name]["opens"]}
    starts = StartPoints(trained, strengths) if strengths else None
    return GroupedOptimizer(settings.name, trained, parts, settings.clip, opens, starts)


def check_tables(kind, decay, tables):
    """Raises ConfigError where an optimizer cannot update embedding tables with sparse gradients, given by name."""
    if tables and (kind in DENSE_ONLY or (kind == "Adam" and decay)):
        kind = "Adam with weight decay" if kind == "Adam" else kind
        raise ConfigError(
            f"optimizer: {kind} cannot update {tables[0]}, an embedding with sparse gradients\n  "
            "use sparse: false, or SGD, Momentum, Adam without weight decay, Adagrad or FTRL"
        )


def read_group(settings, index, group, parameters):
    """({key: value} of one item of `groups`, the names of the parameters it matches)."""
    where = f"optimizer.groups[{index}]"
    if not isinstance(group, dict) or "match" not in group:
        raise ConfigError(f"{where} is {group!r}; it must be a mapping such as {{match: 'backbone.*', lr_scale: 0.1}}")
    for key in group:
        if key not in GROUP_KEYS:
            raise ConfigError(
                f"{where} has no key '{key}'{did_you_mean(key, GROUP_KEYS)}; it takes {', '.join(GROUP_KEYS)}"
            )
    exceptions = {key: value for key, value in group.items() if key != "match"}
    for key in KEYS:
        if key in exceptions:
            exceptions[key] = read_plan(settings, index, key, exceptions[key])
    for key in ("lr_scale", "layer_decay", "weight_decay", "l2_sp"):
        if key in exceptions:
            settings.check_number(f"groups[{index}].{key}", exceptions[key], least=0)
    if not isinstance(exceptions.get("freeze", False), bool):
        raise ConfigError(f"{where}.freeze is {exceptions['freeze']!r}; it must be true or false")
    return exceptions, match_names(f"{where}.match", group["match"], parameters)


def layers_above(index, model, name):
    """The number of layers of a model above a parameter; the model publishes `layers_above(name)`."""
    if not hasattr(model, "layers_above"):
        raise ConfigError(f"optimizer.groups[{index}].layer_decay: {type(model).__name__} does not publish its layers")
    return model.layers_above(name)


def match_names(where, pattern, parameters):
    """The names that a glob matches; a ConfigError with the nearest names if nothing matches."""
    found = fnmatch.filter(parameters, pattern)
    if not found:
        near = nearest(pattern.replace("*", ""), parameters, 3) or list(parameters)[:3]
        raise ConfigError(f"{where}: '{pattern}' matches no parameter; there are {', '.join(near)}, ...")
    return found


def match_no_decay(model, patterns, parameters):
    """The names of the parameters that `no_decay` excludes from weight decay."""
    found = set()
    for index, pattern in enumerate(patterns):
        if pattern == "bias":
            found.update(name for name in parameters if name.rpartition(".")[2] == "bias")
        elif pattern == "norm":
            norms = [layer for layer in model.sublayers(include_self=True) if "Norm" in type(layer).__name__]
            members = {id(p) for layer in norms for p in layer.parameters(include_sublayers=False)}
            found.update(name for name, p in parameters.items() if id(p) in members)
        else:
            found.update(match_names(f"optimizer.no_decay[{index}]", pattern, parameters))
    return found
