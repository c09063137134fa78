"""What a dataclass takes is read from its source as Python would make its constructor."""

import importlib
import inspect
import itertools

import pytest

from common.config.namespace import Namespace

COUNT = itertools.count()
BASES = '''
import abc
import dataclasses
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import ClassVar

RATE = 0.5


def limited(default=dataclasses.MISSING, *, least=0):
    return field(default=default, metadata={"least": least})


@dataclass(kw_only=True)
class Base(abc.ABC):
    """Base.

    Args:
        size (int): number of
            things.
        rate (float): of the base.
    """

    size: int
    rate: float = RATE
    names: list[str] = field(default_factory=list)
    limit: float = limited(1.5, least=1)
    needed: int = limited(least=2)
    kind: ClassVar[str] = "base"
    cache: dict = field(init=False, default_factory=dict)

    @abc.abstractmethod
    def run(self): ...
'''
CHILDREN = '''
import dataclasses
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import ClassVar

from . import bases
from .bases import Base

RATE = 7


@dataclass(kw_only=True)
class Child(Base):
    """Child.

    Args:
        rate (float): of the child.
        extra (int): its own.
    """

    extra: int = 3
    rate: float = 0.25

    def run(self): ...


class Plain(Child):
    """Adds no field, whatever is annotated."""

    other: int = 1


@dataclass(kw_only=True)
class Less(Child):
    limit: ClassVar[float] = 2.0
    names: list[str] = field(init=False, default_factory=list)


@dataclass(kw_only=True)
class Mixin(bases.Base):
    mixed: InitVar[bool] = False


@dataclass(kw_only=True)
class Both(Mixin, Child):
    _: KW_ONLY
    last: str = "x"


class Own(Child):
    def __init__(self, one, two=RATE):
        pass
'''


@pytest.fixture
def kit(tmp_path, monkeypatch):
    folder = tmp_path / f"Kit{next(COUNT)}"
    (folder / "models").mkdir(parents=True)
    (folder / "models/bases.py").write_text(BASES)
    (folder / "models/children.py").write_text(CHILDREN)
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def signature(kit, name):
    namespace = Namespace(kit)
    return namespace.signature(namespace.find(name))


@pytest.mark.parametrize("name", ["Child", "Plain", "Less", "Mixin", "Both", "Own"])
def test_keys_and_defaults_are_those_of_the_constructor(kit, name):
    target = getattr(importlib.import_module(f"{kit.name}.models.children"), name)
    taken = [p for p in inspect.signature(target).parameters.values() if p.name != "self"]
    found = signature(kit, name).parameters
    assert [p.name for p in found] == [p.name for p in taken]
    for read, real in zip(found, taken):
        factory = real.default.__class__.__name__ == "_HAS_DEFAULT_FACTORY_CLASS"
        assert read.required == (real.default is inspect.Parameter.empty)
        assert read.required or read.literal == (True, [] if factory else real.default)


def test_the_fields_of_a_base_come_first_and_an_overridden_one_keeps_its_place(kit):
    assert str(signature(kit, "Child")["rate"]) == "rate=0.25"
    assert signature(kit, "Child").names == ["size", "rate", "names", "limit", "needed", "extra"]


def test_inherited_fields_have_the_words_of_the_nearest_class(kit):
    found = signature(kit, "Child")
    assert (found["size"].type, found["size"].help) == ("int", "number of things.")
    assert found["rate"].help == "of the child."


def test_a_constant_is_looked_up_where_the_class_that_names_it_stands(kit):
    assert str(signature(kit, "Mixin")["rate"]) == "rate=0.5"
    assert str(signature(kit, "Own")["two"]) == "two=7"


def test_an_abstract_class_is_one_that_leaves_a_method_open(kit):
    namespace = Namespace(kit)
    found = {name: namespace.is_abstract(namespace.find(name)) for name in ("Base", "Mixin", "Child", "Less")}
    assert found == {"Base": True, "Mixin": True, "Child": False, "Less": False}


def test_a_base_of_another_library_is_no_class_of_the_same_name(kit):
    (kit / "models/layers.py").write_text("import paddle\n\n\nclass Base(paddle.nn.Base):\n    pass\n")
    (kit / "models/bases.py").write_text("from paddle import nn\n\n\nclass Table(nn.Embedding):\n    pass\n")
    (kit / "models/children.py").write_text("class Embedding:\n    def __init__(self, width): ...\n")
    assert signature(kit, "Table").names == []
    assert signature(kit, "Base").names == []


def test_a_class_may_have_the_name_of_its_base(kit):
    (kit / "models/schedules.py").write_text(
        "from common.optim.schedules import Constant\n\n\nclass Constant(Constant):\n    pass\n"
    )
    assert signature(kit, "Constant").names == ["base", "warmup_steps", "warmup_epochs", "warmup_from"]


def test_classes_that_inherit_in_a_circle_have_their_own_keys(kit):
    head = "from dataclasses import dataclass\n\n\n"
    (kit / "models/bases.py").write_text(
        f"{head}@dataclass\nclass A(B):\n    a: int\n\n\n@dataclass\nclass B(A):\n    b: int\n"
    )
    assert signature(kit, "A").names == ["b", "a"]
