"""Error rates of hybrid recognition, and the share of frames whose state is right."""

import numpy as np

from .error_rates import ErrorRates


class HybridRates(ErrorRates):
    """`WER`, `CER` and `frame_error`, the share of frames whose most probable state is not that of the alignment.

    Args:
        dataset (object): its `labels` are the names of the states, None for numbers.
        task (Task): HybridRecognition.
        primary (str): WER, CER or frame_error; the error rates need texts.
    """

    kinds = ("WER", "CER", "frame_error")

    def reset(self):
        """Resets the counts."""
        super().reset()
        self.wrong, self.frames = 0, 0

    def update(self, outputs, batch):
        """Adds a batch with `labels` int [N, T], `feature_length` [N] and `text`, a list of str."""
        found = self.task.records(outputs, (), self.labels, 0.0) if "text" in batch else []
        for hypothesis, text in zip(found, batch.get("text", ())):
            self.add(hypothesis[0]["text"] if hypothesis else "", text)
        best = np.asarray(outputs["log_probs"]).argmax(2)
        for row, states, length in zip(best, np.asarray(batch["labels"]), batch["feature_length"], strict=True):
            self.wrong += int((row[: int(length)] != states[: int(length)]).sum())
            self.frames += int(length)

    def state(self):
        """The counts of this process (dict of arrays)."""
        return super().state() | {"frames": np.array([self.wrong, self.frames], np.int64)}

    def merge(self, states):
        """Replaces the counts by the sum over all processes."""
        super().merge(states)
        self.wrong, self.frames = sum(np.asarray(state["frames"]) for state in states).tolist()

    def compute(self):
        """`WER`, `CER` and `frame_error`; without texts the last alone."""
        rates = super().compute() if self.lengths.any() else {}
        return rates | {"frame_error": self.wrong / self.frames if self.frames else 0.0}
