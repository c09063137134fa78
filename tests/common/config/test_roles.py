"""Tests of what a configuration may name: classes alone, each in the places of its role."""

import pytest

from common.config import load_config
from common.config.build import Builder, to_tree
from common.config.check import of_role
from common.config.components import components
from common.config.kits import ROOT, shipped_kits
from common.config.namespace import Namespace
from common.config.roles import ROLES, role_of
from common.errors import ConfigError

KITS = [*shipped_kits(), ROOT / "tests/made/OwnKit"]
NAMESPACES = {kit.name: Namespace(kit) for kit in KITS}
CONFIG = ROOT / "PaddleCV/configs/tiny/classification/resnet.yml"
ONE_OF = {  # a component of each role that PaddleCV can name
    "layer": "CrossEntropy",
    "dataset": "ImageFolder",
    "transform": "Decode",
    "sampler": "DurationSampler",
    "metric": "Accuracy",
    "task": "Detection",
    "optimizer": "{type: SGD, lr: 0.1}",
    "schedule": "Constant",
    "trainer": "Trainer",
    "strategy": "TPE",
    "": "WorkerPool",
}
PLACES = {
    "model": "layer",
    "model.backbone": "layer",
    "data.train": "dataset",
    "data.eval.transforms.0": "transform",
    "data.train.sampler": "sampler",
    "data.metric": "metric",
    "optimizer": "optimizer",
    "optimizer.lr": "schedule",
    "trainer": "trainer",
    "search": "strategy",
}


@pytest.mark.parametrize("kit", NAMESPACES)
def test_no_function_of_common_or_of_a_kit_can_be_named_or_built(kit):
    """Those of common are built with the first kit alone: no kit has a class of their names."""
    namespace = NAMESPACES[kit]
    functions = functions_of(*namespace.levels)
    assert len(functions) > 100 and not functions & set(namespace.names)
    assert [name for name in functions if namespace.find(name) is not None] == []
    for name in functions if kit == KITS[0].name else functions_of(namespace.own):
        with pytest.raises(ConfigError, match=f"there is no '{name}'"):
            Builder(namespace, {}).build(to_tree({"type": name}, "here"))


def functions_of(*levels):
    """Names of functions in levels of a namespace that are not the names of classes too."""
    every = [d for level in levels for found in level.values() for d in found]
    return {d.name for d in every if d.what == "def"} - {d.name for d in every if d.what == "class"}


@pytest.mark.parametrize("name", ["write_issues", "getattr", "os.system", "Path", "__init__", "subprocess.run"])
def test_a_name_that_is_no_component_is_refused_wherever_it_stands(name):
    for place in (*PLACES, "postprocess", "slim"):
        with pytest.raises(ConfigError, match=r"no such task|there is no"):
            load_config(CONFIG, [f"{place}={{type: {name}}}"]).check()


@pytest.mark.parametrize("kit", NAMESPACES)
def test_every_component_that_is_listed_has_a_role_and_no_two(kit):
    namespace = NAMESPACES[kit]
    for kind, definitions in components(namespace).items():
        for definition in definitions:
            own = role_of(definition, namespace)
            assert own in ROLES, (kind, definition)
            assert [role for role in ROLES if of_role(role).takes(definition, namespace)] == [own]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", ONE_OF)
def test_a_place_takes_components_of_its_role_alone(place, role):
    node = ONE_OF[role] if ONE_OF[role].startswith("{") else f"{{type: {ONE_OF[role]}}}"
    said = ""
    try:
        load_config(CONFIG, [f"{place}={node}"]).check()
    except ConfigError as error:
        said = str(error)
    wrong = f"{place}: {node.strip('{}').split(',')[0].removeprefix('type: ')} is "
    assert (wrong in said) == (role != PLACES[place]), said
    if role != PLACES[place]:
        taken = f"{place.removesuffix('.0')} takes {ROLES[PLACES[place]][1]}"
        assert taken in said and said.startswith(f"-o {place}=")


def test_a_class_in_the_type_of_an_argument_is_what_the_argument_takes():
    config = ROOT / "PaddleSpeech/configs/tiny/recognition/deepspeech2.yml"
    load_config(config, ["postprocess.decoder={type: BeamSearch}"]).check()
    with pytest.raises(ConfigError, match=r"decoder: DecodeAudio is a transform; postprocess.decoder takes BeamSearch"):
        load_config(config, ["postprocess.decoder={type: DecodeAudio}"]).check()
