"""Hooks are added, replaced, removed and called at the events that people know."""

from types import SimpleNamespace

import pytest

from common.errors import ConfigError
from common.hub.finetune.hooks import EVENTS, HookCallback, Hooks, RunState


@pytest.fixture
def hooks():
    return Hooks("the task")


def test_a_hook_is_called_with_what_it_takes(hooks):
    seen = []
    hooks.add("_log_interval_event", "two", lambda task, states: seen.append((task, states)))
    hooks.add("log_interval", "one", seen.append)
    hooks.add("log_interval", "none", lambda: seen.append("none"))
    hooks.add("log_interval", "all", lambda *given: seen.append(len(given)))
    hooks.call("log_interval", run_step=3, run_loss=0.5)
    assert seen == [("the task", [RunState(3, 0.5)]), "the task", "none", 2]


def test_hooks_are_replaced_and_removed(hooks):
    seen = []
    hooks.add("eval_end", "mine", lambda: seen.append(1))
    hooks.modify("eval_end", "mine", lambda: seen.append(2))
    hooks.modify("eval_end", "default", lambda: seen.append(3))
    hooks.call("eval_end")
    hooks.delete("eval_end", "mine")
    hooks.call("eval_end")
    assert seen == [2, 3, 3]


def test_the_events_of_a_run_come_in_their_order(hooks):
    seen = []
    for event in EVENTS:
        hooks.add(event, "it", lambda task, states, event=event: seen.append((event, states[0].run_step)))
    callback, trainer = HookCallback(hooks, 2, 3), SimpleNamespace(step=0, losses={}, scores={})
    callback.on_train_start(trainer)
    for trainer.step in (1, 2, 3):
        callback.after_step(trainer)
    callback.after_evaluation(trainer)
    callback.after_epoch(trainer)
    callback.on_train_end(trainer)
    assert seen == [
        ("finetune_start", 0), ("run_step", 1), ("run_step", 2), ("log_interval", 2), ("run_step", 3),
        ("save_ckpt_interval", 3), ("eval_interval", 3), ("save_ckpt_interval", 3), ("finetune_end", 3),
    ]  # fmt: skip


@pytest.mark.parametrize("slip, words", [
    (lambda hooks: hooks.add("log_intervall", "a", print), "no event 'log_intervall'; did you mean 'log_interval'"),
    (lambda hooks: hooks.add("run_step", "a", 3), "is 3, no function"),
    (lambda hooks: hooks.add("run_step", "there", print), "modify_hook replaces it"),
    (lambda hooks: hooks.modify("run_step", "thre", print), "no hook 'thre'; did you mean 'there'"),
    (lambda hooks: hooks.delete("run_step", "a"), "no hook 'a'"),
])  # fmt: skip
def test_slips_are_named(hooks, slip, words):
    hooks.add("run_step", "there", print)
    with pytest.raises(ConfigError, match=words):
        slip(hooks)
