"""Errors of spectrograms that are predicted frame by frame, and how diagonal the attention is.

Shapes in this file:
    N texts of S symbols, T steps, M mel bins, K frequencies.
"""

import cv2
import numpy as np
import paddle
from paddle.nn import functional as F

MOST_DRAWN = 12
SIGMA = 0.2  # width of the diagonal


class SpectrogramErrors:
    """`mel_l1` and `linear_l1`: mean absolute errors of levels, each frame after the true ones before it.

    `mean_frame_l1` is the mel error of the best constant guess, the mean frame of these very recordings: the baseline.
    `diagonality` is 1 where all attention is on the diagonal, and falls with the distance from it.
    """

    needs = "model"
    primary = "mel_l1"
    higher_is_better = False

    def __init__(self):
        self.reset()

    def reset(self):
        """Forgets all recordings."""
        self.sums, self.counts, self.frames, self.drawn = np.zeros(3), np.zeros(3), [], []

    def update(self, model, batch):
        """Adds a batch.

        Args:
            model (nn.Layer): SpeechSynthesizer.
            batch (dict): see `SpeechSynthesizer.teach`; `linear` float32 [N, T U, K].
        """
        with paddle.no_grad():
            tensors = {k: paddle.to_tensor(v) if isinstance(v, np.ndarray) else v for k, v in batch.items()}
            found = model.teach(tensors)
            mel, linear = (F.sigmoid(found[key]).numpy() for key in ("mel", "linear"))
        target, steps = found["target"].numpy(), found["steps"].numpy()
        weights = np.mean([value.numpy() for value in found["weights"]], axis=0)
        for row, (count, frames, length) in enumerate(zip(steps, batch["frame_length"], batch["length"])):
            self.add(0, np.abs(mel[row, :count] - target[row, :count]))
            self.add(1, np.abs(linear[row, :frames] - batch["linear"][row, :frames]))
            seen = weights[row, :count, :length]
            on = (seen * diagonal(count, length)).sum(1)
            self.add(2, on)
            self.frames.append(target[row, :count])
            self.keep(float(on.mean()), batch, row, seen)

    def add(self, kind, values):
        """Adds numbers to a sum."""
        self.sums[kind] += values.sum(dtype=np.float64)
        self.counts[kind] += values.size

    def keep(self, score, batch, row, weights):
        """Keeps the attention [T, S] of a text if it is among the least diagonal."""
        path = str(batch["path"][row]) if "path" in batch else str(row)
        self.drawn = sorted([*self.drawn, (score, path, weights)], key=lambda item: item[:2])[:MOST_DRAWN]

    def state(self):
        """The sums and the frames of this process (dict of arrays)."""
        frames = np.concatenate(self.frames) if self.frames else np.zeros((0, 1), np.float32)
        return {"sums": self.sums, "counts": self.counts, "frames": frames}

    def merge(self, states):
        """Replaces the sums and frames by those of all processes."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)
        self.counts = sum(np.asarray(state["counts"]) for state in states)
        self.frames = [np.asarray(state["frames"]) for state in states if len(state["frames"])]

    def compute(self):
        """`mel_l1`, `mean_frame_l1`, `linear_l1` and `diagonality`."""
        mel, linear, on = (self.sums / np.maximum(self.counts, 1)).tolist()
        frames = self.state()["frames"].astype(np.float64)
        constant = float(np.abs(frames - frames.mean(0)).mean())
        return {"mel_l1": mel, "mean_frame_l1": constant, "linear_l1": linear, "diagonality": on}

    def worst(self):
        """The attention of the texts whose attention is the least diagonal, steps to the right and symbols down."""
        return [
            {"score": round(score, 4), "name": name, "drawing": draw_attention(weights)}
            for score, name, weights in self.drawn
        ]


def diagonal(steps, length):
    """exp(-(s / S - t / T) ** 2 / (2 SIGMA ** 2)), float64 [T, S]."""
    apart = np.arange(steps)[:, None] / steps - np.arange(length) / length
    return np.exp(-(apart**2) / (2 * SIGMA**2))


def draw_attention(weights):
    """Weights [T, S] as an image uint8 [H, W, 3], black for 0 and white for the largest."""
    levels = (255 * weights.T / max(weights.max(), 1e-12)).astype(np.uint8)
    scale = max(1, 480 // max(levels.shape))
    levels = cv2.resize(levels, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    return np.repeat(levels[:, :, None], 3, axis=2)
