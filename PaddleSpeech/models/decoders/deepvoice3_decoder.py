"""The decoder of Deep Voice 3 (https://arxiv.org/abs/1710.07654, sections 3.4 and 3.5): mel frames, one after another.

Shapes in this file:
    N texts of S symbols and E features, T steps (frames of M mel bins), C channels, P features of a speaker, L blocks.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.decoding import loop

from ..blocks.gated_convolution import HALF, GatedConvolution
from ..blocks.monotonic_attention import MonotonicAttention, encode_positions
from ..blocks.weight_norm import WeightNormConv1D

ENDED = 0.5  # probability of the end above which a text is spoken


class DeepVoice3Decoder(nn.Layer):
    """Causal gated convolutions, the first and the last of which are followed by attention to the symbols.

    Args:
        memory_size (int): E, given by the encoder.
        num_bins (int): M, given by the model.
        channels (int): C.
        kernel_size (int): taps of the convolutions.
        prenet_dilations (list[int]): of the blocks before the attention.
        dilations (list[int]): of the L blocks.
        position_rates (list[float]): of the steps, and of the symbols: steps per symbol.
        dropout (float): in training.
        window (list[int]): of the attention at synthesis: symbols ahead, symbols back.
        speaker_size (int): P, given by the model; 0 for a single speaker.
    """

    def __init__(
        self, memory_size, num_bins, channels=256, kernel_size=3, prenet_dilations=(1, 3), dilations=(1, 3, 9, 27, 1),
        position_rates=(1.0, 1.385), dropout=0.05, window=(3, 1), speaker_size=0,
    ):  # fmt: skip
        super().__init__()
        if len(position_rates) != 2 or len(window) != 2 or len(dilations) < 2:
            raise ValueError("position_rates and window have two numbers each, dilations two or more")
        self.num_bins, self.out_channels, self.dropout = num_bins, channels, dropout
        self.memory_size, self.rates = memory_size, list(position_rates)
        common = {"causal": True, "dropout": dropout, "speaker_size": speaker_size}
        self.widen = WeightNormConv1D(num_bins, channels)
        self.prenet = nn.LayerList(
            [
                GatedConvolution(channels, kernel_size, dilation, gain=4.0 if number else 2.0, **common)
                for number, dilation in enumerate(prenet_dilations)
            ]
        )
        self.blocks = nn.LayerList(
            [GatedConvolution(channels, kernel_size, dilation, residual=False, **common) for dilation in dilations]
        )
        self.attentions = nn.LayerList([MonotonicAttention(channels, memory_size, dropout, *window) for _ in range(2)])
        self.attending = {0: 0, len(dilations) - 1: 1}  # block -> its attention
        self.output = WeightNormConv1D(channels, num_bins, gain=4.0 * (1 - dropout))
        self.end = WeightNormConv1D(num_bins, 1)
        self.speakers = nn.LayerList([WeightNormConv1D(speaker_size, 1) for _ in range(2)] if speaker_size else [])

    def remember(self, keys, values, mask, speaker=None):
        """The memory of both attentions: projections of keys and values [N, S, E] with a mask float [N, S] (list)."""
        rate = self.rate_of(1, speaker)
        keys = keys + encode_positions(paddle.shape(keys)[1], self.memory_size, rate)
        return [attention.remember(keys, values, mask) for attention in self.attentions]

    def rate_of(self, number, speaker):
        """The rate of the positions of steps (0) or symbols (1): a number, or [N, 1] of the speakers."""
        if not len(self.speakers):
            return self.rates[number]
        return self.rates[number] * F.sigmoid(self.speakers[number].project(speaker))

    def forward(self, frames, memory, speaker=None):
        """The frames after given ones, in training.

        Args:
            frames (Tensor): [N, T, M], the frame before each step.
            memory (list): see :meth:`remember`.
            speaker (Tensor | None): [N, P].

        Returns:
            tuple: logits of the frames [N, T, M], logits of the end [N, T], states [N, T, C], weights of both
                attentions, [N, T, S] each.
        """
        positions = encode_positions(paddle.shape(frames)[1], self.out_channels, self.rate_of(0, speaker))
        x = F.dropout(frames, self.dropout, training=self.training).transpose([0, 2, 1])
        x, weights = F.relu(self.widen(x)), []
        for block in self.prenet:
            x = block(x, speaker)
        for number, block in enumerate(self.blocks):
            found = block(x, speaker)
            if number in self.attending:
                attention = self.attending[number]
                asked = found.transpose([0, 2, 1]) + positions
                found, seen = self.attentions[attention](asked, memory[attention])
                found = found.transpose([0, 2, 1])
                weights.append(seen)
            x = (found + x) * HALF
        states = x.transpose([0, 2, 1])
        frames = self.output.project(states)
        return frames, self.end.project(frames).squeeze(2), states, weights

    def write(self, memory, speaker, most, least):
        """Speaks texts frame by frame; stops when all rows have ended.

        Args:
            memory (list): see :meth:`remember`.
            speaker (Tensor | None): [N, P].
            most (int): steps at most.
            least (int): steps before the end.

        Returns:
            tuple[Tensor, ...]: states [N, T, C], zeros behind the end; the mean weights of both attentions [N, T, S];
                the number of steps int64 [N]; bool [N], whether the end was found.
        """
        keys = memory[0][0]
        rows = keys[:, 0, :1] * 0  # [N, 1]
        positions = encode_positions(most, self.out_channels, self.rate_of(0, speaker))
        layers = [*self.prenet, *self.blocks]
        constants = [layer.constants(speaker) for layer in layers]
        places = paddle.arange(most).astype("int64")
        nobody = rows.squeeze(1).astype("int64")  # zeros [N]
        states = rows.unsqueeze(2) + paddle.zeros([1, most, self.out_channels])
        seen = (keys[:, :, 0] * 0).unsqueeze(1) + paddle.zeros([1, most, 1])

        def unfinished(t, frame, ended, *rest):
            return paddle.logical_and(t < most, paddle.logical_not(paddle.all(ended)))

        def body(t, frame, ended, steps, last, later, states, seen, *pasts):
            position = paddle.index_select(positions, t, axis=positions.ndim - 2)
            state, lasts, weights, pasts = self.step(frame, position, (last, later), memory, pasts, constants)
            logits = self.output.project(state)
            here = paddle.logical_and((places == t).unsqueeze(0), paddle.logical_not(ended).unsqueeze(1)).unsqueeze(2)
            states = paddle.where(here, state.unsqueeze(1), states)
            seen = paddle.where(here, weights, seen)
            steps = steps + paddle.logical_not(ended).astype("int64")
            done = F.sigmoid(self.end.project(logits).squeeze(1)) > ENDED
            ended = paddle.logical_or(ended, paddle.logical_and(done, t + 1 >= least))
            return [t + 1, F.sigmoid(logits), ended, steps, *lasts, states, seen, *pasts]

        first = [
            paddle.zeros([1], "int64"),
            rows + paddle.zeros([1, self.num_bins]),
            nobody.astype("bool"),
            nobody,
            nobody,
            nobody,
        ]
        found = loop(unfinished, body, [*first, states, seen, *(layer.begin(rows) for layer in layers)])
        t, _, ended, steps, _, _, states, seen = found[:8]
        return paddle.slice(states, [1], [0], [t]), paddle.slice(seen, [1], [0], [t]), steps, ended

    def step(self, frame, position, lasts, memory, pasts, constants):
        """One step of :meth:`write`.

        Args:
            frame (Tensor): [N, M], the frame before.
            position (Tensor): [1, C] or [N, 1, C], the encoding of the step.
            lasts (tuple[Tensor, Tensor]): int64 [N], the symbols that the attentions saw most of before.
            memory (list): see :meth:`remember`.
            pasts (list[Tensor]): of all blocks.
            constants (list): of all blocks.

        Returns:
            tuple: the state [N, C], the new lasts (list), mean weights [N, 1, S], the new pasts (list).
        """
        x, after, chosen, weights = F.relu(self.widen.project(frame)), [], [], 0.0
        before = len(self.prenet)
        for number, (block, past, same) in enumerate(zip([*self.prenet, *self.blocks], pasts, constants)):
            found, past = block.step(x, past, same)
            after.append(past)
            attention = self.attending.get(number - before)
            if attention is not None:
                asked = found.unsqueeze(1) + position
                found, seen = self.attentions[attention](asked, memory[attention], lasts[attention])
                found, weights = found.squeeze(1), weights + 0.5 * seen
                chosen.append(paddle.argmax(seen.squeeze(1), axis=-1))
            x = found if number < before else (found + x) * HALF
        return x, chosen, weights, after
