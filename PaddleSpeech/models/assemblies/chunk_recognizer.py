"""A streaming recognizer as an exportable program: caches and states are inputs and outputs.

Shapes in this file:
    T frames of a chunk, F features of a frame, T' output frames that it completes, C tokens with the blank.
"""

from paddle import nn

from common.layers.ctc import frame_log_probabilities


class ChunkRecognizer(nn.Layer):
    """Recognizes one chunk of one recording, with the encoder and the head of a SpeechRecognizer.

    Args:
        encoder (DeepSpeech2StreamingEncoder): encodes chunk by chunk.
        head (Layer): features to logits.
    """

    task = "StreamingRecognition"

    def __init__(self, encoder, head):
        super().__init__()
        if not hasattr(encoder, "chunk"):
            raise ValueError(f"{type(encoder).__name__} cannot stream; use DeepSpeech2StreamingEncoder")
        self.encoder, self.head = encoder, head
        begin = {name: value.shape for name, value in encoder.begin().items()}
        free = {"kept_frames": 1, "kept_maps": 2, "kept_states": 1}  # the axes of variable size
        shapes = {name: [None if free.get(name) == k else s for k, s in enumerate(begin[name])] for name in begin}
        self.inputs = {"features": ([1, None, encoder.num_features], "float32"), "final": ([1], "int64")}
        self.inputs |= {name: (shape, "float32") for name, shape in shapes.items()}
        self.outputs = ("log_probs", *(f"next_{name}" for name in begin))
        self.about = {"begin": {name: list(shape) for name, shape in begin.items()}}
        self.about |= {"first_frames": encoder.first_frames, "time_stride": encoder.time_stride}

    def forward(self, features, final, kept_frames, kept_maps, hidden, kept_states):
        """Recognizes the next chunk.

        Args:
            features (Tensor): float32 [1, T, F].
            final (Tensor): int64 [1], 1 for the last chunk, else 0.
            kept_frames (Tensor): float32 [1, k, F], see the encoder; 5 frames of zeros before the first chunk.
            kept_maps (Tensor): float32 [1, channels, k, F'], likewise.
            hidden (Tensor): float32 [layers, 1, D], zeros before the first chunk.
            kept_states (Tensor): float32 [1, 1 + k, D], one row of zeros before the first chunk.

        Returns:
            tuple: log probabilities float32 [1, T', C], and the last four inputs for the next chunk.
        """
        x, *kept = self.encoder.chunk(features, final[0], kept_frames, kept_maps, hidden, kept_states)
        return frame_log_probabilities(self.head(x)), *kept

    predict = forward
