"""Speech synthesizers: encoder, decoder and converter, from the symbols of a text to a linear spectrogram.

Shapes in this file:
    N texts of S symbols, T steps of U frames, M mel bins, K frequencies, P features of a speaker.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal
from common.layers.masks import sequence_mask


class SpeechSynthesizer(nn.Layer):
    """A synthesizer of one speaker.

    Args:
        encoder (DeepVoice3Encoder): symbols to keys and values.
        decoder (DeepVoice3Decoder): keys and values to mel frames, every U-th one.
        converter (DeepVoice3Converter): states of the decoder to a linear spectrogram.
        loss (SynthesisLoss): the losses.
        max_steps (int): steps of a text at most.
        min_steps (int): steps of a text at least.
    """

    task = "SpeechSynthesis"
    inputs = {"ids": ([None, None], "int64"), "length": ([None], "int64")}
    outputs = ("linear", "frames", "complete", "alignment")

    def __init__(self, encoder, decoder, converter, loss, max_steps=512, min_steps=10):
        super().__init__()
        if not 1 <= min_steps <= max_steps:
            raise ValueError(f"min_steps is {min_steps} and max_steps {max_steps}; the first is 1 to the second")
        self.encoder, self.decoder, self.converter, self.loss_terms = encoder, decoder, converter, loss
        self.vocab_size, self.max_steps, self.min_steps = encoder.vocab_size, max_steps, min_steps

    @classmethod
    def from_config(
        cls, encoder, decoder, converter, loss, build, num_bins, n_fft, frames_per_step=4, max_steps=512, min_steps=10
    ):
        """Builds the parts in order.

        Args:
            encoder (node): DeepVoice3Encoder.
            decoder (node): DeepVoice3Decoder.
            converter (node): DeepVoice3Converter.
            loss (node): SynthesisLoss.
            num_bins (int): M.
            n_fft (int): of the linear spectrogram, 2 (K - 1).
            frames_per_step (int): U.
            max_steps (int): steps of a text at most.
            min_steps (int): steps of a text at least.
        """
        encoder = build(encoder)
        decoder = build(decoder, memory_size=encoder.out_channels, num_bins=num_bins)
        converter = build(
            converter, in_channels=decoder.out_channels, num_frequencies=n_fft // 2 + 1, upsampling=frames_per_step
        )
        return cls(encoder, decoder, converter, build(loss), max_steps, min_steps)

    def voice(self, speaker):
        """The embeddings of speakers int64 [N]; None, for there is one speaker."""

    def predict(self, ids, length):
        """Keys and values of texts, [N, S, E] each, 0 at padding; arguments as of :meth:`forward`."""
        return self.encode(ids, length, None)[:2]

    def encode(self, ids, length, voice):
        """(keys, values, mask) of texts, [N, S, E] twice and float [N, S]."""
        mask = sequence_mask(length, ids)
        keys, values = self.encoder(ids, mask, voice)
        return keys * mask.unsqueeze(2), values * mask.unsqueeze(2), mask

    def forward(self, ids, length):
        """Speaks texts.

        Args:
            ids (Tensor): int64 [N, S], symbols, 0 at padding.
            length (Tensor): int64 [N].

        Returns:
            tuple: levels of the linear spectrogram float32 [N, T U, K], 0 behind the end; frames int64 [N]; bool [N],
                whether the end was found; weights of the attention float32 [N, T, S].
        """
        return self.speak(ids, length, None)

    def speak(self, ids, length, voice):
        """:meth:`forward` of speakers [N, P], or None."""
        memory = self.decoder.remember(*self.encode(ids, length, voice), voice)
        states, weights, steps, ended = self.decoder.write(memory, voice, self.max_steps, self.min_steps)
        levels = F.sigmoid(self.converter(states, steps, voice))
        frames = steps * self.converter.upsampling
        return levels * sequence_mask(frames, levels).unsqueeze(2), frames, ended, weights

    def teach(self, batch):
        """The predictions of each frame of recordings after the true frames before it.

        Args:
            batch (dict): `ids` int64 [N, S], `length` int64 [N], `mel` float32 [N, T U, M], `frame_length` int64 [N].

        Returns:
            dict: `mel` [N, T, M], `linear` [N, T U, K] and `end` [N, T], logits; `weights`, a list of [N, T, S];
                `target` [N, T, M], every U-th frame; `steps` int64 [N].
        """
        voice = self.voice(batch.get("speaker"))
        memory = self.decoder.remember(*self.encode(batch["ids"], batch["length"], voice), voice)
        target = batch["mel"][:, :: self.converter.upsampling]
        steps = (batch["frame_length"] + self.converter.upsampling - 1) // self.converter.upsampling
        before = paddle.concat([paddle.zeros_like(target[:, :1]), target[:, :-1]], axis=1)
        mel, end, states, weights = self.decoder(before, memory, voice)
        linear = self.converter(states, steps, voice)
        return {"mel": mel, "linear": linear, "end": end, "weights": weights, "target": target, "steps": steps}

    def loss(self, batch):
        """The losses of `ids`, `length`, `mel`, `linear` and `frame_length`, see :meth:`teach`."""
        return self.loss_terms(self.teach(batch), batch)

    def sheet(self, batch):
        """The mean attention (steps to the right, symbols down), predicted and true mel frames (low bins below)."""
        found = self.teach(batch)
        weights = sum(found["weights"]) / len(found["weights"])
        weights = weights / paddle.max(weights, axis=[1, 2], keepdim=True)
        mels = [value.transpose([0, 2, 1]).flip(1) for value in (F.sigmoid(found["mel"]), found["target"])]
        return [value.unsqueeze(1) * 2 - 1 for value in (weights.transpose([0, 2, 1]), *mels)]


class MultiSpeakerSynthesizer(SpeechSynthesizer):
    """A synthesizer of several speakers, whose embeddings all layers see (arXiv 1710.07654, section 3.7).

    Args:
        encoder (DeepVoice3Encoder): symbols to keys and values.
        decoder (DeepVoice3Decoder): keys and values to mel frames, every U-th one.
        converter (DeepVoice3Converter): states of the decoder to a linear spectrogram.
        loss (SynthesisLoss): the losses.
        speakers (nn.Embedding): the embeddings [speakers, P].
        max_steps (int): steps of a text at most.
        min_steps (int): steps of a text at least.
    """

    inputs = SpeechSynthesizer.inputs | {"speaker": ([None], "int64")}

    def __init__(self, encoder, decoder, converter, loss, speakers, max_steps=512, min_steps=10):
        super().__init__(encoder, decoder, converter, loss, max_steps, min_steps)
        self.speakers = speakers

    @classmethod
    def from_config(
        cls, encoder, decoder, converter, loss, build, speakers, num_bins, n_fft, frames_per_step=4, max_steps=512,
        min_steps=10, speaker_size=16,
    ):  # fmt: skip
        """Builds the parts in order, each given the size of the speakers' embeddings.

        Args:
            encoder (node): DeepVoice3Encoder.
            decoder (node): DeepVoice3Decoder.
            converter (node): DeepVoice3Converter.
            loss (node): SynthesisLoss.
            speakers (list[str]): names.
            num_bins (int): M.
            n_fft (int): of the linear spectrogram, 2 (K - 1).
            frames_per_step (int): U.
            max_steps (int): steps of a text at most.
            min_steps (int): steps of a text at least.
            speaker_size (int): P.
        """
        more = {"speaker_size": speaker_size}
        encoder = build(encoder, **more)
        decoder = build(decoder, memory_size=encoder.out_channels, num_bins=num_bins, **more)
        sizes = {"num_frequencies": n_fft // 2 + 1, "upsampling": frames_per_step}
        converter = build(converter, in_channels=decoder.out_channels, **sizes, **more)
        voices = nn.Embedding(len(speakers), speaker_size, weight_attr=normal(0.1))
        return cls(encoder, decoder, converter, build(loss), voices, max_steps, min_steps)

    def voice(self, speaker):
        """The embeddings [N, P] of speakers int64 [N]."""
        return self.speakers(speaker)

    def predict(self, ids, length, speaker):
        """Keys and values of texts, [N, S, E] each, 0 at padding; arguments as of :meth:`forward`."""
        return self.encode(ids, length, self.voice(speaker))[:2]

    def forward(self, ids, length, speaker):
        """Speaks texts int64 [N, S] of lengths int64 [N] by speakers int64 [N]; see the parent class."""
        return self.speak(ids, length, self.voice(speaker))
