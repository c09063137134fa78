"""The recognizer of a word in an image: an encoder of its columns, and a decoder that spells.

Shapes in this file:
    N images of c channels (1 of gray, 3 of color) and H x W pixels (padded at the right), T steps of the encoder,
    U characters of a text, C classes with the blank, which has id 0.
"""

from paddle import nn

from common.errors import ConfigError


class TextRecognizer(nn.Layer):
    """Images of words to ids of characters.

    A decoder has `loss(features, steps, labels, label_length)` and `spell(features, steps)`, see CTCDecoder.

    Args:
        encoder (Layer): image and its size to features and steps, see WordEncoder.
        decoder (Layer): CTCDecoder or AttentionDecoder.
    """

    task = "TextRecognition"
    outputs = ("ids", "score")

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        channels = getattr(encoder, "in_channels", 1)
        self.inputs = {"image": ([None, channels, encoder.height, None], "float32"), "im_shape": ([None, 2], "float32")}

    @classmethod
    def from_config(cls, encoder, decoder, num_classes, build):
        """Builds the encoder, then the decoder for its features.

        Args:
            encoder (node): WordEncoder, VGGEncoder or SVTREncoder.
            decoder (node): CTCDecoder or AttentionDecoder.
            num_classes (int): C.
        """
        encoder = build(encoder)
        return cls(encoder, build(decoder, in_channels=encoder.out_channels, num_classes=num_classes))

    def forward(self, image, im_shape):
        """The texts.

        Args:
            image (Tensor): float32 [N, c, H, W].
            im_shape (Tensor): float32 [N, 2], height and width of each image without its padding.

        Returns:
            tuple[Tensor, Tensor]: ids int64 [N, U], the characters of each text, filled with 0; the confidence,
                float32 [N], see the decoder.
        """
        return self.decoder.spell(*self.encoder(image, im_shape))

    predict = forward

    def loss(self, batch):
        """The terms of the loss.

        Args:
            batch (dict): image, im_shape, labels int32 [N, U] (1 to C - 1) and label_length int64 [N].

        Raises:
            ConfigError: the images have no texts.
            DataError: a text is empty, has an id that is no class, or does not fit into its image.
        """
        if "labels" not in batch:
            raise ConfigError("the images have no texts as ids: add CharacterIds to the transforms")
        features, steps = self.encoder(batch["image"], batch["im_shape"])
        return self.decoder.loss(features, steps, batch["labels"], batch["label_length"])
