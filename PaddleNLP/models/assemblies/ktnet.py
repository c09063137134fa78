"""KT-NET: reading comprehension with concepts of knowledge bases (Yang et al. 2019, https://aclanthology.org/P19-1226).

Shapes in this file:
    N questions of W windows of T tokens (padded), H features; K candidates of a token, D numbers of a concept.
"""

import paddle
from paddle import nn

from common.layers.initializers import normal
from common.layers.masks import sequence_mask

from ..heads.self_matching import SelfMatching
from .reading_comprehension import ReadingComprehension

NAMES = ("concept_ids", "entity_ids")  # the inputs of the first and of the second memory


class KTNET(ReadingComprehension):
    """An encoder, memories of concepts that its tokens read, self-matching, and the logits of start and end.

    Args:
        encoder (Layer): token ids to features of every token; it has segment embeddings.
        memories (list[ConceptMemory]): none, one, which reads `concept_ids`, or two, the second of which reads
            `entity_ids`.
    """

    def __init__(self, encoder, memories=()):
        super().__init__(encoder)
        if len(memories) > len(NAMES):
            raise ValueError(f"KTNET has {len(memories)} memories; it takes {len(NAMES)} at most")
        for name in NAMES[: len(memories)]:
            self.inputs[name] = ([None, None, None, None], "int64")
        self.memories = nn.LayerList(memories)
        self.matching = SelfMatching(encoder.out_channels + sum(memory.size for memory in memories))
        self.output = nn.Linear(self.matching.out_channels, 2, weight_attr=normal(0.02))
        kinds = ("without_memory", "with_one_memory")
        for method in ("forward", "predict") if len(memories) < len(NAMES) else ():
            setattr(self, method, getattr(self, f"{method}_{kinds[len(memories)]}"))

    @classmethod
    def from_config(cls, encoder, memories=(), *, build):
        """Builds the encoder, then the memories for its features.

        Args:
            encoder (node): a transformer of PaddleNLP/models/encoders.
            memories (list[node]): ConceptMemory, none to two.
        """
        encoder = build(encoder)
        return cls(encoder, [build(memory, in_channels=encoder.out_channels) for memory in memories])

    def logits(self, input_ids, token_type_ids, length, *concepts):
        """Logits of start and end, float32 [N, W, T] each; about -1e4 at the padding.

        Args:
            input_ids (Tensor): int64 [N, W, T].
            token_type_ids (Tensor): int64 [N, W, T].
            length (Tensor): int64 [N, W], tokens without the padding; 0 for a window that is padding.
            concepts (Tensor): int64 [N, W, T, K] of each memory, 0 for no candidate.
        """
        windows, size = paddle.shape(input_ids)[1], paddle.shape(input_ids)[2]
        ids, types = input_ids.reshape([-1, size]), token_type_ids.reshape([-1, size])
        length = paddle.clip(length.reshape([-1]), min=1)
        x, mask = self.encoder(ids, types, length), sequence_mask(length, ids)
        read = [
            memory(x, found.reshape([-1, size, paddle.shape(found)[3]]))
            for memory, found in zip(self.memories, concepts)
        ]
        found = self.output(self.matching(paddle.concat([x, *read], 2), mask))
        found = found + (mask.unsqueeze(2) - 1) * 1e4
        return tuple(found[:, :, side].reshape([-1, windows, size]) for side in range(2))

    def predict(self, input_ids, token_type_ids, length, concept_ids, entity_ids):
        """The logits, see `logits`."""
        return self.logits(input_ids, token_type_ids, length, concept_ids, entity_ids)

    def forward(self, input_ids, token_type_ids, length, concept_ids, entity_ids):
        """The logits, see `logits`."""
        return self.logits(input_ids, token_type_ids, length, concept_ids, entity_ids)

    def predict_with_one_memory(self, input_ids, token_type_ids, length, concept_ids):
        """The logits, see `logits`."""
        return self.logits(input_ids, token_type_ids, length, concept_ids)

    def forward_with_one_memory(self, input_ids, token_type_ids, length, concept_ids):
        """The logits, see `logits`."""
        return self.logits(input_ids, token_type_ids, length, concept_ids)

    def predict_without_memory(self, input_ids, token_type_ids, length):
        """The logits, see `logits`."""
        return self.logits(input_ids, token_type_ids, length)

    def forward_without_memory(self, input_ids, token_type_ids, length):
        """The logits, see `logits`."""
        return self.logits(input_ids, token_type_ids, length)
