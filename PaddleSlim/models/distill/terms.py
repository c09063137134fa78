"""One comparison of a student's layers with its teacher's: which layers, by what loss, how much it counts."""

from paddle import nn

from common.errors import ConfigError
from common.layers.distillation import SoftLabelLoss

from .feature_losses import adaptor, fsp_loss, mean_square
from .named_layers import find_layers

LOSSES = {"L2": "loss_l2", "FSP": "loss_fsp", "SoftLabel": "loss_soft_label"}
ADAPTED = ("loss_l2", "loss_fsp")  # take features of other channels
KEYS = ("student", "teacher", "loss", "weight", "temperature")


class Term:
    """A distance between features.

    Args:
        name (str): of the loss; those of one name are added up.
        student (list[str]): names of the student's layers: one, or two whose FSP matrix is taken.
        teacher (list[str]): of the teacher's.
        distance (Callable): of two tensors, or of two pairs of tensors, to a number.
        weight (float): multiplies it.
    """

    def __init__(self, name, student, teacher, distance, weight=1.0):
        self.name, self.student, self.teacher = name, student, teacher
        self.distance, self.weight = distance, weight

    def tensors(self, ours, theirs):
        """For each layer the tensors of student and teacher, a list of pairs.

        Args:
            ours (Features): of the student.
            theirs (Features): of the teacher.

        Raises:
            ValueError: the two answer another number of tensors.
        """
        found = []
        for mine, other in zip(self.student, self.teacher):
            pair = ours.tensors(mine), theirs.tensors(other)
            if len(pair[0]) != len(pair[1]) or (len(self.student) == 2 and len(pair[0]) != 1):
                raise ValueError(f"{mine} answers {len(pair[0])} tensors, the teacher's {other} {len(pair[1])}")
            found += list(zip(*pair))
        return found

    def adaptors(self, ours, theirs):
        """What brings each of the student's tensors to the channels of the teacher's (LayerList).

        Raises:
            ValueError: they differ in more than that, or the loss takes no others.
        """
        layers = nn.LayerList()
        for mine, other in self.tensors(ours, theirs):
            layer = adaptor(mine.shape, other.shape)
            shapes = list(mine.shape), list(other.shape)
            of_other_size = self.name == "loss_l2" and len(shapes[0]) == 4 and shapes[0][2:] != shapes[1][2:]
            if of_other_size or (self.name not in ADAPTED and not isinstance(layer, nn.Identity)):
                here, there = self.student[0], self.teacher[0]
                raise ValueError(
                    f"{here} answers {shapes[0]}, the teacher's {there} {shapes[1]}: {self.name} cannot be"
                )
            layers.append(layer)
        return layers

    def value(self, ours, theirs, layers):
        """The weighted distance, a number: the sum over the tensors of a layer that answers several."""
        pairs = [(layer(mine), other) for layer, (mine, other) in zip(layers, self.tensors(ours, theirs))]
        if len(self.student) == 2:
            return self.weight * self.distance(*zip(*pairs))
        return self.weight * sum(self.distance(mine, other) for mine, other in pairs)


def terms_of(pair, student, teacher):
    """The terms of one pair of the configuration: one, or with wildcards one for each layer they match.

    Args:
        pair (dict): student, teacher, loss, and perhaps weight and temperature.
        student (nn.Layer): the model that learns.
        teacher (nn.Layer): the model it learns from.

    Raises:
        ConfigError: a name matches no layer, or the two sides do not match the same number.
    """
    sides = [
        [find_layers(model, pattern, what) for pattern in listed(pair[what])]
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
    return [Term(name, [one], [other], distance, weight) for one, other in zip(mine, others)]


def listed(value):
    """A name as a list of one; a list as it is."""
    return [value] if isinstance(value, str) else list(value)


def check_pair(label, pair):
    """Refuses a pair that is written wrong.

    Raises:
        ValueError: names the key.
    """
    check_keys(label, pair, KEYS, ("student", "teacher", "loss"))
    if isinstance(pair["loss"], str) and pair["loss"] not in LOSSES:
        raise ValueError(f"{label} has loss {pair['loss']!r}; it is {', '.join(LOSSES)}, or a node of a loss")
    if "temperature" in pair and pair["loss"] != "SoftLabel":
        raise ValueError(f"{label} has a temperature, which is for the loss SoftLabel")
    count = 2 if pair["loss"] == "FSP" else 1
    for side in ("student", "teacher"):
        names = listed(pair[side]) if isinstance(pair[side], str | list | tuple) else []
        if len(names) != count or not all(isinstance(name, str) for name in names):
            right = "a list of two names of layers" if count == 2 else "the name of a layer"
            raise ValueError(f"{label}.{side} is {pair[side]!r}; with {pair['loss']} it is {right}")


def check_keys(label, node, known, needed=()):
    """Refuses a mapping with other keys than the known ones, without the needed ones, or of a weight below 0.

    Raises:
        ValueError: names the key.
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
        raise ValueError(f"{label}.weight is {weight!r}; it is a number of 0 or more")
