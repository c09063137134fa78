"""The task on images: classification."""

from common.errors import ConfigError
from common.hub.finetune.task import BaseTask


class ImageClassifierTask(BaseTask):
    """The class of an image.

    Args:
        feature (Feature): `outputs["feature_map"]`.
        data_reader (ImageClassificationReader): with the dataset.
        num_classes (int): `dataset.num_labels`.
        feed_list (list[str]): names of inputs.
        config (RunConfig): the settings.
        hidden_units (list[int]): must be empty: the head is a linear layer.
        more (object): further arguments of :class:`BaseTask`.

    Raises:
        ConfigError: there are hidden units, or the sizes of images are not known.
    """

    part = "backbone"
    takes = "feature_map"
    metrics = {"acc": {"type": "Accuracy", "topk": [1]}}

    def __init__(
        self, feature=None, data_reader=None, num_classes=None, feed_list=None, config=None, hidden_units=None, **more
    ):
        if hidden_units:
            raise ConfigError("ImageClassifierTask: hidden_units: the head is a linear layer here")
        super().__init__(feature, data_reader, num_classes, feed_list, config, **more)

    def model(self):
        head, loss = {"type": "ClassifierHead"}, {"type": "CrossEntropy"}
        return {"type": "ImageClassifier", "backbone": self.trainable.node, "head": head, "loss": loss}

    def size(self):
        """Height and width of the images (list of two), those of the reader or of the module."""
        reader, crop = self.reader, self.trainable.find("CenterCrop", "Resize")
        if reader.image_width and reader.image_height:
            return [reader.image_height, reader.image_width]
        size = crop.get("size") if crop else None
        if size is None:
            raise ConfigError(f"{self.program.module}: give ImageClassificationReader image_width= and image_height=")
        return size

    def transforms(self, training):
        reader, normalize = self.reader, dict(self.trainable.find("Normalize") or {"type": "Normalize"})
        given = {"mean": reader.images_mean, "std": reader.images_std}
        normalize |= {key: list(value) for key, value in given.items() if value is not None}
        if training and reader.data_augmentation:
            crops = [{"type": "RandomResizedCrop", "size": self.size()}, {"type": "RandomFlip"}]
            return [{"type": "Decode"}, *crops, normalize]
        own = [node for node in self.trainable.transforms if node["type"] not in ("Decode", "Normalize")]
        resize = {"type": "Resize", "size": self.size(), "keep_ratio": False}
        return [{"type": "Decode"}, *([resize] if reader.image_width or not own else own), normalize]

    def train_section(self):
        return super().train_section() | {"workers": 2}
