"""The session graph and its gated graph neural network (SR-GNN, https://arxiv.org/abs/1811.00855, sections 3.1-3.2).

Shapes in this file:
    N sessions, L clicks (-1 for padding, at the end), H features of an embedding.

An item that is clicked twice is one node, at the position of its first click; the other positions are empty.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


class GatedGraph(nn.Layer):
    """A gated graph neural network: messages along outgoing and incoming edges, and a gated update (eq. 1 to 5).

    Args:
        size (int): H.
        steps (int): propagation steps.
    """

    def __init__(self, size, steps=1):
        super().__init__()
        self.steps = steps
        self.edge_in, self.edge_out = nn.Linear(size, size), nn.Linear(size, size)
        self.from_edges = nn.Linear(2 * size, 3 * size, bias_attr=False)
        self.from_node = nn.Linear(size, 3 * size)

    def forward(self, nodes, incoming, outgoing):
        """Updated nodes [N, L, H] of nodes [N, L, H] and edge weights [N, L, L]."""
        for _ in range(self.steps):
            message = paddle.concat(
                [paddle.bmm(incoming, self.edge_in(nodes)), paddle.bmm(outgoing, self.edge_out(nodes))], axis=-1
            )
            nodes = gated_update(self.from_edges(message), self.from_node(nodes), nodes)
        return nodes


def gated_update(message, own, nodes):
    """Eq. (2) to (5): updated nodes [..., H]; message and own projection [..., 3 H] are reset, update and candidate.

    As in the authors' code, the reset gate is applied to the projection of the node.
    """
    reset_message, update_message, new_message = paddle.split(message, 3, axis=-1)
    reset_own, update_own, new_own = paddle.split(own, 3, axis=-1)
    reset, update = F.sigmoid(reset_message + reset_own), F.sigmoid(update_message + update_own)
    new = paddle.tanh(new_message + reset * new_own)
    return new + update * (nodes - new)


def first_occurrences(items):
    """float32 [N, L, L]: row i is one-hot at the first occurrence of item i; 0 in rows of padding."""
    same = (items.unsqueeze(2) == items.unsqueeze(1)).astype("float32")
    before = paddle.cumsum(same, axis=2)
    first = same * (before == 1.0).astype("float32")
    return first * (items >= 0).astype("float32").unsqueeze(-1)


def session_edges(items):
    """The normalized adjacency matrices (incoming, outgoing), float32 [N, L, L], of sessions int64 [N, L].

    Every pair of consecutive clicks is an edge, counted once; the weights of the outgoing edges of a node sum to 1, and
    so do those of its incoming edges.
    """
    nodes = first_occurrences(items)
    following = paddle.concat([nodes[:, 1:], paddle.zeros_like(nodes[:, :1])], axis=1)  # bmm is undefined on no clicks
    edges = paddle.bmm(nodes.transpose([0, 2, 1]), following)  # [N, from, to]
    edges = (edges > 0).astype("float32")
    into = edges / edges.sum(1, keepdim=True).clip(min=1.0)
    out = edges / edges.sum(2, keepdim=True).clip(min=1.0)
    return into.transpose([0, 2, 1]), out
