"""Random number generator states as JSON: Python's, NumPy's global one, PaddlePaddle's (CPU and every GPU).

Datasets do not depend on them: their randomness is a function of (seed, epoch, index). Dropout and similar layers do.
"""

import random

import numpy as np


def seed(value):
    """Seeds every generator with one number (0 to 2**32 - 1)."""
    import paddle

    random.seed(value)
    np.random.seed(value)
    paddle.seed(value)


def collect():
    """The states of all generators as a JSON-serializable dict; :func:`restore` is the inverse."""
    import paddle

    version, words, gauss = random.getstate()
    kind, key, position, has_gauss, cached = np.random.get_state()
    return {
        "python": [version, list(words), gauss],
        "numpy": [kind, key.tolist(), position, has_gauss, cached],
        "paddle": {device: [_fields_of(s) for s in paddle.get_rng_state(device)] for device in _devices(paddle)},
    }


def restore(state):
    """Restores every generator to the state returned by :func:`collect`.

    Devices that this machine lacks are ignored; so are all GPUs if their number differs.
    """
    import paddle

    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, key, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, np.array(key, dtype=np.uint32), position, has_gauss, cached))
    for device in _devices(paddle):
        generators = paddle.get_rng_state(device)
        saved = state["paddle"].get(device, [])
        if len(saved) == len(generators):
            paddle.set_rng_state([_generator_state(type(generators[0]), fields) for fields in saved], device)


def _devices(paddle):
    return ["cpu", "gpu"] if paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count() else ["cpu"]


def _fields_of(generator):
    """(place, seed, offset, engine state) of a generator state, the engine's bytes as latin-1 text."""
    place, seed, offset, engine = generator.__getstate__()
    return [place, seed, offset, bytes(engine).decode("latin-1")]


def _generator_state(kind, fields):
    """The inverse of :func:`_fields_of`; a new object, because `__setstate__` on one in use has no effect."""
    place, seed, offset, engine = fields
    generator = kind.__new__(kind)
    generator.__setstate__((place, seed, offset, list(engine.encode("latin-1"))))
    return generator
