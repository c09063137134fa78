"""A speech recognizer that writes tokens: an encoder of a window of sound, and a decoder that attends to it.

Shapes in this file:
    N windows of T frames, F features of a frame, U tokens.
"""

from paddle import nn


class SpeechTranscriber(nn.Layer):
    """Encoder and autoregressive decoder, trained to write the next token of the transcript.

    Args:
        encoder (WhisperEncoder): of windows of `frames` frames of `num_features`.
        decoder (WhisperDecoder): writes texts.
    """

    task = "SpeechTranscription"
    outputs = ("ids", "score", "no_speech")

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.vocab_size, self.max_positions = decoder.vocab_size, decoder.max_positions
        self.inputs = {"features": ([None, encoder.frames, encoder.num_features], "float32")}

    @classmethod
    def from_config(cls, encoder, decoder, build):
        """Builds the encoder, then the decoder for its features.

        Args:
            encoder (node): WhisperEncoder.
            decoder (node): WhisperDecoder.
        """
        encoder = build(encoder)
        return cls(encoder, build(decoder, hidden_size=encoder.out_channels))

    def predict(self, features):
        """The encoded window, [N, T / 2, H]."""
        return self.encoder(features)

    def forward(self, features):
        """The texts: tokens int64 [N, U], score float32 [N], probability of silence float32 [N]; float32 [N, T, F]."""
        return self.decoder.write(self.encoder(features))

    def loss(self, batch):
        """The loss of `features`, `labels` int32 [N, U] and `label_length` int64 [N]."""
        return self.decoder.loss(self.encoder(batch["features"]), batch["labels"], batch["label_length"])
