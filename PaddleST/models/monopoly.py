"""MONOPOLY: Learning to Price Public Facilities for Revaluing Private Properties with Large-Scale Urban Data
(https://doi.org/10.1145/3357384.3357810), in the form of the original repository.

Shapes in this file:
    N places to price, A attributes, S slots of near places, K kinds of distance, P public places.
"""

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

HOUSE, EMPTY = -1, -2  # what a slot may hold beside the number of a public place


class Monopoly(nn.Layer):
    """The price of a place: a weighted mean of the prices of near places, times a factor of its own attributes.

    The weights of the slots are softmax(sum_k w[s, k] distance[s, k]). The price of a near house is given, that of a
    public place (a school, a park) is learned. The factor is scale * sigmoid(linear(each attribute's linear(one-hot))).

    Args:
        attributes (list[int]): the number of values of each attribute.
        slots (int): S, the largest number of near places.
        kinds (int): K.
        num_public (int): P.
        average_price (float): price of every public place before training.
        scale (float): upper limit of the factor; 1 in the original, where no place costs more than the dearest near it.

    Raises:
        ValueError: a number is out of range.
    """

    task = "PriceEstimation"
    outputs = ("price",)

    def __init__(self, attributes, slots=10, kinds=1, num_public=0, average_price=1.0, scale=1.0):
        super().__init__()
        if not attributes or min(attributes) < 1 or min(slots, kinds) < 1 or num_public < 0 or scale < 1:
            raise ValueError(
                f"Monopoly got attributes={list(attributes)}, slots={slots}, kinds={kinds}, num_public={num_public}, "
                f"scale={scale}; it needs an attribute, sizes, slots, kinds and a scale of at least 1"
            )
        self.sizes, self.scale = list(attributes), scale
        self.inputs = {
            "attributes": ([None, len(self.sizes)], "int64"),
            "near_place": ([None, slots], "int64"),
            "near_price": ([None, slots], "float32"),
            "near_distance": ([None, slots, kinds], "float32"),
        }
        self.values = nn.LayerList([nn.Linear(size, 1) for size in self.sizes])
        start = nn.initializer.Constant(-math.log(scale - 1) if scale > 1 else 0.0)  # a factor of 1 if it can be
        self.own = nn.Linear(len(self.sizes), 1, bias_attr=paddle.ParamAttr(initializer=start))
        self.distance_weight = self.create_parameter(
            [slots, kinds],
            default_initializer=nn.initializer.Constant(-1.0),  # what is near weighs more
        )
        self.public_price = None
        if num_public:
            self.public_price = self.create_parameter(
                [num_public], default_initializer=nn.initializer.Constant(float(average_price))
            )

    def factor(self, attributes):
        """The factor float32 [N] of attributes int64 [N, A]; ids that do not exist count as the last one."""
        columns = []
        for number, (size, layer) in enumerate(zip(self.sizes, self.values)):
            ids = attributes[:, number]
            known = paddle.logical_and(ids >= 0, ids < size)
            columns.append(layer(F.one_hot(paddle.where(known, ids, paddle.full_like(ids, size - 1)), size)))
        return self.scale * F.sigmoid(self.own(paddle.concat(columns, 1))).squeeze(1)

    def weights(self, near_place, near_distance):
        """The weight float32 [N, S] of every slot; those of a row add up to 1, that of an empty slot is 0."""
        logits = (near_distance * self.distance_weight).sum(2)
        filled = (near_place > EMPTY).astype("float32")
        return F.softmax(logits - 1e4 * (1 - filled), 1)

    def prices(self, near_place, near_price):
        """The price float32 [N, S] of every slot: the given one of a house, the learned one of a public place."""
        if self.public_price is None:
            return near_price
        learned = F.embedding(near_place.clip(min=0), self.public_price.unsqueeze(1)).squeeze(2)
        return paddle.where(near_place >= 0, learned, near_price)

    def predict(self, attributes, near_place, near_price, near_distance):
        """The prices float32 [N] of places.

        Args:
            attributes (Tensor): int64 [N, A], the value of each attribute.
            near_place (Tensor): int64 [N, S], the number of a public place, -1 for a house, -2 for an empty slot.
            near_price (Tensor): float32 [N, S], the price of each house.
            near_distance (Tensor): float32 [N, S, K].
        """
        weights = self.weights(near_place, near_distance)
        return self.factor(attributes) * (weights * self.prices(near_place, near_price)).sum(1)

    def forward(self, attributes, near_place, near_price, near_distance):
        """The prices float32 [N]; see :meth:`predict`."""
        return self.predict(attributes, near_place, near_price, near_distance)

    def loss(self, batch):
        """The mean squared error of the prices batch["label"], float32 [N]."""
        return {"loss_price": F.mse_loss(self.predict(*(batch[name] for name in self.inputs)), batch["label"])}
