"""Localization of moments by sentences (TALL, https://arxiv.org/abs/1705.02101, section 3): the cross-modal temporal
regression localizer of clips and sentences, whose layers have no biases.

Shapes in this file:
    N videos of W clips (padded) of I features, one sentence of S numbers each; E of a joint embedding.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal

SMALL = 1e-12


class TALL(nn.Layer):
    """Scores every clip of a video for a sentence, and says how much the moment starts and ends after the clip.

    Args:
        loss (Layer): TALLLoss.
        features (int): features of a step; a clip has three times as many: before, in and after it.
        sentence_size (int): S.
        semantic_size (int): E.
        hidden_size (int): units behind the joint features.
    """

    task = "MomentRetrieval"
    outputs = ("scores", "offsets")

    def __init__(self, loss, features=4096, sentence_size=4800, semantic_size=1024, hidden_size=1000):
        super().__init__()
        self.loss_terms = loss
        self.clip = nn.Linear(3 * features, semantic_size, normal(1.0), bias_attr=False)
        self.sentence = nn.Linear(sentence_size, semantic_size, normal(1.0), bias_attr=False)
        self.hidden = nn.Linear(4 * semantic_size, hidden_size, bias_attr=False)
        self.output = nn.Linear(hidden_size, 3, bias_attr=False)
        self.inputs = {
            "clips": ([None, None, 3 * features], "float32"),
            "sentence_vector": ([None, sentence_size], "float32"),
        }

    @classmethod
    def from_config(cls, loss, build, features=4096, sentence_size=4800, semantic_size=1024, hidden_size=1000):
        """Builds the loss.

        Args:
            loss (node): TALLLoss.
            features (int): of a step.
            sentence_size (int): S.
            semantic_size (int): E.
            hidden_size (int): see :class:`TALL`.
        """
        return cls(build(loss), features, sentence_size, semantic_size, hidden_size)

    def predict(self, clips, sentence_vector):
        """The score and both offsets of each clip, [N, W, 3].

        Args:
            clips (Tensor): float32 [N, W, 3 I].
            sentence_vector (Tensor): float32 [N, S].
        """
        clips, sentences = to_unit(self.clip(clips)), to_unit(self.sentence(sentence_vector))
        return self.compare(clips, sentences.unsqueeze(1))

    def compare(self, clips, sentences):
        """The three numbers of pairs, [..., 3], of embedded clips and sentences [..., E] that are broadcast."""
        product, total = clips * sentences, clips + sentences
        joint = paddle.concat([product, total, clips.expand_as(total), sentences.expand_as(total)], -1)
        return self.output(F.relu(self.hidden(joint)))

    def forward(self, clips, sentence_vector):
        """Scores [N, W], 0 to 1, and offsets of start and end [N, W, 2] in steps.

        Args:
            clips (Tensor): float32 [N, W, 3 I].
            sentence_vector (Tensor): float32 [N, S].
        """
        found = self.predict(clips, sentence_vector)
        return F.sigmoid(found[:, :, 0]), found[:, :, 1:]

    def loss(self, batch):
        """The terms of the loss, of every pair of a clip and a sentence of the batch.

        Args:
            batch (dict): clips [N, 1, 3 I], the one that the sentence tells of; sentence_vector [N, S]; offsets
                float32 [N, 2], the true ones.
        """
        clips = to_unit(self.clip(batch["clips"][:, 0]))
        sentences = to_unit(self.sentence(batch["sentence_vector"]))
        return self.loss_terms(self.compare(clips.unsqueeze(0), sentences.unsqueeze(1)), batch["offsets"])


def to_unit(x):
    """Vectors [..., E] divided by their lengths."""
    return x * paddle.rsqrt((x * x).sum(-1, keepdim=True) + SMALL)
