"""Deep Attention Matching of a reply with the turns of a dialogue (DAM, Zhou et al. 2018, https://aclanthology.org/P18-1103).

Shapes in this file:
    N dialogues of S turns and a reply, of W words each (padded); H features, L blocks, C = 2 (L + 1) maps of likeness.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal, uniform

HIDDEN = -1e9  # added to the scores of words that are padding
MOST = 10.0  # loss of a sample


class DeepAttentionMatching(nn.Layer):
    """Words of a turn and of the reply are compared after 0 to L blocks of attention in their own text, and after
    attention to the other text; the maps of likeness of all turns are read by two convolutions.

    Args:
        vocab_size (int): size of the vocabulary.
        hidden_size (int): H, also of the vectors of words.
        blocks (int): L.
        turns (int): S.
        words (int): W.
        channels (list[int]): of both convolutions.
        dropout (float): of the maps of likeness.
    """

    task = "TextClassification"
    outputs = ("scores",)

    def __init__(
        self, vocab_size, hidden_size=200, blocks=5, turns=9, words=50, channels=(32, 16), dropout=0.0
    ):  # fmt: skip
        super().__init__()
        if len(channels) != 2 or blocks < 1:
            raise ValueError(f"channels is {list(channels)}, blocks {blocks}; two numbers, and 1 or more")
        self.inputs = {"input_ids": ([None, turns + 1, words], "int64"), "length": ([None, turns + 1], "int64")}
        self.vocab_size, self.turns, self.words = vocab_size, turns, words
        self.embedding = nn.Embedding(vocab_size, hidden_size, weight_attr=normal(hidden_size**-0.5))

        def several(count):
            return nn.LayerList([AttentiveBlock(hidden_size) for _ in range(count)])

        self.of_turn, self.of_reply = several(blocks), several(blocks)
        self.turn_to_reply, self.reply_to_turn = several(blocks + 1), several(blocks + 1)
        maps, (first, second) = 2 * (blocks + 1), channels
        self.convolutions = nn.LayerList([nn.Conv3D(maps, first, 3, padding=1), nn.Conv3D(first, second, 3, padding=1)])
        self.dropout = nn.Dropout(dropout)
        cells = 1
        for size in (turns, words, words):
            cells *= pooled(pooled(size))
        self.output = nn.Linear(second * cells, 1, weight_attr=uniform((3 / (second * cells)) ** 0.5))
        self.scale = hidden_size**-0.5

    def predict(self, input_ids, length):
        """Logits [N] that the reply follows; int64 [N, S + 1, W], [N, S + 1]."""
        steps = paddle.arange(self.words).astype("int64")
        mask = (steps < length.unsqueeze(2)).astype("float32")  # [N, S + 1, W]
        x = self.embedding(input_ids) * mask.unsqueeze(3)
        reply, turns = x[:, :1], x[:, 1:]
        seen_reply, seen = mask[:, :1], mask[:, 1:]
        replies, said = [reply], [turns]
        for block, other in zip(self.of_reply, self.of_turn):
            replies.append(block(replies[-1], replies[-1], seen_reply))
            said.append(other(said[-1], said[-1], seen))
        maps = []
        for turn, answer in zip(said, replies):
            maps.append(paddle.matmul(turn, answer, transpose_y=True))
        for to_reply, to_turn, turn, answer in zip(self.turn_to_reply, self.reply_to_turn, said, replies):
            answer = answer.expand([-1, self.turns, -1, -1])
            maps.append(
                paddle.matmul(to_reply(turn, answer, seen_reply), to_turn(answer, turn, seen), transpose_y=True)
            )
        both = seen.unsqueeze(3) * seen_reply.unsqueeze(2)  # [N, S, W, W]
        found = self.dropout(paddle.stack(maps, 1) * self.scale * both.unsqueeze(1))
        for convolution in self.convolutions:
            found = F.max_pool3d(F.elu(convolution(found)), 3, 3, ceil_mode=True)
        return self.output(found.flatten(1)).squeeze(1)

    def forward(self, input_ids, length):
        """The probabilities that the reply does not follow and that it does, [N, 2]; see `predict`."""
        right = F.sigmoid(self.predict(input_ids, length))
        return paddle.stack([1 - right, right], 1)

    def loss(self, batch):
        """The mean binary cross entropy, of a sample at most MOST.

        Args:
            batch (dict): the inputs, and label int64 [N], 1 for the right reply.
        """
        logits = self.predict(batch["input_ids"], batch["length"])
        found = F.binary_cross_entropy_with_logits(logits, batch["label"].astype("float32"), reduction="none")
        return {"loss_class": paddle.clip(found, max=MOST).mean()}


class AttentiveBlock(nn.Layer):
    """Attention without weights, and a feed-forward network, each with a residual connection and layer normalization.

    Args:
        hidden_size (int): H.
    """

    def __init__(self, hidden_size):
        super().__init__()
        self.attention_norm, self.norm = nn.LayerNorm(hidden_size), nn.LayerNorm(hidden_size)
        self.wide, self.narrow = nn.Linear(hidden_size, hidden_size), nn.Linear(hidden_size, hidden_size)
        self.scale = hidden_size**-0.5

    def forward(self, query, key, mask):
        """[N, S, W, H] of query [N, S, W, H], key [N, S, W, H] and the mask of its words float32 [N, S, W]."""
        scores = paddle.matmul(query, key, transpose_y=True) * self.scale + ((mask - 1) * -HIDDEN).unsqueeze(2)
        x = self.attention_norm(query + paddle.matmul(F.softmax(scores), key))
        return self.norm(x + self.narrow(F.relu(self.wide(x))))


def pooled(size):
    """The cells that pooling of 3 by steps of 3 makes of `size`, a part of a cell counting as one."""
    return -(-size // 3)
