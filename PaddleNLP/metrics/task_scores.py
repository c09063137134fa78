"""The scores of several tasks that are evaluated in one pass."""

from common.contract import get_optional


class TaskScores:
    """The scores of each task with its name before them, such as `reading_F1`; the first selects the best checkpoint.

    Args:
        parts (dict[str, Metric]): a metric for each task.
        tasks (list[str]): the tasks that are evaluated; all by default.
    """

    def __init__(self, parts, tasks=None):
        self.parts = {name: part for name, part in parts.items() if tasks is None or name in tasks}
        first = next(iter(self.parts), None)
        if first is None:
            raise ValueError(
                f"TaskScores has metrics of {', '.join(parts) or 'no task'}, the data {', '.join(tasks or ())}"
            )
        self.primary = f"{first}_{self.parts[first].primary}"
        self.higher_is_better = get_optional(self.parts[first], "metric", "higher_is_better")

    @classmethod
    def from_config(cls, parts, dataset, build):
        """Builds the metrics of the tasks that the dataset has.

        Args:
            parts (dict[str, node]): a metric for each task.
            dataset (TaskMixture): given by the program.
        """
        names = list(dataset.parts)
        return cls(
            {name: build(node, dataset=dataset.parts[name]) for name, node in parts.items() if name in names}, names
        )

    def reset(self):
        """Resets all metrics."""
        for part in self.parts.values():
            part.reset()

    def update(self, outputs, batch):
        """Gives a batch to the metric of its task."""
        name = batch["task"][0]
        if name in self.parts:
            self.parts[name].update(outputs, batch)

    def state(self):
        """The states of all metrics (dict of arrays), their names after that of the task."""
        return {f"{name}/{key}": value for name, part in self.parts.items() for key, value in part.state().items()}

    def merge(self, states):
        """Replaces the states by those over all processes."""
        for name, part in self.parts.items():
            own = f"{name}/"
            part.merge([{k.removeprefix(own): v for k, v in state.items() if k.startswith(own)} for state in states])

    def compute(self):
        """The scores of all tasks."""
        return {f"{name}_{key}": value for name, part in self.parts.items() for key, value in part.compute().items()}
