"""Comparison of the preparation of samples in training with that in evaluation and inference.

The transforms whose class sets `alike` give the inputs of a model their meaning: another mean, color order, tokenizer
or filter bank makes a good model predict nonsense without an error. Sizes and augmentations may differ.
"""

from common.build.model import saved_config
from common.log import logger


def warn_of_other_preparation(config, split, weights=None):
    """Warns of each difference between the preparation of a split and that of training.

    Args:
        config (Config): checked.
        split (str): eval, test or infer; with weights also train, for a run that starts from them.
        weights (str | Path): the model was trained as the configuration beside these says; as `data.train` of this
            configuration when None.
    """
    if (split == "train" and not weights) or not config.get(f"data.{split}", None):
        return
    saved = saved_config(config, weights) if weights else config
    if saved is not None and saved.get("data.train", None):
        own = split == "infer" and not config.get("data.infer.type", None)  # of another kind of sample, such as noise
        for text in compare(meanings(saved, "train", config.namespace), meanings(config, split)):
            if own and " with " not in text:
                continue
            logger.warning("%s: data.%s %s: is that meant?", config.place(f"data.{split}.transforms"), split, text)


def meanings(config, split, namespace=None):
    """The transforms of a split that must be alike: [(type, {argument: value})], in order, the nested ones included.

    Their classes are those of `namespace`: a saved configuration may name a copy of the kit, at another place.
    """
    found = []
    collect_meanings(config.to_dict()["data"][split].get("transforms"), namespace or config.namespace, found)
    return found


def collect_meanings(value, namespace, found):
    """Adds the nodes inside a value whose classes set `alike` to `found`."""
    if isinstance(value, dict) and "type" in value and namespace.find(value["type"]) is not None:
        kind = namespace.resolve(value["type"])
        alike = getattr(kind, "alike", ())
        if alike:
            keys = set(value) - {"type", *getattr(kind, "files", ())} if alike is True else alike
            found.append((value["type"], {key: normalized(value.get(key)) for key in sorted(keys)}))
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        collect_meanings(item, namespace, found)


def normalized(value):
    """A value with tuples as lists and whole floats as integers, for comparison."""
    if isinstance(value, list | tuple):
        return [normalized(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def compare(training, other):
    """The differences of :func:`meanings` of a split from those of the training, as texts that begin with a verb."""
    for kind in dict.fromkeys(kind for kind, _ in [*training, *other]):
        here, there = ([values for name, values in nodes if name == kind] for nodes in (other, training))
        if not here or not there:
            yield f"has {'no ' if not here else ''}{kind}, training had {'none' if not there else 'one'}"
            continue
        for mine, theirs in zip(here, there, strict=False):
            for key in theirs:
                if mine.get(key) != theirs[key]:
                    yield f"has {kind} with {key}: {mine.get(key)}, training had {theirs[key]}"


def check_preparation(config):
    """Warns of the differences of the other splits from `data.train`, before a training."""
    for split in ("eval", "test", "infer"):
        warn_of_other_preparation(config, split)
