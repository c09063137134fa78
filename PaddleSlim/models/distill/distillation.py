"""Knowledge distillation: a student learns from the outputs and the features of a trained teacher."""

import inspect

import paddle
from paddle import nn

from common.build.teacher import load_teacher
from common.errors import ConfigError
from common.training.compression import Compression

from .named_layers import Recorder
from .terms import check_keys, check_pair, terms_of

ADAPTORS = "distillation_adaptors"


class Distillation(Compression):
    """Adds distillation losses to the losses of a model (https://arxiv.org/abs/1503.02531, 1412.6550, Yim et al. 2017).

    Args:
        teacher (dict): `config` and `weights` of the trained model, of any kit.
        soft_label (dict | None): `temperature` (4), `weight` (1), and the layers whose logits are compared, `student`
            and `teacher` (head).
        pairs (list[dict]): pairs of layers by dotted name, wildcards allowed: `student`, `teacher`, `loss` (L2, FSP,
            SoftLabel, Attention, or the node of a loss of two tensors), `weight` (1). FSP takes two names on each side.
        label_weight (float): weight of the original losses of the model.
    """

    def __init__(self, teacher, soft_label=None, pairs=(), label_weight=1.0):
        check_keys("teacher", teacher, ("config", "weights"), ("config", "weights"))
        if soft_label is None and not pairs:
            raise ValueError("Distillation got neither soft_label nor pairs; it needs at least one of them")
        if not label_weight >= 0:
            raise ValueError(f"label_weight is {label_weight}; it must be 0 or more")
        self.pairs = [dict(pair) if isinstance(pair, dict) else pair for pair in pairs]
        for index, pair in enumerate(self.pairs):
            check_pair(f"pairs.{index}", pair)
        if soft_label is not None:
            check_keys("soft_label", soft_label, ("temperature", "weight", "student", "teacher"))
            self.pairs.insert(0, {"student": "head", "teacher": "head", **soft_label, "loss": "SoftLabel"})
        self.where, self.label_weight = teacher, label_weight
        self.probing = False

    def prepare(self, model, context):
        """Builds the teacher, resolves the layers of both models, and creates the adaptors that their shapes need.

        Raises:
            ConfigError: a name matches no layer, or features cannot be compared.
        """
        labels, kit = getattr(context.dataset("train"), "labels", None), context.config.kit
        self.teacher = load_teacher(self.where["config"], self.where["weights"], labels, kit, context.config)
        self.terms = [term for pair in self.pairs for term in terms_of(pair, model, self.teacher)]
        ours = [name for term in self.terms for name in term.student]
        theirs = [name for term in self.terms for name in term.teacher]
        self.ours = Recorder(model, ours, "student", lambda: model.training or self.probing)
        self.theirs = Recorder(self.teacher, theirs, "teacher")
        self.adaptors = self.make_adaptors(model, next(context.batches("train", 1)))
        layers = nn.LayerList(self.adaptors)
        if list(layers.parameters()):
            setattr(model, ADAPTORS, layers)
            model.training_only = (*getattr(model, "training_only", ()), ADAPTORS)

    def make_adaptors(self, model, batch):
        """The adaptors of each term, from the feature shapes of a batch (dict of arrays); the model is unchanged."""
        from common.training.trainer import to_tensors

        was_training, batch = model.training, to_tensors(batch)
        model.eval()
        self.probing = True
        try:
            with paddle.no_grad():
                model.loss(batch)
                ours, theirs = self.features(batch)
            with paddle.utils.unique_name.guard(f"{ADAPTORS}_"):  # the names that the optimizer state uses
                return [term.adaptors(ours, theirs) for term in self.terms]
        except ValueError as error:
            raise ConfigError(f"slim: {error}") from error
        finally:
            self.probing = False
            if was_training:
                model.train()

    def features(self, batch):
        """The features of the last pass of the student, and those of the teacher for the batch of Tensors."""
        with paddle.no_grad():
            self.teacher.predict(**arguments(self.teacher, batch))
        return self.ours.take(), self.theirs.take()

    def loss(self, model, batch, losses):
        """The losses of the model times `label_weight`, and the distillation losses; losses of one name are summed."""
        ours, theirs = self.features(batch)
        result = {name: value * self.label_weight for name, value in losses.items()}
        for term, layers in zip(self.terms, self.adaptors):
            value = term.value(ours, theirs, layers)
            result[term.name] = result[term.name] + value if term.name in result else value
        return result


def arguments(teacher, batch):
    """The arguments of a teacher's `predict` in a batch, by name.

    Raises:
        ConfigError: the batch lacks one of them.
    """
    names = list(inspect.signature(teacher.predict).parameters)
    lacking = [name for name in names if name not in batch]
    if lacking:
        raise ConfigError(f"slim: the teacher takes {', '.join(lacking)}, which a batch of data.train lacks")
    return {name: batch[name] for name in names}
