"""Hooks: functions of a task that are called at the events of a run.

task.add_hook("log_interval", "mine", lambda task, states: print(states[0].run_step, states[0].run_loss))
"""

import dataclasses
import inspect

from common.errors import ConfigError
from common.log import logger
from common.suggest import did_you_mean
from common.training.callbacks.callback import Callback

EVENTS = (  # the names that people know; `_log_interval_event` is the same as `log_interval`
    *("build_env_start", "build_env_end", "finetune_start", "finetune_end", "predict_start", "predict_end"),
    *("eval_start", "eval_end", "log_interval", "save_ckpt_interval", "eval_interval", "run_step"),
)
DEFAULT = "default"


@dataclasses.dataclass(frozen=True)
class RunState:
    """The state of a run at an event.

    Args:
        run_step (int): updates so far.
        run_loss (float): of the last batch; None at events without one.
        scores (dict[str, float]): of the last evaluation.
        run_results (object): predictions, at `predict_end`.
    """

    run_step: int = 0
    run_loss: float | None = None
    scores: dict = dataclasses.field(default_factory=dict)
    run_results: object = None


class Hooks:
    """The hooks of a task.

    Args:
        task (object): passed to every hook first.
    """

    def __init__(self, task):
        self.task = task
        self.known = {event: {} for event in EVENTS}

    def add(self, event, name, function):
        """Adds a hook.

        Raises:
            ConfigError: the event is not known, the name is taken, or it is no function.
        """
        event = event_name(event)
        if not callable(function):
            raise ConfigError(f"add_hook: the hook of {event} is {function!r}, no function")
        name = name or f"hook_{id(function)}"
        if name in self.known[event]:
            raise ConfigError(f"add_hook: {event} has a hook '{name}'; modify_hook replaces it")
        self.known[event][name] = function

    def modify(self, event, name, function):
        """Replaces a hook; `default`, what a run does by itself, stays and the function is called, too.

        Raises:
            ConfigError: there is no such event or hook.
        """
        event = event_name(event)
        if name == DEFAULT and name not in self.known[event]:
            logger.info("modify_hook: what a run does at %s stays; the function is called after it", event)
        elif name not in self.known[event]:
            raise ConfigError(f"modify_hook: {event} has no hook '{name}'{did_you_mean(name, self.known[event])}")
        self.known[event].pop(name, None)
        self.add(event, name, function)

    def delete(self, event, name):
        """Removes a hook.

        Raises:
            ConfigError: there is no such event or hook.
        """
        event = event_name(event)
        if name not in self.known[event]:
            raise ConfigError(f"delete_hook: {event} has no hook '{name}'{did_you_mean(name, self.known[event])}")
        del self.known[event][name]

    def call(self, event, **state):
        """Calls the hooks of an event in their order, with the task and, if they take it, a list of one RunState."""
        for function in list(self.known[event].values()):
            function(*[self.task, [RunState(**state)]][: arguments_of(function)])


class HookCallback(Callback):
    """Calls the hooks of a task at the events of its run.

    Args:
        hooks (Hooks): of the task.
        log_interval (int): updates between two calls of `log_interval`.
        save_ckpt_interval (int): updates between two checkpoints; 0 for those of each epoch alone.
    """

    def __init__(self, hooks, log_interval, save_ckpt_interval):
        self.hooks, self.log_interval, self.save_ckpt_interval = hooks, log_interval, save_ckpt_interval

    def on_train_start(self, trainer):
        self.call("finetune_start", trainer)

    def after_step(self, trainer):
        self.call("run_step", trainer)
        if trainer.step % self.log_interval == 0:
            self.call("log_interval", trainer)
        if self.save_ckpt_interval and trainer.step % self.save_ckpt_interval == 0:
            self.call("save_ckpt_interval", trainer)

    def after_evaluation(self, trainer):
        self.call("eval_interval", trainer)

    def after_epoch(self, trainer):
        self.call("save_ckpt_interval", trainer)

    def on_train_end(self, trainer):
        self.call("finetune_end", trainer)

    def call(self, event, trainer):
        """Calls the hooks of an event with the step, the loss and the scores of the run."""
        loss = sum(trainer.losses.values()) if trainer.losses else None
        self.hooks.call(event, run_step=trainer.step, run_loss=loss, scores=dict(trainer.scores))


def event_name(text):
    """The event of `_log_interval_event` or `log_interval` (str).

    Raises:
        ConfigError: there is no such event.
    """
    name = str(text).removeprefix("_").removesuffix("_event")
    if name not in EVENTS:
        raise ConfigError(f"there is no event '{text}'{did_you_mean(name, EVENTS)}; there are {', '.join(EVENTS)}")
    return name


def arguments_of(function):
    """The number of arguments that a function takes of (task, states): 0, 1 or 2."""
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return 2
    placed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return min(2, sum(kind in placed for kind in kinds))
