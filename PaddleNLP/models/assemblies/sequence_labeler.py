"""Sequence labeling: word segmentation, part-of-speech tagging, named entity recognition, slot filling.

Shapes in this file:
    N texts of T tokens (padded), C tags.
"""

from .text_model import TextModel


class SequenceLabeler(TextModel):
    """An encoder, and a head that tags each token.

    Args:
        encoder (Layer): token ids to features of every token.
        head (Layer): CRFHead or SoftmaxTagHead.
    """

    task = "SequenceLabeling"
    outputs = ("tags",)

    def __init__(self, encoder, head):
        super().__init__(encoder)
        self.head = head

    @classmethod
    def from_config(cls, encoder, head, num_classes, build):
        """Builds the encoder, then the head for its features.

        Args:
            encoder (node): a network of PaddleNLP/models/encoders that gives features of every token.
            head (node): CRFHead or SoftmaxTagHead.
            num_classes (int): C.
        """
        encoder = build(encoder)
        return cls(encoder, build(head, in_channels=encoder.out_channels, num_classes=num_classes))

    def logits(self, *inputs):
        """Logits of the tags of each token, [N, T, C]."""
        return self.head(self.features(*inputs))

    def decode(self, logits, length):
        """The tags, int64 [N, T]."""
        return self.head.decode(logits, length)

    def loss(self, batch):
        """The head's loss.

        Args:
            batch (dict): the inputs, and tags int64 [N, T], -1 for tokens without a label.
        """
        return self.head.loss(self.logits(*self.inputs_of(batch)), batch["tags"], batch["length"])
