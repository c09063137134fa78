"""Synthetic samples, one for each kind of input: what an export is compared on where the data are not here."""

import numpy as np

from common.data.transform import random_for

PATH = "synthetic"


def synthetic_image():
    """An image of random blocks, uint8 [480, 640, 3]."""
    blocks = random_for(0).integers(0, 256, (15, 20, 3), dtype="uint8")
    return {"path": PATH, "image": np.ascontiguousarray(blocks.repeat(32, 0).repeat(32, 1))}


def synthetic_text():
    """A text of English and Chinese words."""
    return {"path": PATH, "text_a": "the quick brown fox 敏捷的棕色狐狸"}


def synthetic_audio():
    """Two seconds of tones in noise, float32 [32000] at 16 kHz."""
    rate = 16000
    time = np.arange(2 * rate) / rate
    tones = 0.2 * np.sin(2 * np.pi * (300 + 200 * np.floor(4 * time)) * time)
    audio = (tones + 0.01 * random_for(0).standard_normal(2 * rate)).astype(np.float32)
    return {"path": PATH, "audio": audio, "rate": rate}


def synthetic_video():
    """A video of 48 frames in which random blocks move to the right, uint8 [48, 240, 320, 3]."""
    frame = np.ascontiguousarray(synthetic_image()["image"][::2, ::2])
    return {"path": PATH, "clip": np.stack([np.roll(frame, 2 * number, 1) for number in range(48)])}


def for_every_image(sample, inputs):
    """The sample with its image under the name of every input that is an image, or a clip (of 8 frames if of any).

    Args:
        sample (dict): synthetic.
        inputs (dict[str, tuple]): of the model: name -> (shape, dtype).
    """
    found = dict(sample)
    for name, (shape, _) in inputs.items() if "image" in sample else ():
        if len(shape) == 5:
            found[name] = np.stack([sample["image"]] * (shape[1] if shape[1] and shape[1] > 0 else 8))
        elif len(shape) == 4:
            found[name] = sample["image"].copy()
    return found


SAMPLES = {"image": synthetic_image, "video": synthetic_video, "text": synthetic_text, "audio": synthetic_audio}


def sample_for(kind, inputs):
    """A synthetic sample for a model, None where none can be made; of bare tensors, images and clips can be.

    Args:
        kind (str): what the task takes.
        inputs (dict[str, tuple]): of the model: name -> (shape, dtype).
    """
    if kind == "tensors" and all(len(shape) in (4, 5) for shape, _ in inputs.values()):
        kind = "image"
    return for_every_image(SAMPLES[kind](), inputs) if kind in SAMPLES else None
