"""Vectors of texts in the predictor's process: batches of texts of similar length, and the bytes of each vector."""

import itertools

import numpy as np

from common.inference.predictor import check_finite, stack
from common.inference.tasks.text_encoding import is_of_tokens, vectors_of

TASK = "TextEncoding"
SPARE = 48  # tokens of padding that a batch may have more before another one is cheaper
MOST_TOKENS = 2048  # of a batch with its padding; larger ones are no faster per token on a CPU


def sizes_of(model):
    """The size of the vectors of each layer (dict), as the golden of the export has them; {} for other models."""
    if model.task.name != TASK:
        return {}
    with np.load(model.folder / "golden.npz") as golden:
        return {name: int(golden[f"out/{name}"].shape[-1]) for name in model.outputs}


def by_length(members, length, most):
    """Splits members into batches of similar length, the longest first.

    A batch is as long as its longest text. The next shorter text joins it as long as all the padding is less than what
    another batch costs, so that few long texts among short ones do not slow these down.

    Args:
        members (list): what is split.
        length (Callable): member -> its tokens.
        most (int): members of a batch.

    Returns:
        list[list]: of members.
    """
    found, spare = [], 0
    for member in sorted(members, key=length, reverse=True):
        tokens = length(member)
        longest = length(found[-1][0]) if found else 0
        spare += longest - tokens
        full = found and (len(found[-1]) >= most or (len(found[-1]) + 1) * longest > MOST_TOKENS)
        if not found or full or spare > SPARE:
            found.append([])
            spare = 0
        found[-1].append(member)
    return found


def encode(model, samples, layers):
    """The vectors of prepared samples, each at a layer of its own.

    Args:
        model (Predictor): of an export of the task TextEncoding.
        samples (list[dict]): prepared texts.
        layers (list[str]): an output of the model for each.

    Returns:
        list[tuple[int, bytes]]: 200 and the little-endian float32 numbers of each text, row by row.
    """
    outputs = model.run(stack(model, samples))
    outputs = {layer: outputs[layer] for layer in set(layers)}
    check_finite(outputs)
    rows = [vectors_of({layer: outputs[layer]}, row, int(sample["length"]))[layer]
            for row, (sample, layer) in enumerate(zip(samples, layers, strict=True))]  # fmt: skip
    return [(200, np.ascontiguousarray(row, "<f4").tobytes()) for row in rows]


def pieces_of(model, sample, layer):
    """`{"pieces": [...]}`, the pieces that the vectors of the tokens of a sample are of; {} where there is no list.

    Args:
        model (Predictor): whose transforms may have a vocabulary.
        sample (dict): prepared.
        layer (str): an output of the model.
    """
    vocabularies = (getattr(transform, "vocabulary", None) for transform in model.pipeline.transforms)
    vocabulary = next(filter(None, vocabularies), None)
    if not is_of_tokens(layer) or vocabulary is None:
        return {}
    ids = itertools.islice(np.asarray(sample["input_ids"]).tolist(), int(sample["length"]))
    return {"pieces": [vocabulary.tokens[number] for number in ids]}
