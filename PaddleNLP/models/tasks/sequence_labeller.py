"""A tag for every token of a text: segmentation, parts of speech, named entities, slots.

Shapes in this file:
    N texts of T tokens (padded), C tags, D features.
"""

from ..text_model import TextModel


class SequenceLabeller(TextModel):
    """An encoder, and a head that tags each of its tokens.

    Args:
        encoder (Layer): ids to features of every token.
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

    def scores(self, *inputs):
        """Scores of the tags of each token, [N, T, C]."""
        return self.head(self.features(*inputs))

    def answer(self, scores, length):
        """The tags, int64 [N, T]."""
        return self.head.decode(scores, length)

    def loss(self, batch):
        """The head's loss.

        Args:
            batch (dict): the inputs, and tags int64 [N, T], -1 where there is none.
        """
        return self.head.loss(self.scores(*self.inputs_of(batch)), batch["tags"], batch["length"])
