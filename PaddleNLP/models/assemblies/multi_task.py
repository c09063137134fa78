"""Several tasks with one encoder: multi-task training (Liu et al. 2019, https://arxiv.org/abs/1901.11504), as D-NET
uses it to read (Li et al. 2019, https://aclanthology.org/D19-5828, section 3.2).

Shapes in this file:
    those of the models of the tasks.
"""

from paddle import nn

from .text_model import TextModel


class MultiTask(TextModel):
    """Models of texts that share one encoder; each batch is of one task, and the main task is predicted and exported.

    Args:
        encoder (Layer): token ids to features of every token, with segment embeddings.
        tasks (dict[str, TextModel]): the model of each task, built on this encoder.
        main (str): the task of predictions; null for the first.
    """

    def __init__(self, encoder, tasks, main=None):
        super().__init__(encoder)
        main = main or next(iter(tasks), None)
        if main not in tasks:
            raise ValueError(f"main is {main!r}; the tasks are {', '.join(tasks) or 'none'}")
        for name, model in tasks.items():
            if not encoder.segments or set(model.inputs) != set(self.inputs):
                raise ValueError(
                    f"the task {name} reads {', '.join(model.inputs)}; tasks read {', '.join(self.inputs)}"
                )
            del model.encoder  # its weights are this model's
            model.__dict__["encoder"] = encoder
        self.tasks, self.main = nn.LayerDict(tasks), main
        self.inputs, self.outputs, self.task = tasks[main].inputs, tasks[main].outputs, tasks[main].task

    @classmethod
    def from_config(cls, encoder, tasks, main=None, *, build):
        """Builds the encoder, then the models of the tasks on it.

        Args:
            encoder (node): a transformer of PaddleNLP/models/encoders.
            tasks (dict[str, node]): a model of PaddleNLP/models/assemblies for each task, without its encoder.
            main (str): the task of predictions; null for the first.
        """
        encoder = build(encoder)
        return cls(encoder, {name: build(node, encoder=encoder) for name, node in tasks.items()}, main)

    def part_for(self, batch):
        """The model of the task of a batch, of the main task for one that names none."""
        return self.tasks[batch["task"][0] if "task" in batch else self.main]

    def predict(self, input_ids, token_type_ids, length):
        """The raw predictions of the main task."""
        return self.tasks[self.main].predict(input_ids, token_type_ids, length)

    def forward(self, input_ids, token_type_ids, length):
        """The predictions of the main task."""
        return self.tasks[self.main](input_ids, token_type_ids, length)

    def loss(self, batch):
        """The losses of the task of a batch, with the name of the task.

        Args:
            batch (dict): as the model of its task takes it, and `task`, the name of the task, for each sample.
        """
        name = batch["task"][0] if "task" in batch else self.main
        found = self.tasks[name].loss(batch)
        return {f"loss_{name}_{key.removeprefix('loss_')}": value for key, value in found.items()}
