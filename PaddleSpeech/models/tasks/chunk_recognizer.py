"""A recogniser for sound that comes in pieces, as a program: what is kept between two pieces goes in and comes out.

Shapes in this file:
    T frames of a piece, F features of a frame, T' frames that it completes, C tokens with the blank.
"""

from paddle import nn

from ..heads.ctc_head import log_probabilities


class ChunkRecognizer(nn.Layer):
    """One piece of one recording, by the parts of a SpeechRecognizer.

    Args:
        encoder (DeepSpeech2StreamingEncoder): answers pieces.
        head (Layer): to scores of tokens.
    """

    task = "StreamingRecognition"

    def __init__(self, encoder, head):
        super().__init__()
        if not hasattr(encoder, "chunk"):
            raise ValueError(f"{type(encoder).__name__} hears whole recordings only; take DeepSpeech2StreamingEncoder")
        self.encoder, self.head = encoder, head
        begin = {name: value.shape for name, value in encoder.begin().items()}
        free = {"kept_frames": 1, "kept_maps": 2, "kept_states": 1}  # the axes whose sizes change
        shapes = {name: [None if free.get(name) == k else s for k, s in enumerate(begin[name])] for name in begin}
        self.inputs = {"features": ([1, None, encoder.num_features], "float32"), "final": ([1], "int64")}
        self.inputs |= {name: (shape, "float32") for name, shape in shapes.items()}
        self.outputs = ("log_probs", *(f"next_{name}" for name in begin))
        self.about = {"begin": {name: list(shape) for name, shape in begin.items()}}
        self.about |= {"first_frames": encoder.first_frames, "time_stride": encoder.time_stride}

    def forward(self, features, final, kept_frames, kept_maps, hidden, kept_states):
        """What a further piece completes.

        Args:
            features (Tensor): float32 [1, T, F].
            final (Tensor): int64 [1], 1 where it is the last piece, else 0.
            kept_frames (Tensor): float32 [1, k, F], see the encoder; 5 of zeros before the first piece.
            kept_maps (Tensor): float32 [1, channels, k, F'], the same.
            hidden (Tensor): float32 [layers, 1, D], zeros before the first piece.
            kept_states (Tensor): float32 [1, 1 + k, D], one of zeros before the first piece.

        Returns:
            tuple: log probabilities float32 [1, T', C], and the last four for the next piece.
        """
        x, *kept = self.encoder.chunk(features, final[0], kept_frames, kept_maps, hidden, kept_states)
        return log_probabilities(self.head(x)), *kept

    predict = forward
