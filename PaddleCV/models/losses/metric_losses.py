"""Losses of metric learning, of the classes of single images or of the distances within a batch.

Shapes in this file:
    N images, E numbers of an embedding, C classes.  Distances are squared: d(x, y) = |x - y|^2.
"""

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError

from ..heads.classifier_head import classifier_layer

SMALLEST = 1e-7  # of a squared sine, whose root has an infinite slope at 0
FAR = 1e9  # stands for no distance in a minimum


class MarginSoftmax(nn.Layer):
    """Cross entropy of a linear classifier of the embeddings, without any margin; the first stage's baseline.

    Args:
        embedding_size (int): E, given by the head.
        num_classes (int | None): C, given by the data; None where nothing is trained.
    """

    def __init__(self, embedding_size, num_classes=None):
        super().__init__()
        self.fc = classifier_layer(embedding_size, num_classes) if num_classes else None

    def forward(self, embedding, label):
        """A number, from embeddings [N, E] and labels int64 [N]."""
        require_classes(self, self.fc)
        return F.cross_entropy(self.fc(embedding), label)


class ArcMargin(nn.Layer):
    """Softmax of the angles to a vector per class, the own angle widened (https://arxiv.org/abs/1801.07698, eq. 3).

    Args:
        embedding_size (int): E, given by the head.
        num_classes (int | None): C, given by the data; None where nothing is trained.
        scale (float): factor of the cosines, the paper's s.
        margin (float): added to the angle to the own class, in radians, 0 to pi.
        easy_margin (bool): leaves angles beyond 90 degrees as they are; otherwise those beyond pi - margin, where the
            cosine of the sum would rise again, lose margin * sin(margin) of their cosine.
    """

    def __init__(self, embedding_size, num_classes=None, scale=80.0, margin=0.15, easy_margin=False):
        super().__init__()
        if scale <= 0 or not 0 <= margin < math.pi:
            raise ValueError(f"ArcMargin has scale {scale}, margin {margin}; allowed: above 0, and 0 to pi")
        self.scale, self.margin, self.easy_margin = scale, margin, easy_margin
        self.weight = None
        if num_classes:
            xavier = nn.initializer.XavierUniform()
            self.weight = self.create_parameter([num_classes, embedding_size], default_initializer=xavier)

    def forward(self, embedding, label):
        """A number, from embeddings [N, E] and labels int64 [N]."""
        require_classes(self, self.weight)
        cosine = F.normalize(embedding, axis=1) @ F.normalize(self.weight, axis=1).t()  # [N, C]
        own = paddle.take_along_axis(cosine, label.unsqueeze(1), 1)
        wider = widen_angle(own, self.margin, self.easy_margin)
        logits = cosine + F.one_hot(label, cosine.shape[1]) * (wider - own)
        return F.cross_entropy(self.scale * logits, label)


def widen_angle(cosine, margin, easy_margin=False):
    """cos(angle + margin) of a cosine, continued downward where the sum exceeds pi; see :class:`ArcMargin`."""
    sine = paddle.sqrt(paddle.clip(1 - cosine**2, min=SMALLEST))
    wider = cosine * math.cos(margin) - sine * math.sin(margin)
    if easy_margin:
        return paddle.where(cosine > 0, wider, cosine)
    return paddle.where(cosine > math.cos(math.pi - margin), wider, cosine - margin * math.sin(margin))


class TripletLoss(nn.Layer):
    """max(0, d(anchor, positive) + margin - d(anchor, negative)) of normalized embeddings, the mean over the triplets.

    https://arxiv.org/abs/1503.03832, equation 2.

    Args:
        margin (float): squared distance by which the negative has to be farther.
        triplets (str): `given`: rows 3 i, 3 i + 1 and 3 i + 2 are anchor, positive and negative, as TripletSampler lays
            them out; `hard`: every image with its farthest positive and its nearest negative of the batch
            (https://arxiv.org/abs/1703.07737, equation 5), for ClassBatchSampler.
    """

    def __init__(self, margin=0.1, triplets="given"):
        super().__init__()
        if triplets not in ("given", "hard"):
            raise ValueError(f"triplets is {triplets!r}; it must be given or hard")
        self.margin, self.triplets = margin, triplets

    def forward(self, embedding, label):
        """A number, from embeddings [N, E] and labels int64 [N].

        Raises:
            ConfigError: the batch is not laid out in triplets, or has no pair of equal or of different classes.
        """
        embedding = F.normalize(embedding, axis=1)
        if self.triplets == "given":
            anchor, positive, negative = split_triplets(embedding, label)
            to_positive = ((anchor - positive) ** 2).sum(axis=1)
            to_negative = ((anchor - negative) ** 2).sum(axis=1)
        else:
            distances, same, other = pairs_of(self, embedding, label)
            paired = paddle.nonzero(same.sum(axis=1)).flatten()  # images with another of their class
            to_positive = paddle.gather((distances * same).max(axis=1), paired)
            to_negative = paddle.gather(paddle.where(other > 0, distances, distances * 0 + FAR).min(axis=1), paired)
        return F.relu(to_positive + self.margin - to_negative).mean()


class QuadrupletLoss(nn.Layer):
    """max(0, largest positive distance + margin - smallest negative distance) of a batch of normalized embeddings.

    The hardest pairs of https://arxiv.org/abs/1704.01719, section 4: the four images are the two of the farthest pair
    of one class and the two of the nearest pair of different classes, of which none needs to be common.

    Args:
        margin (float): squared distance by which all negatives have to be farther than all positives.
    """

    def __init__(self, margin=0.1):
        super().__init__()
        self.margin = margin

    def forward(self, embedding, label):
        """A number, from embeddings [N, E] and labels int64 [N]; raises ConfigError without both kinds of pairs."""
        distances, same, other = pairs_of(self, F.normalize(embedding, axis=1), label)
        farthest = (distances * same).max()
        nearest = paddle.where(other > 0, distances, distances * 0 + FAR).min()
        return F.relu(farthest + self.margin - nearest)


class EnsembleMetricLoss(nn.Layer):
    """The EML loss: log(1 + beta * theta * exp(gap)) / log(1 + beta) of each image, the mean over the images.

    Of an image's distances p to its positives and n to its negatives, gap = max p - min n, and theta =
    mean exp(p - max p) * mean exp(min n - n), so that theta * exp(gap) = mean exp(p) * mean exp(-n).  The logarithm is
    computed as a softplus, which is linear where the exponential would overflow.

    Args:
        beta (float): the larger, the more a batch with one wrong order costs.
    """

    def __init__(self, beta=1e5):
        super().__init__()
        if beta <= 0:
            raise ValueError(f"beta is {beta}; it is above 0")
        self.beta = beta

    def forward(self, embedding, label):
        """A number, from embeddings [N, E] and labels int64 [N]; raises ConfigError without both kinds of pairs."""
        distances, same, other = pairs_of(self, embedding, label)
        paired = paddle.nonzero(same.sum(axis=1)).flatten()
        distances, same, other = (paddle.gather(each, paired) for each in (distances, same, other))
        farthest = (distances * same).max(axis=1, keepdim=True)
        nearest = paddle.where(other > 0, distances, distances * 0 + FAR).min(axis=1, keepdim=True)
        positive = masked_mean(paddle.exp(paddle.minimum(distances - farthest, paddle.zeros_like(distances))), same)
        negative = masked_mean(paddle.exp(paddle.minimum(nearest - distances, paddle.zeros_like(distances))), other)
        exponent = math.log(self.beta) + paddle.log(positive * negative) + (farthest - nearest).squeeze(1)
        return F.softplus(exponent).mean() / math.log1p(self.beta)


class NPairsLoss(nn.Layer):
    """Cross entropy of each anchor's inner products with the positives of all classes, two images of each class.

    "Improved Deep Metric Learning with Multi-class N-pair Loss Objective" (K. Sohn, NIPS 2016), equations 4 and 8.

    Args:
        l2 (float): factor of half the mean squared length of the embeddings, which are not normalized.
    """

    def __init__(self, l2=0.01):
        super().__init__()
        self.l2 = l2

    def forward(self, embedding, label):
        """A number, from embeddings [N, E] and labels int64 [N], the images of a class one after the other.

        Raises:
            ConfigError: the batch is not of two images of each of several classes.
        """
        first, second = label[0::2].numpy(), label[1::2].numpy()
        if len(first) != len(second) or (first != second).any() or len(set(first.tolist())) < len(first):
            raise ConfigError(
                "NPairsLoss needs two images of each class of a batch, one after the other\n"
                "  fix: data.train.sampler={type: ClassBatchSampler, per_class: 2}"
            )
        similarity = embedding[0::2] @ embedding[1::2].t()  # anchors x positives
        own = paddle.arange(len(first), dtype="int64")
        return F.cross_entropy(similarity, own) + 0.5 * self.l2 * (embedding**2).sum(axis=1).mean()


def squared_distances(embedding):
    """The squared distance of any two rows of [N, E], float32 [N, N], 0 or more."""
    squares = (embedding**2).sum(axis=1, keepdim=True)
    return F.relu(squares + squares.t() - 2 * embedding @ embedding.t())


def pairs_of(loss, embedding, label):
    """Squared distances [N, N], and as 1 and 0 the pairs of equal class (but for an image with itself) and of others.

    Raises:
        ConfigError: the batch lacks one of the two kinds, so that the loss is not defined.
    """
    equal = (label.unsqueeze(1) == label.unsqueeze(0)).astype(embedding.dtype)
    same, other = equal - paddle.eye(len(label), dtype=embedding.dtype), 1 - equal
    for mask, what in ((same, "two images of the same class"), (other, "images of two classes")):
        if not mask.any().item():
            raise ConfigError(
                f"{type(loss).__name__}: a batch does not have {what}\n"
                "  fix: data.train.sampler={type: ClassBatchSampler, per_class: 2}"
            )
    return squared_distances(embedding), same, other


def split_triplets(embedding, label):
    """Anchors, positives and negatives, [N / 3, E] each; raises ConfigError for another layout."""
    anchor, positive, negative = (label[start::3].numpy() for start in range(3))
    if len(label) % 3 or (anchor != positive).any() or (anchor == negative).any():
        raise ConfigError(
            "TripletLoss: a batch is not a row of anchor, positive, negative\n"
            "  fix: data.train.sampler={type: TripletSampler}, or model.loss.triplets=hard with ClassBatchSampler"
        )
    return embedding[0::3], embedding[1::3], embedding[2::3]


def masked_mean(values, mask):
    """The mean over the last axis of the values whose mask is 1; none of a row is 0 / 0."""
    return (values * mask).sum(axis=1) / mask.sum(axis=1)


def require_classes(loss, weights):
    """Raises ConfigError for a loss of classes that was built without their number."""
    if weights is None:
        raise ConfigError(f"{type(loss).__name__} has no classes here: it is computed on training data only")
