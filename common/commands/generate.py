"""Generates a commented configuration from signatures, docstrings and the shipped configurations of a kit."""

import re

from common.config import load_config
from common.config import sections as settings
from common.config.check import GIVEN
from common.config.components import components, kind_of
from common.config.namespace import Namespace
from common.config.overrides import to_inline_yaml
from common.config.tree import to_plain
from common.errors import ConfigError, KitError
from common.suggest import did_you_mean, nearest

WIDTH = 44  # columns before a comment
PREFERRED = {"optimizers": "Momentum", "schedules": "CosineDecay"}


def generate(kits, model, dataset):
    """Generates the lines of a configuration for a model and a dataset of the same kit.

    Args:
        kits (list[Path]): folders of the kits to search.
        model (str): name of the model's class.
        dataset (str): name of the dataset's class.

    Raises:
        ConfigError: no kit has the model, or its kit has no such dataset.
    """
    names = []
    for folder in kits:
        namespace = Namespace(folder)
        if model in namespace.own:
            return Starter(namespace, model, dataset).lines()
        names += namespace.own
    raise ConfigError(f"--model {model}: no kit has this model{did_you_mean(model, names)}")


class Starter:
    """Generates a configuration section by section.

    Args:
        namespace (Namespace): of the kit.
        model (str): name of the model's class.
        dataset (str): name of the dataset's class.
    """

    def __init__(self, namespace, model, dataset):
        self.namespace, self.model, self.dataset = namespace, model, dataset
        found = namespace.find(dataset)
        if found is None or kind_of(found, namespace) != "datasets":
            hint = did_you_mean(dataset, self._datasets(dataset)) or f"; it has {', '.join(self._datasets())}"
            raise ConfigError(f"--dataset {dataset}: the kit {namespace.kit.name} has no such dataset{hint}")
        self.kinds = components(namespace)
        self.examples = self._examples()
        self.example = self.examples[0] if self.examples else {}

    def _datasets(self, like=None):
        """Names of the datasets: all, or those that resemble a misspelled name, which saves parsing every source."""
        definitions = self.namespace.components()
        if like is not None:
            near = nearest(like, [d.name for d in definitions], count=5)
            definitions = [d for d in definitions if d.name in near]
        return [d.name for d in definitions if kind_of(d, self.namespace) == "datasets"]

    def _examples(self):
        """The shipped configurations of the same model as plain values; that with the name of the model is first."""

        def order(file):
            return file.stem != self.model.lower(), len(file.parts), file.stem

        files = sorted((self.namespace.kit / "configs").rglob("*.yml"), key=order)
        texts = {file: file.read_text(encoding="utf-8") for file in files}
        named = re.compile(rf"\btype: *{re.escape(self.model)}\b")
        bases = [file.name for file in files if "_base_" in file.parts and named.search(texts[file])]
        found = []
        for file in files:
            if "_base_" in file.parts or not (named.search(texts[file]) or any(name in texts[file] for name in bases)):
                continue
            try:
                config = load_config(file)
            except KitError:
                continue
            if config.get("model.type", None) == self.model:
                found.append(to_plain(config.tree))
        return found

    def lines(self):
        """The whole file."""
        about = self.namespace.signature(self.namespace.find(self.model)).summary
        found = [f"# {about}", f"kit: {self.namespace.kit.name}", "", "model:"]
        found += self.node(self.example.get("model") or {"type": self.model}, "  ")
        found += ["", "data:"]
        for split in ("train", "eval"):
            found += [f"  {split}:", *self.split(split)]
        metric = self.example.get("data", {}).get("metric") or self.first("metrics")
        found += ["  metric:", *self.node(metric, "    ")] if metric else []
        optimizer = self.example.get("optimizer") or self.first("optimizers")
        if optimizer:
            lr = optimizer.get("lr") or {**(self.first("schedules") or {}), "base": 0.01}
            found += ["", "optimizer:", *self.node({**optimizer, "lr": lr}, "  ")]
        for name, needed in (("train", {"epochs": 12, "batch_size": 8}), ("export", {})):
            found += ["", f"{name}:", *self.section(name, {**needed, **self.example.get(name, {})})]
        return [*found, "", *self.section("runtime", {}, "")]

    def split(self, split):
        """Dataset and transforms of one split."""
        like = self.example.get("data", {}).get(split) or {}
        same = (example.get("data", {}).get(split) or {} for example in self.examples)
        given = next((node for node in same if node.get("type") == self.dataset), None) or {"type": self.dataset}
        given = {key: value for key, value in given.items() if key != "transforms"}
        if split == "eval":
            given = self.of_evaluation(given)
        steps = like.get("transforms")
        if not steps:
            have = {d.name for d in self.kinds.get("transforms", [])}
            steps = [{"type": name} for name in ("Decode", "Normalize") if name in have]
        return [*self.node(given, "    "), "    transforms:", *[f"      - {to_inline_yaml(step)}" for step in steps]]

    def of_evaluation(self, given):
        """The dataset with `val` for `train` in its defaults, so that nothing is evaluated on the training samples."""
        found = dict(given)
        for parameter in self.namespace.signature(self.namespace.find(self.dataset)).parameters:
            known, default = parameter.literal
            if known and parameter.name not in found and "train" in str(default := to_plain(default)):
                found[parameter.name] = to_evaluation(default)
        return found

    def node(self, node, pad, gives=frozenset()):
        """A component with its known values and defaults, each with a comment; the component around it `gives` some."""
        node = node if isinstance(node, dict) else {"type": node}
        definition = self.namespace.find(node["type"])
        signature = self.namespace.signature(definition)
        lines = [f"{pad}type: {node['type']}"]
        below = signature.gives if signature.assembly else gives
        for parameter in signature.parameters:
            name = parameter.name
            value = node.get(name)
            if name not in node and parameter.slot and parameter.required:
                value = self.part(name)
            if name not in node and (name in GIVEN | gives or (parameter.slot and not parameter.required)):
                continue
            if isinstance(value, dict) and "type" in value:
                lines += [f"{pad}{name}:{self.others(name, value)}", *self.node(value, pad + "  ", below)]
                continue
            known, default = parameter.literal
            if name in node or known:
                lines.append(
                    add_comment(
                        f"{pad}{name}: {to_inline_yaml(value if name in node else to_plain(default))}", parameter.help
                    )
                )
            elif parameter.required:
                lines.append(add_comment(f"{pad}{name}: null", f"REQUIRED, {parameter.type}: {parameter.help}"))
            else:
                lines.append(add_comment(f"{pad}# {name}: {parameter.default}", parameter.help))
        return lines

    def part(self, slot):
        """A component for a part of the model: of the kind of that name, preferably named after the model."""
        found = self.candidates(slot)
        own = [name for name in found if name.startswith(self.model)]
        return {"type": (own or found)[0]} if found else None

    def candidates(self, slot):
        """Names of the components that fit a slot."""
        plural = f"{slot}es" if slot.endswith("s") else f"{slot}s"
        return [d.name for d in self.kinds.get(plural, [])]

    def others(self, slot, chosen):
        """A comment with alternative components: those that shipped configurations of the same model name here."""
        nodes = [(example.get("model") or {}).get(slot) for example in self.examples]
        fit = sorted({node["type"] for node in nodes if isinstance(node, dict) and "type" in node} - {chosen["type"]})
        return f"    # or {', '.join(fit[:6])}" if fit else ""

    def first(self, kind):
        """The default component of a kind as a node, or None."""
        names = [d.name for d in self.kinds.get(kind, [])]
        usual = PREFERRED.get(kind)
        return {"type": usual if usual in names else names[0]} if names else None

    @staticmethod
    def section(name, values, pad="  "):
        """The keys of a fixed section, each with a comment."""
        kind = settings.SECTIONS.get(name, settings.Runtime)
        lines = []
        for key, (parameter, _) in settings.setting_parameters(kind).items():
            if key in ("kit", "name"):
                continue
            value = values.get(key, to_plain(parameter.literal[1]))
            lines.append(add_comment(f"{pad}{key}: {to_inline_yaml(value)}", parameter.help))
        return lines


def add_comment(line, text):
    """Appends the help text to a line as a comment."""
    return f"{line:<{WIDTH}}  # {shorten(text)}" if text else line


def to_evaluation(value):
    """A default of the training split, a text or a list of texts, with `val` for `train`."""
    return [to_evaluation(item) for item in value] if isinstance(value, list) else str(value).replace("train", "val")


def shorten(text, most=80):
    """The first sentence, truncated if too long; an abbreviation such as e.g. does not end it."""
    text = re.split(r"(?<!\be\.g)(?<!\bi\.e)(?<!\bcf)(?<!\bvs)(?<!\beq)(?<!\betc)\. ", text)[0]
    text = text.split(" (http")[0].rstrip(".")
    return text if len(text) <= most else f"{text[:most].rsplit(' ', 1)[0]} ..."
