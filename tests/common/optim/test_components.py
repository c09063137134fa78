"""Tests of all optimizers and schedules as components: required keys, defaults, help."""

import inspect

import pytest

from common.commands.configure import explain_component
from common.config.build import Builder, to_tree
from common.config.components import components
from common.config.namespace import Namespace
from common.config.signature import REQUIRED

NAMESPACE = Namespace()
KINDS = components(NAMESPACE)
NAMES = [definition.name for kind in ("optimizers", "schedules") for definition in KINDS[kind]]
REQUIRED_KEYS = {
    "lr": 0.1,
    "base": 0.1,
    "decay": 0.5,
    "dense": {"type": "Adam", "lr": 0.1},
    "sparse": {"type": "SGD", "lr": 0.1},
    "parts": {"head": {"type": "SGD", "lr": 0.1}},
}
ONE_OF = {  # keys of which one must be given, though none is required by itself
    "StepDecay": {"at_steps": [3]},
    "ExponentialDecay": {"every_steps": 3},
    "NaturalExpDecay": {"every_steps": 3},
    "InverseTimeDecay": {"every_steps": 3},
}


def test_base_classes_and_rules_are_not_listed():
    assert {"SGD", "LARS", "DenseAndSparse", "Several"} <= {d.name for d in KINDS["optimizers"]}
    assert {"Constant", "PolyDecay", "OneCycle"} <= {d.name for d in KINDS["schedules"]}
    bases = {"Optimizer", "Moments", "Settings", "Schedule", "WarmupSchedule", "DecayToEnd"}
    assert not set(NAMES) & (bases | {"FTRLRule", "LARSRule", "GroupedOptimizer", "SeveralSchedules"})


@pytest.mark.parametrize("name", NAMES)
def test_it_is_built_from_its_required_keys_and_has_its_defaults(name):
    signature = NAMESPACE.signature(NAMESPACE.find(name))
    given = {p.name: REQUIRED_KEYS[p.name] for p in signature.parameters if p.required} | ONE_OF.get(name, {})
    built = Builder(NAMESPACE, {}).build(to_tree({"type": name, **given}, "here"))
    for parameter in signature.parameters:
        if parameter.name not in given:
            assert getattr(built, parameter.name) == parameter.literal[1]
    schedule = built if name in {d.name for d in KINDS["schedules"]} else built.schedule
    assert schedule.bind(steps_per_epoch=10, total_steps=100).at(0) is not None


@pytest.mark.parametrize("name", NAMES)
def test_its_signature_is_that_of_its_constructor(name):
    found = {p.name: p.default != REQUIRED for p in NAMESPACE.signature(NAMESPACE.find(name)).parameters}
    taken = inspect.signature(NAMESPACE.resolve(name)).parameters.values()
    assert list(found.items()) == [(p.name, p.default is not inspect.Parameter.empty) for p in taken]
    assert {p.kind for p in taken} == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("name", NAMES)
def test_its_help_shows_every_key_with_its_meaning(name):
    lines = explain_component([], name)
    for parameter in NAMESPACE.signature(NAMESPACE.find(name)).parameters:
        (at,) = [i for i, line in enumerate(lines) if line.startswith(f"  {parameter.name} (")]
        assert lines[at + 1].startswith("      ")


@pytest.mark.parametrize("name", ["AdamW", "Lamb", "LARS", "FTRL"])
def test_decay_that_is_not_added_to_the_gradient_has_no_l1(name):
    assert "l1_decay" not in NAMESPACE.signature(NAMESPACE.find(name)).names
