"""Strategies: presets of the optimizer, its schedule and its regularization, for fine-tuning.

Each is a preset of :class:`CombinedStrategy`, and each has a form in YAML: `strategy.optimizer(...)` is the
`optimizer:` section of a configuration.
"""

from common.errors import ConfigError
from common.suggest import did_you_mean

OPTIMIZERS = {
    "adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "momentum": "Momentum", "lamb": "Lamb", "adamax": "Adamax",
    "adagrad": "Adagrad", "decayedadagrad": "DecayedAdagrad", "adadelta": "Adadelta", "rmsprop": "RMSProp",
    "ftrl": "FTRL", "lars_momentum": "LARS", "larsmomentum": "LARS",
}  # fmt: skip
SCHEDULER = {
    "warmup": 0.0,
    "linear_decay": {"start_point": 1.0, "end_learning_rate": 0.0},
    "noam_decay": False,
    "discriminative": {"blocks": 0, "factor": 2.6},
    "gradual_unfreeze": 0,
    "slanted_triangle": {"cut_fraction": 0.0, "ratio": 32},
}
REGULARIZATION = {"L2": 0.0, "L2SP": 0.0, "weight_decay": 0.0}
CLIP = {"GlobalNorm": 0.0, "Norm": 0.0}
WHOLE_RUN = 1.0  # start of a linear decay that never begins


class CombinedStrategy:
    """Any combination of the parts.

    Args:
        optimizer_name (str): adam, sgd, momentum, ...
        learning_rate (float): the highest one.
        scheduler (dict): some of `warmup` (fraction of the run), `linear_decay: {start_point, end_learning_rate}`
            (fraction of the run where it begins), `noam_decay` (True), `discriminative: {blocks, factor}`,
            `gradual_unfreeze` (blocks), `slanted_triangle: {cut_fraction, ratio}`.
        regularization (dict): some of `L2`, `L2SP`, `weight_decay`.
        clip (dict): `GlobalNorm` or `Norm` (of each gradient).

    Raises:
        ConfigError: a key is not known, or two parts exclude each other.
    """

    def __init__(
        self, optimizer_name="adam", learning_rate=1e-4, scheduler=None, regularization=None, clip=None, **ignored
    ):
        self.kind = OPTIMIZERS.get(str(optimizer_name).lower())
        if self.kind is None:
            near = did_you_mean(optimizer_name, OPTIMIZERS)
            raise ConfigError(f"strategy: there is no optimizer '{optimizer_name}'{near}; {', '.join(OPTIMIZERS)}")
        if ignored:
            raise ConfigError(f"strategy: Invalid parameter: {min(ignored)}")
        self.learning_rate = learning_rate
        self.scheduler = completed(scheduler, SCHEDULER, "scheduler")
        self.regularization = completed(regularization, REGULARIZATION, "regularization")
        self.clip = completed(clip, CLIP, "clip")
        decays = {
            "linear_decay": self.scheduler["linear_decay"]["start_point"] < WHOLE_RUN,
            "noam_decay": bool(self.scheduler["noam_decay"]),
            "slanted_triangle": self.scheduler["slanted_triangle"]["cut_fraction"] > 0,
        }
        self.decay = refuse_several("scheduler", decays)
        refuse_several("clip", self.clip)
        refuse_several("regularization", {key: self.regularization[key] for key in ("L2", "weight_decay")})
        if self.decay == "slanted_triangle" and self.scheduler["warmup"]:
            raise ConfigError("strategy: scheduler has warmup and slanted_triangle, which has a warm-up of its own")

    def __repr__(self):
        return f"{type(self).__name__}({self.kind}, learning_rate={self.learning_rate:g})"

    def optimizer(self, part, total_steps=None):
        """The `optimizer:` section of a configuration (dict).

        Args:
            part (str): encoder or backbone: the part with pretrained weights, which L2-SP pulls.
            total_steps (int): updates of the run, which `noam_decay` needs.

        Raises:
            ConfigError: the optimizer has no decoupled weight decay, or `total_steps` is not known.
        """
        kind, rates = self.kind, self.regularization
        if rates["weight_decay"] and kind not in ("Adam", "AdamW", "Lamb"):
            raise ConfigError(f"strategy: weight_decay is for adam and lamb, not for {kind}; give L2 instead")
        found = {"type": "AdamW" if kind == "Adam" and rates["weight_decay"] else kind}
        if rates["weight_decay"]:
            found |= {"weight_decay": rates["weight_decay"], "no_decay": ["bias", "norm"]}
        elif rates["L2"]:
            found["weight_decay"] = rates["L2"]
        elif kind in ("AdamW", "Lamb"):
            found["weight_decay"] = 0.0
        groups = []
        if self.scheduler["discriminative"]["blocks"]:
            groups.append({"match": "*", "discriminative": dict(self.scheduler["discriminative"])})
        if self.scheduler["gradual_unfreeze"]:
            groups.append({"match": "*", "unfreeze": {"blocks": self.scheduler["gradual_unfreeze"], "epochs": 1}})
        if rates["L2SP"]:
            groups.append({"match": f"{part}.*", "l2_sp": rates["L2SP"]})
        limits = {"clip_norm": self.clip["GlobalNorm"], "clip_each_norm": self.clip["Norm"]}
        found |= {key: limit for key, limit in limits.items() if limit} | ({"groups": groups} if groups else {})
        return found | {"lr": self.schedule(total_steps)}

    def schedule(self, total_steps):
        """The `lr:` of the optimizer (dict); see :meth:`optimizer`."""
        warmup, base = self.scheduler["warmup"], self.learning_rate
        if self.decay == "slanted_triangle":
            cut, ratio = self.scheduler["slanted_triangle"]["cut_fraction"], self.scheduler["slanted_triangle"]["ratio"]
            more = {"up_fraction": cut, "start_divisor": ratio, "end_divisor": 1, "anneal": "linear"}
            return {"type": "OneCycle", "base": base, **more}
        if self.decay == "noam_decay":
            if total_steps is None:
                raise ConfigError("strategy: noam_decay needs the number of updates, which is not known here")
            steps = max(1, round(warmup * total_steps))  # the peak after the warm-up is the learning rate
            return {"type": "NoamDecay", "base": base * steps**0.5, "d_model": 1, "warmup_steps": steps}
        if self.decay == "linear_decay":
            start, end = (self.scheduler["linear_decay"][key] for key in ("start_point", "end_learning_rate"))
            if start <= warmup:
                return {"type": "LinearWarmupDecay", "base": base, "warmup_fraction": warmup, "end": end}
            more = {"warmup_fraction": warmup, "decay_from": start, "end": end}
            return {"type": "WarmupPlateauDecay", "base": base, **more}
        if warmup:
            return {"type": "WarmupPlateauDecay", "base": base, "warmup_fraction": warmup, "decay_from": 1.0}
        return {"type": "Constant", "base": base}


class AdamWeightDecayStrategy(CombinedStrategy):
    """Adam with decoupled weight decay, a warm-up, linear or Noam decay, and gradients of norm 1 at most.

    Args:
        learning_rate (float): after the warm-up.
        lr_scheduler (str): linear_decay or noam_decay.
        warmup_proportion (float): fraction of the run.
        weight_decay (float): of all weights but biases and normalization.
        optimizer_name (str): adam.
    """

    def __init__(
        self, learning_rate=1e-4, lr_scheduler="linear_decay", warmup_proportion=0.1, weight_decay=0.01,
        optimizer_name="adam",
    ):  # fmt: skip
        if lr_scheduler not in ("linear_decay", "noam_decay"):
            raise ConfigError(f"strategy: lr_scheduler is {lr_scheduler!r}; it is linear_decay or noam_decay")
        linear = {"start_point": warmup_proportion, "end_learning_rate": 0.0}
        decay = {"noam_decay": True} if lr_scheduler == "noam_decay" else {"linear_decay": linear}
        scheduler = {"warmup": warmup_proportion, **decay}
        regularization = {"weight_decay": weight_decay}
        super().__init__(optimizer_name, learning_rate, scheduler, regularization, {"GlobalNorm": 1.0})


class DefaultFinetuneStrategy(CombinedStrategy):
    """A constant learning rate and L2 regularization.

    Args:
        learning_rate (float): of all weights.
        optimizer_name (str): adam, sgd, ...
        regularization_coeff (float): of L2.
    """

    def __init__(self, learning_rate=1e-4, optimizer_name="adam", regularization_coeff=1e-3):
        super().__init__(optimizer_name, learning_rate, regularization={"L2": regularization_coeff})


class L2SPFinetuneStrategy(CombinedStrategy):
    """A constant learning rate, and pretrained weights that are pulled to where they started (arXiv:1802.01483).

    Args:
        learning_rate (float): of all weights.
        optimizer_name (str): adam, sgd, ...
        regularization_coeff (float): of L2-SP.
    """

    def __init__(self, learning_rate=1e-4, optimizer_name="adam", regularization_coeff=1e-3):
        super().__init__(optimizer_name, learning_rate, regularization={"L2SP": regularization_coeff})


class ULMFiTStrategy(CombinedStrategy):
    """Slanted triangle, discriminative learning rates and gradual unfreezing (arXiv:1801.06146).

    Args:
        learning_rate (float): the highest one, of the top block.
        optimizer_name (str): adam, sgd, ...
        cut_fraction (float): fraction of the run in which the learning rate rises.
        ratio (float): the highest learning rate over the lowest.
        dis_blocks (int): blocks of layers with learning rates of their own; 0 for one of all.
        factor (float): the learning rate of a block over that of the block below.
        frz_blocks (int): blocks of layers that are unfrozen one by one, an epoch each; 0 trains all from the start.
    """

    def __init__(
        self, learning_rate=1e-4, optimizer_name="adam", cut_fraction=0.1, ratio=32, dis_blocks=3, factor=2.6,
        frz_blocks=3,
    ):  # fmt: skip
        scheduler = {
            "slanted_triangle": {"cut_fraction": cut_fraction, "ratio": ratio},
            "discriminative": {"blocks": dis_blocks, "factor": factor},
            "gradual_unfreeze": frz_blocks,
        }
        super().__init__(optimizer_name, learning_rate, scheduler)


def completed(given, defaults, name):
    """The keys of a part with their defaults (dict).

    Args:
        given (dict | None): as a user gave it; False leaves out a part of the schedule.
        defaults (dict): of all keys.
        name (str): for messages.

    Raises:
        ConfigError: a key is not known, or a value is no number.
    """
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise ConfigError(f"strategy: {name} is {given!r}; it is a dict of {', '.join(defaults)}")
    for key, value in given.items():
        if key not in defaults:
            near = did_you_mean(key, defaults)
            raise ConfigError(
                f"strategy: Invalid parameter: {name} has no '{key}'{near}; it takes {', '.join(defaults)}"
            )
        inner = defaults[key]
        if isinstance(inner, dict):
            completed(value or None, inner, f"{name}.{key}")
        elif isinstance(value, dict | list | str):
            raise ConfigError(f"strategy: {name}.{key} is {value!r}; it is a number")
    return {
        key: completed(given.get(key) or None, inner, f"{name}.{key}")
        if isinstance(inner, dict)
        else given.get(key, inner)
        for key, inner in defaults.items()
    }


def refuse_several(name, given):
    """The one key whose value is not 0 or False; None without one.

    Raises:
        ConfigError: there are several.
    """
    found = [key for key, value in given.items() if value]
    if len(found) > 1:
        raise ConfigError(f"strategy: {name} has {' and '.join(found)}; give one of them")
    return found[0] if found else None
