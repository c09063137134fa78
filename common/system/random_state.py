"""The state of every random generator as plain JSON: Python's, NumPy's global one, Paddle's (CPU, and each GPU).

Data sets do not need it: their randomness is a function of (seed, epoch, index). Dropout and friends do.
"""

import random

import numpy as np


def seed(value):
    """Starts every generator from one number (0 to 2**32 - 1)."""
    import paddle

    random.seed(value)
    np.random.seed(value)
    paddle.seed(value)


def collect():
    """The states, as a dict that JSON can hold; :func:`restore` is the inverse."""
    import paddle

    version, words, gauss = random.getstate()
    kind, key, position, has_gauss, cached = np.random.get_state()
    return {
        "python": [version, list(words), gauss],
        "numpy": [kind, key.tolist(), position, has_gauss, cached],
        "paddle": {device: [_plain(s) for s in paddle.get_rng_state(device)] for device in _devices(paddle)},
    }


def restore(state):
    """Puts every generator where :func:`collect` found it.

    Generators of devices that this machine lacks are left out; so are GPUs when their number differs.
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


def _plain(generator):
    """(place, seed, offset, bytes of the engine) with the bytes as text."""
    place, seed, offset, engine = generator.__getstate__()
    return [place, seed, offset, bytes(engine).decode("latin-1")]


def _generator_state(kind, fields):
    """The inverse of :func:`_plain`; a state must be new: `__setstate__` on one that is in use changes nothing."""
    place, seed, offset, engine = fields
    generator = kind.__new__(kind)
    generator.__setstate__((place, seed, offset, list(engine.encode("latin-1"))))
    return generator
