"""The graph of a session (SR-GNN, https://arxiv.org/abs/1811.00855, section 3.1 and 3.2).

Shapes in this file:
    N sessions, L clicks (-1 for padding, at the end), H numbers in a vector.

An item that is clicked twice is one node: the node stands at the place of its first click, the other places are empty.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


class GatedGraph(nn.Layer):
    """Sends the vectors of nodes along the edges, out and in, and updates them by gates (eq. 1 to 5).

    Args:
        size (int): H.
        steps (int): how often.
    """

    def __init__(self, size, steps=1):
        super().__init__()
        self.steps = steps
        self.edge_in, self.edge_out = nn.Linear(size, size), nn.Linear(size, size)
        self.from_edges = nn.Linear(2 * size, 3 * size, bias_attr=False)
        self.from_node = nn.Linear(size, 3 * size)

    def forward(self, nodes, incoming, outgoing):
        """Vectors [N, L, H] of nodes [N, L, H]; the weights of the edges are [N, L, L]."""
        for _ in range(self.steps):
            message = paddle.concat(
                [paddle.bmm(incoming, self.edge_in(nodes)), paddle.bmm(outgoing, self.edge_out(nodes))], axis=-1
            )
            nodes = gated(self.from_edges(message), self.from_node(nodes), nodes)
        return nodes


def gated(message, own, nodes):
    """Eq. (2) to (5): new vectors of nodes [..., H] from [..., 3 H] of the message and of the node, reset, update, new.

    As in the authors' program, the reset gate is applied to the projection of the node.
    """
    reset_message, update_message, new_message = paddle.split(message, 3, axis=-1)
    reset_own, update_own, new_own = paddle.split(own, 3, axis=-1)
    reset, update = F.sigmoid(reset_message + reset_own), F.sigmoid(update_message + update_own)
    new = paddle.tanh(new_message + reset * new_own)
    return new + update * (nodes - new)


def first_places(items):
    """float32 [N, L, L]: row i is 1 at the first place that holds the item of place i; 0 in rows of padding."""
    same = (items.unsqueeze(2) == items.unsqueeze(1)).astype("float32")
    before = paddle.cumsum(same, axis=2)
    first = same * (before == 1.0).astype("float32")
    return first * (items >= 0).astype("float32").unsqueeze(-1)


def session_edges(items):
    """The weights (incoming, outgoing), float32 [N, L, L], of the edges between the nodes of sessions int64 [N, L].

    Every pair of clicks in a row is an edge, once however often it comes; the edges out of a node weigh 1 together, and
    so do those into a node.
    """
    nodes = first_places(items)
    edges = paddle.bmm(nodes[:, :-1].transpose([0, 2, 1]), nodes[:, 1:])  # [N, from, to]
    edges = (edges > 0).astype("float32")
    into = edges / edges.sum(1, keepdim=True).clip(min=1.0)
    out = edges / edges.sum(2, keepdim=True).clip(min=1.0)
    return into.transpose([0, 2, 1]), out
