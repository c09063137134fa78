"""Knowledge distillation of a classifier, without labels (SSLD, https://arxiv.org/abs/2103.05959).

Shapes in this file:
    N images of D channels and H x W pixels, C classes.
"""

from pathlib import Path

import paddle

from common.build.teacher import load_teacher

from .image_classifier import ImageClassifier, target_of

KIT = Path(__file__).resolve().parents[2]


class DistilledClassifier(ImageClassifier):
    """The student: an :class:`ImageClassifier` whose loss is its distance from a teacher, which needs no labels.

    The teacher is no part of it: the student alone is saved, evaluated and exported, under the names of a plain
    `ImageClassifier`.

    Args:
        backbone (Layer): of the student.
        head (Layer): of the student.
        loss (Layer): of labeled images.
        distillation (Layer): the logits of student and teacher to a number.
        teacher (Teacher): gives the logits to learn.
        label_weight (float): of the loss of labeled images; 0 needs no labels.
    """

    def __init__(self, backbone, head, loss, distillation, teacher, label_weight=0.0):
        super().__init__(backbone, head, loss)
        self.distillation = distillation
        self.teachers = (teacher,)  # in a tuple it is no layer of this one
        self.label_weight = label_weight

    @classmethod
    def from_config(cls, backbone, head, loss, distillation, teacher, num_classes, build, label_weight=0.0):
        """Builds the parts in order; the head is given the channels of the backbone.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            head (node): ClassifierHead, or the head of the backbone's own paper.
            loss (node): CrossEntropy or another loss of classes, for `label_weight`.
            distillation (node): JensenShannonLoss or SoftLabelLoss.
            teacher (node): Teacher.
            num_classes (int): C.
            label_weight (float): of the loss of labeled images; 0 needs no labels.
        """
        student = ImageClassifier.from_config(backbone, head, loss, num_classes, build)
        return cls(
            student.backbone, student.head, student.loss_terms, build(distillation), build(teacher), label_weight
        )

    def loss(self, batch):
        """`loss_teacher`, and with a `label_weight` the terms of :class:`ImageClassifier` times it.

        Args:
            batch (dict): image [N, D, H, W]; with a `label_weight` label and perhaps soft_label as well.
        """
        teacher = self.teachers[0].logits(batch["image"])
        student = self.predict(batch["image"])
        losses = {"loss_teacher": self.distillation(student, teacher)}
        if self.label_weight:
            target = target_of(batch, self.loss_terms)
            losses["loss_class"] = self.label_weight * self.loss_terms(student, target)
        return losses


class Teacher:
    """A trained classifier that no longer learns, built when it is first used.

    Args:
        config (str): its configuration.
        weights (str): its checkpoint.
        labels (list[str]): the classes of the student, in order.
    """

    def __init__(self, config, weights, labels):
        self.config, self.weights, self.labels = config, weights, list(labels)
        self.model = None

    def logits(self, image):
        """The logits of images [N, D, H, W], float32 [N, C], without a gradient.

        Raises:
            ConfigError: the checkpoint does not fit its configuration, or knows other classes than the student.
            CheckpointError: it is damaged.
        """
        if self.model is None:
            self.model = self.load()
        with paddle.no_grad():
            return self.model.predict(image).detach()

    def load(self):
        """The model on its weights, in evaluation mode; the random numbers of the student stay what they were."""
        return load_teacher(self.config, self.weights, self.labels, KIT)
