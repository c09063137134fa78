"""Editing of attributes: an image with some of them changed, and those that the model sees in it."""

import re

import numpy as np

from common.errors import ConfigError
from common.inference.generated import image_of_record, image_record, images_beside
from common.inference.task import Task
from common.suggest import did_you_mean

CHANGE = re.compile(r"\s*(.+?)\s*=\s*([01])\s*")
KEEP = -1.0


class AttributeEditing(Task):
    """An edited image for every change; without changes, one for each attribute, which the image then has.

    Args:
        attributes (list[str]): names of all attributes of the model, in order.
        changes (list[str]): `Male=1` gives the image an attribute, `Male=0` takes it away; several with commas between
            them, `Male=1, Senior=1`, change one image together.
        exclusive (list[list[str]]): groups of attributes of which an image has one: giving one takes the others away.
    """

    columns = {"change": "change", "attributes": "attributes", "size": "size", "png": "png"}

    def __init__(self, attributes=(), changes=(), exclusive=()):
        self.attributes, self.exclusive = list(attributes), [list(group) for group in exclusive]
        self.ask_for(changes)

    def ask_for(self, changes):
        """Chooses the changes (list[str]), see the class; raises ConfigError for one that cannot be made."""
        texts = list(changes) or [f"{name}=1" for name in self.attributes]
        self.changes = {text: self.target(text) for text in texts}

    def target(self, text):
        """The attributes that a change asks for, float32 [C]: 1, 0, or -1 for what stays."""
        wanted, named = np.full(len(self.attributes), KEEP, np.float32), set()
        for part in text.split(","):
            match = CHANGE.fullmatch(part)
            if not match:
                raise ConfigError(f"change {part.strip()!r}: write ATTRIBUTE=1 or ATTRIBUTE=0, such as Male=1")
            name, value = match.groups()
            if name not in self.attributes:
                near = did_you_mean(name, self.attributes)
                raise ConfigError(f"change {part.strip()!r}: no attribute {name!r}{near}; {', '.join(self.attributes)}")
            if name in named:
                raise ConfigError(f"change {text.strip()!r}: names {name!r} twice; name each attribute once")
            named.add(name)
            for group in self.exclusive:
                if value == "1" and name in group:
                    wanted[[self.attributes.index(other) for other in group]] = 0
            wanted[self.attributes.index(name)] = float(value)
        return wanted

    def synthetic(self, inputs):
        """A synthetic image with the first change."""
        return super().synthetic({"image": inputs["image"]}) | {"target": next(iter(self.changes.values()))}

    def split(self, sample):
        """The decoded image once for each change, with `target` float32 [C]; as it is if it has a target."""
        if "target" in sample:
            return [sample]
        if not self.attributes:
            raise ConfigError("postprocess.attributes is empty: name the attributes of the model, in order")
        return [sample | {"change": text, "target": target} for text, target in self.changes.items()]

    def records(self, outputs, samples, labels, threshold):
        """The edited image of each sample.

        Args:
            outputs (dict[str, ndarray]): `edited` float32 [N, 3, H, W] from -1 to 1; `attributes` float32 [N, C],
                probabilities of those of the given image.
            samples (list[dict]): with `change`, or `target` alone.
            labels (list[str] | None): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each sample one record: `change`; `attributes`, those of the given image with a
                probability above 0.5; `size` (height, width) and `png`, a PNG file in base64.
        """
        found = []
        for image, scores, sample in zip(np.asarray(outputs["edited"]), np.asarray(outputs["attributes"]), samples):
            seen = [name for name, score in zip(self.attributes, scores) if score > 0.5]
            change = sample.get("change") or self.text_of(np.asarray(sample["target"]))
            found.append([{"change": change, "attributes": seen, **image_record(image)}])
        return found

    def text_of(self, target):
        """A change float [C] as text, `Male=1, Child=0`."""
        named = zip(self.attributes, target)
        return ", ".join(f"{name}={int(value)}" for name, value in named if value != KEEP)

    def draw(self, image, records):
        """The edited image, RGB uint8 [H, W, 3]; of several, the given one and all edited ones in a row."""
        edited = [image_of_record(record) for record in records]
        return edited[0] if len(edited) == 1 else images_beside([image, *edited])

    def line(self, sample, records):
        """The file with the attributes that the model sees, and the changes; --out writes the images."""
        seen = ", ".join(records[0]["attributes"]) or "none of the attributes"
        return f"{sample['name']}: {seen} -> " + "; ".join(record["change"] for record in records)
