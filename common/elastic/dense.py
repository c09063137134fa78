"""The dense parameters of all workers: the mean of what the workers moved them by."""

import time

import numpy as np

from common.elastic.commits import read_commit_arrays, write_arrays
from common.elastic.shard import RunMember
from common.weights.manifest import read_manifest

FILE = "dense.safetensors"


class Dense(RunMember):
    """Holds the dense parameters, by name, as one vector.

    A worker sends what it has moved them by since it last looked, divided by the number of workers, and gets the
    parameters; added in full, the moves of several workers would go too far.
    """

    def __init__(self):
        self.vector, self.layout, self.steps, self.done, self.version = None, [], 0, {}, 0

    def begin(self, run, commit=None):
        """Begins a run from a commit (its folder), or from nothing."""
        self.run, self.done = -1, {}
        self.vector, self.layout, self.steps = None, [], 0
        if commit:
            manifest = read_manifest(commit)
            arrays = read_commit_arrays(commit, FILE, manifest["files"])
            self.layout = [(name, list(array.shape)) for name, array in arrays.items()]
            self.vector = join_arrays(arrays, self.layout) if arrays else None  # no worker had come yet
            self.steps = manifest["steps"]
        self.run = run

    def start(self, run, vector, layout):
        """(parameters, steps) to start from; what the first worker brings.

        Args:
            run (int): the present run.
            vector (ndarray): float32 [P] of the worker.
            layout (list): (name, shape) of each parameter, in the order of the vector.

        Raises:
            ValueError: the layout is not that of the run, as of another model.
        """
        self.check_run(run)
        layout = [(name, list(shape)) for name, shape in layout]
        if self.vector is None:
            self.vector, self.layout = np.array(vector, np.float32), layout
        if self.layout != layout:
            raise ValueError("the model's parameters are not those of the run's last commit")
        return self.vector, self.steps

    def sync(self, run, part, step, moved, count):
        """Adds a move of the parameters once, and returns (parameters, steps).

        Args:
            run (int): the present run.
            part (str): of the stream.
            step (int): of the part, at which the move ends.
            moved (ndarray): float32 [P], divided by the number of workers.
            count (int): batches of the move.
        """
        self.check_run(run)
        if self.done.get(part, -1) < step:
            self.vector = self.vector + moved
            self.steps += count
            self.done[part] = step
        return self.vector, self.steps

    def snapshot(self, run, folder):
        """Writes the parameters into the folder of a commit; returns {file name: entry of the manifest}."""
        self.check_run(run)
        self.done = {}
        return write_arrays(folder, FILE, {} if self.vector is None else split_vector(self.vector, self.layout))

    def pulse(self):
        """Facts for a status (dict)."""
        return {"run": self.run, "steps": self.steps, "cpu": time.process_time()}


def join_arrays(arrays, layout):
    """One vector float32 [P] of arrays by name, in the order of `layout`."""
    parts = [np.asarray(arrays[name], np.float32).reshape(-1) for name, _ in layout]
    return np.concatenate([np.zeros(0, np.float32), *parts])


def split_vector(vector, layout):
    """The inverse of :func:`join_arrays`: {name: array}."""
    found, at = {}, 0
    for name, shape in layout:
        size = int(np.prod(shape))
        found[name] = vector[at : at + size].reshape(shape)
        at += size
    return found
