"""The terms of the distillation loss: pairs of student and teacher layers with a loss and a weight."""

from paddle import nn

from common.errors import ConfigError
from common.layers.distillation import AttentionLoss, SoftLabelLoss

from .feature_losses import adaptor, fsp_loss, mean_square
from .named_layers import find_layers

LOSSES = {"L2": "loss_l2", "FSP": "loss_fsp", "SoftLabel": "loss_soft_label", "Attention": "loss_attention"}
ADAPTED = ("loss_l2", "loss_fsp")  # features may differ in their channels
KEYS = ("student", "teacher", "loss", "weight", "temperature")


class Term:
    """A weighted loss between features of student and teacher.

    Args:
        name (str): of the loss; losses of one name are summed.
        student (list[str]): names of the student's layers: one, or two for an FSP matrix.
        teacher (list[str]): names of the teacher's layers.
        distance (Callable): (tensor, tensor) or (pair of tensors, pair of tensors) -> loss.
        weight (float): of the loss.
    """

    def __init__(self, name, student, teacher, distance, weight=1.0):
        self.name, self.student, self.teacher = name, student, teacher
        self.distance, self.weight = distance, weight

    def tensors(self, ours, theirs):
        """The pairs of tensors of student and teacher (list).

        Args:
            ours (Features): of the student.
            theirs (Features): of the teacher.

        Raises:
            ValueError: the two layers have a different number of outputs.
        """
        found = []
        for mine, other in zip(self.student, self.teacher):
            pair = ours.tensors(mine), theirs.tensors(other)
            if len(pair[0]) != len(pair[1]) or (len(self.student) == 2 and len(pair[0]) != 1):
                raise ValueError(f"{mine} has {len(pair[0])} outputs, the teacher's {other} has {len(pair[1])}")
            found += list(zip(*pair))
        return found

    def adaptors(self, ours, theirs):
        """The adaptors of the student's tensors to the channels of the teacher's (LayerList).

        Raises:
            ValueError: the shapes differ in more than the channels, or the loss needs equal channels.
        """
        layers = nn.LayerList()
        for mine, other in self.tensors(ours, theirs):
            layer = adaptor(mine.shape, other.shape)
            shapes = list(mine.shape), list(other.shape)
            of_other_size = self.name == "loss_l2" and len(shapes[0]) == 4 and shapes[0][2:] != shapes[1][2:]
            if of_other_size or (self.name not in ADAPTED and not isinstance(layer, nn.Identity)):
                here, there = self.student[0], self.teacher[0]
                raise ValueError(
                    f"{here} has shape {shapes[0]}, the teacher's {there} {shapes[1]}: {self.name} cannot compare them"
                )
            layers.append(layer)
        return layers

    def value(self, ours, theirs, layers):
        """The weighted loss, summed over the outputs of the layer."""
        pairs = [(layer(mine), other) for layer, (mine, other) in zip(layers, self.tensors(ours, theirs))]
        if len(self.student) == 2:
            return self.weight * self.distance(*zip(*pairs))
        return self.weight * sum(self.distance(mine, other) for mine, other in pairs)


def terms_of(pair, student, teacher):
    """The terms of one pair of the configuration: one, or with wildcards one for each matching layer.

    Args:
        pair (dict): student, teacher, loss, and optionally weight and temperature.
        student (nn.Layer): the model that learns.
        teacher (nn.Layer): the model it learns from.

    Raises:
        ConfigError: a name matches no layer, or the two sides match a different number of layers.
    """
    sides = [
        [find_layers(model, pattern, what) for pattern in as_list(pair[what])]
        for model, what in ((student, "student"), (teacher, "teacher"))
    ]
    loss, weight = pair["loss"], pair.get("weight", 1.0)
    name = LOSSES.get(loss, "loss_feature") if isinstance(loss, str) else "loss_feature"
    if loss == "FSP":
        for found, patterns in zip(sides, (pair["student"], pair["teacher"])):
            if any(len(names) != 1 for names in found):
                raise ConfigError(f"slim: FSP takes two layers on each side; {list(patterns)} matches more")
        return [Term(name, *[[names[0] for names in side] for side in sides], fsp_loss, weight)]
    mine, others = (side[0] for side in sides)
    if len(mine) != len(others):
        raise ConfigError(
            f"slim: '{pair['student']}' matches {len(mine)} layers of the student and '{pair['teacher']}' "
            f"{len(others)} of the teacher; they are compared one by one"
        )
    distance = loss if isinstance(loss, nn.Layer) else mean_square
    if loss == "SoftLabel":
        distance = SoftLabelLoss(pair.get("temperature", 4.0))
    elif loss == "Attention":
        distance = AttentionLoss()
    return [Term(name, [one], [other], distance, weight) for one, other in zip(mine, others)]


def as_list(value):
    """A list of names; one name becomes a list of one."""
    return [value] if isinstance(value, str) else list(value)


def check_pair(label, pair):
    """Validates a pair.

    Raises:
        ValueError: a key is missing, unknown or has an invalid value.
    """
    check_keys(label, pair, KEYS, ("student", "teacher", "loss"))
    if isinstance(pair["loss"], str) and pair["loss"] not in LOSSES:
        raise ValueError(f"{label} has loss {pair['loss']!r}; it must be {', '.join(LOSSES)}, or the node of a loss")
    if "temperature" in pair and pair["loss"] != "SoftLabel":
        raise ValueError(f"{label} has a temperature, which only the loss SoftLabel takes")
    count = 2 if pair["loss"] == "FSP" else 1
    for side in ("student", "teacher"):
        names = as_list(pair[side]) if isinstance(pair[side], str | list | tuple) else []
        if len(names) != count or not all(isinstance(name, str) for name in names):
            right = "a list of two names of layers" if count == 2 else "the name of a layer"
            raise ValueError(f"{label}.{side} is {pair[side]!r}; with {pair['loss']} it must be {right}")


def check_keys(label, node, known, needed=()):
    """Validates the keys of a mapping and its weight.

    Raises:
        ValueError: a key is missing or unknown, or the weight is not a number of 0 or more.
    """
    if not isinstance(node, dict):
        raise ValueError(f"{label} is {node!r}; it takes {', '.join(known)}")
    for key in node:
        if key not in known:
            raise ValueError(f"{label} has no key {key!r}; it takes {', '.join(known)}")
    for key in needed:
        if not node.get(key):
            raise ValueError(f"{label} needs {key}")
    weight = node.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not weight >= 0:
        raise ValueError(f"{label}.weight is {weight!r}; it must be a number of 0 or more")
