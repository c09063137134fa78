"""Several tasks learned together: their samples, batches of one task each, and transforms and scores of a task
(multi-task training of D-NET, Li et al. 2019, https://aclanthology.org/D19-5828, section 3.2)."""

import numpy as np

from common.contract import get_optional
from common.data.samplers import MIX, ORDER, EpochSampler, EvaluationSampler, rank_part, sample_values, split_order
from common.data.transform import Transform, random_for
from common.errors import ConfigError


class TaskMixture:
    """The samples of several datasets, one behind the other; each has `task`, the name of its dataset.

    Args:
        parts (dict[str, Dataset]): a dataset for each task.
        only (str): the task whose samples are kept; null for all.
    """

    labels = None

    def __init__(self, parts, only=None):
        self.tasks = list(parts)
        if only is not None and only not in parts:
            raise ValueError(f"only is {only!r}; the tasks are {', '.join(parts)}")
        self.parts = {name: part for name, part in parts.items() if only in (None, name)}
        self.ends = np.cumsum([len(part) for part in self.parts.values()]).tolist()
        self.padding = {
            key: fill
            for part in self.parts.values()
            for key, fill in (get_optional(part, "dataset", "padding") or {}).items()
        }

    def __len__(self):
        return self.ends[-1]

    def __getitem__(self, index):
        """One sample, with its `task`."""
        number = int(np.searchsorted(self.ends, index, "right"))
        name, part = list(self.parts.items())[number]
        return part[index - (self.ends[number - 1] if number else 0)] | {"task": name}

    def groups(self):
        """The number of the task of each sample (ndarray)."""
        return np.repeat(np.arange(len(self.parts)), [len(part) for part in self.parts.values()])

    def lengths(self):
        """The length of each sample (list)."""
        return [length for part in self.parts.values() for length in sample_values(part, "lengths", len(part))]

    def check(self, deep=False, cache=None):
        """The issues of all parts."""
        found = [part.check(deep, cache) for part in self.parts.values() if hasattr(part, "check")]
        return [issue for issues in found for issue in issues or ()]


class TaskSampler(EpochSampler):
    """Batches of one task each, mixed by ratio: of the batches of an epoch each task has a share, in random order.

    A task with more batches than samples begins again, in another order; one with fewer has others in the next epoch.

    Args:
        length (int): number of samples of the dataset.
        batch_size (int): samples per batch and process, of the tasks that `sizes` does not name.
        dataset (object): a TaskMixture.
        ratio (dict[str, float]): the share of each task in the batches, in any unit; null for those of full batches.
        sizes (dict[str, int]): batch sizes of tasks whose samples are longer or shorter.
        steps (int): batches of an epoch; 0 for as many as the samples fill.
        seed (int): seed of the order.
        rank (int): rank of this process, from 0.
        world (int): number of processes.

    Raises:
        DataError: no samples, or less than one full batch.
        ConfigError: a task is unknown, or a number is out of range.
    """

    def __init__(
        self, length, batch_size, dataset, ratio=None, sizes=None, steps=0, seed=0, rank=0, world=1
    ):  # fmt: skip
        names = list(getattr(dataset, "parts", ()))
        if not names:
            raise ConfigError(f"TaskSampler takes batches of a TaskMixture, not of {type(dataset).__name__}")
        groups = sample_values(dataset, "groups", length)
        self.members = [np.flatnonzero(groups == number) for number in range(len(names))]
        own = numbers_of_tasks(sizes or {}, dataset.tasks, "sizes")
        self.sizes = [int(own.get(name, batch_size)) * world for name in names]
        full = [len(members) // max(1, size) for members, size in zip(self.members, self.sizes, strict=True)]
        shares = numbers_of_tasks(ratio or dict(zip(names, full, strict=True)), dataset.tasks, "ratio")
        shares = [float(shares.get(name, 0)) for name in names]
        if min(*self.sizes, 1) < 1 or min(shares) < 0 or steps < 0:
            raise ConfigError(
                f"ratio is {ratio}, sizes {sizes}, steps {steps}; none is negative, and sizes are 1 or more"
            )
        self.counts = divide(steps or sum(full), shares) if sum(shares) > 0 else [0] * len(names)
        super().__init__(length, batch_size, True, seed, True, rank, world)

    def batch_lengths(self):
        return [size for size, count in zip(self.sizes, self.counts, strict=True) for _ in range(count)]

    def global_batches(self, epoch):
        batches = []
        for number, (members, size, count) in enumerate(zip(self.members, self.sizes, self.counts, strict=True)):
            rng = random_for(self.seed, epoch, number, ORDER)
            rounds = -(-size * count // len(members))
            drawn = [rng.permutation(members) + k * self.length for k in range(rounds)]
            batches += split_order(np.concatenate(drawn), [size] * count) if drawn else []
        return [batches[k] for k in random_for(self.seed, epoch, MIX).permutation(len(batches))]


class TaskEvaluation(EvaluationSampler):
    """Batches of one task each for evaluation: every sample once, in order.

    Args:
        length (int): number of samples.
        batch_size (int): samples per batch at most.
        dataset (object): a TaskMixture.
        rank (int): rank of this process, from 0.
        world (int): number of processes.

    Raises:
        DataError: no samples.
    """

    def __init__(self, length, batch_size, dataset, rank=0, world=1):
        super().__init__(length, batch_size, rank, world)
        self.groups = sample_values(dataset, "groups", length)

    def batches(self, epoch=0):
        """The batches of this process: a list of lists of indexes; the same in every epoch."""
        mine = rank_part(np.arange(self.length), self.rank, self.world)
        parts = [part for part in np.split(mine, np.flatnonzero(np.diff(self.groups[mine])) + 1) if len(part)]
        size = self.batch_size
        return [part[k : k + size].tolist() for part in parts for k in range(0, len(part), size)]


class ForTask(Transform):
    """Applies transforms to the samples, or to the batches, of one task.

    Args:
        task (str): its name in TaskMixture.
        transforms (list[Transform]): all of samples, or all of batches, in order of application.
    """

    def __init__(self, task, transforms):
        kinds = {bool(transform.per_batch) for transform in transforms}
        if len(kinds) != 1 or any(transform.extra for transform in transforms):
            raise ValueError(
                f"ForTask of {task} got {', '.join(type(one).__name__ for one in transforms) or 'no transforms'}; "
                "it takes transforms of samples alone, or of batches alone, none of which mixes in other samples"
            )
        self.task, self.transforms, self.per_batch = task, transforms, kinds.pop()
        self.augments = any(transform.augments for transform in transforms)

    def __call__(self, sample, rng):
        if (sample[0] if self.per_batch else sample)["task"] == self.task:
            for transform in self.transforms:
                sample = transform(sample, rng)
        return sample


def numbers_of_tasks(given, names, what):
    """The numbers of tasks; raises ConfigError for one that is not among `names`."""
    odd = [name for name in given if name not in names]
    if odd:
        raise ConfigError(f"{what} names {odd[0]!r}; the tasks are {', '.join(names)}")
    return given


def divide(count, shares):
    """Whole numbers in proportion to shares that add up to `count`, the largest remainders rounded up (list[int])."""
    exact = np.array(shares) * count / sum(shares)
    whole = np.floor(exact).astype(int)
    for number in np.argsort(whole - exact, kind="stable")[: count - int(whole.sum())]:
        whole[number] += 1
    return whole.tolist()
