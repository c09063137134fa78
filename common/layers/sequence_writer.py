"""The base class of models that write a sequence of tokens: teacher forcing, search, label smoothing.

Shapes in this file:
    N samples, U tokens that are written, V tokens of the vocabulary; n sequences that a sample gets, of T tokens at
    most, K hypotheses of a sample.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask
from common.layers.token_search import TokenSearch


class SequenceWriter(nn.Layer):
    """Base class; a child has `inputs`, and defines

        encode(*inputs) -> memory               whatever the decoder needs of the inputs, tensors [N, ...]
        teach(given, memory) -> logits          [N, U, V] behind each of the tokens given int64 [N, U]
        begin(memory, beams) -> (step, state)   see `common.layers.decoding`; `state` has tensors [N, ...], and `step`
                                                sees `beams` hypotheses of a sample behind each other

    Args:
        vocab_size (int): rows of the embedding of the tokens that the tokenizer numbers.
        tokens (dict[str, int]): start, end: the token and its id.
        search (TokenSearch | None): how sequences are written; null for a beam search of 4.
        label_smoothing (float): probability that is spread over the vocabulary (Szegedy et al. 2015,
            https://arxiv.org/abs/1512.00567, section 7), in training only.
    """

    outputs = ("ids", "lengths", "scores")

    def __init__(self, vocab_size, tokens, search=None, label_smoothing=0.0):
        super().__init__()
        for name, number in tokens.items():
            if not 0 <= number < vocab_size:
                raise ValueError(f"the id of '{name}' is {number}; it is 0 to {vocab_size - 1}")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing is {label_smoothing}; allowed: from 0 to below 1")
        self.vocab_size, self.token_ids = vocab_size, dict(tokens)
        self.start, self.end = tokens.values()
        self.search, self.label_smoothing = search or TokenSearch(), label_smoothing

    def first_logits(self, memory, like):
        """Logits [N, V] of the first token that is written; `like` int64 [N] says of how many samples."""
        return self.teach(paddle.full_like(like.unsqueeze(1), self.start), memory)[:, 0]

    def write(self, memory, keys=None):
        """Searches the sequences of what was encoded.

        Args:
            memory (tuple): see :class:`SequenceWriter`.
            keys (Tensor | None): int64 [N], where tokens are drawn, see `common.layers.sampling.sample`.

        Returns:
            tuple[Tensor, Tensor, Tensor]: int64 [N, n, T], the best first, the end token behind its end; their lengths
                int64 [N, n] with the end token; their scores float32 [N, n].
        """
        step, state = self.begin(memory, self.search.hypotheses)
        return tuple(self.search(step, state, self.start, self.end, keys))

    def loss(self, batch):
        """`loss_tokens`, the mean cross entropy of a token and the end, each given those before it.

        Args:
            batch (dict): the inputs; target_ids int64 [N, U], the end token last, target_length int64 [N].
        """
        memory = self.encode(*(batch[name] for name in self.inputs))
        return {"loss_tokens": self.cross_entropy(memory, batch["target_ids"], batch["target_length"])}

    def cross_entropy(self, memory, target, length):
        """The mean cross entropy of target int64 [N, U] of length int64 [N] each, smoothed in training."""
        given = paddle.concat([paddle.full_like(target[:, :1], self.start), target[:, :-1]], 1)
        logits = self.teach(given, memory)
        losses = F.cross_entropy(logits, target, reduction="none").reshape(target.shape)
        if self.training and self.label_smoothing:
            right = paddle.take_along_axis(logits, target.unsqueeze(2), 2).squeeze(2)
            losses = losses + self.label_smoothing * (right - logits.sum(-1) / logits.shape[2])
        counted = sequence_mask(length, target)
        return (losses * counted).sum() / counted.sum()
