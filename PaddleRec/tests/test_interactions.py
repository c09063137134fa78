"""Feature interactions and embedding tables, against numbers worked out by hand."""

import numpy as np
import paddle

from common.layers.masks import masked_sum
from PaddleRec.models.embeddings.sparse_table import LocalTable, SparseEmbedding, replace_tables, replace_unknown
from PaddleRec.models.interactions.attention_unit import AttentionUnit, weighted_sum
from PaddleRec.models.interactions.compressed_interaction import CompressedInteraction, interact
from PaddleRec.models.interactions.cross_network import CrossNetwork, cross
from PaddleRec.models.interactions.factorization_machine import pairwise_products
from PaddleRec.models.interactions.session_graph import first_occurrences, gated_update, session_edges


def tensor(values, dtype="float32"):
    return paddle.to_tensor(np.array(values, dtype))


def test_pairwise_products_are_those_of_all_pairs():
    # (1,2)(3,4) = 11, (1,2)(5,6) = 17, (3,4)(5,6) = 39
    assert pairwise_products(tensor([[[1, 2], [3, 4], [5, 6]]])).tolist() == [67.0]


def test_a_cross_is_the_first_times_a_projection():
    # (1,2) * (3*1 + 4*1) + (10,20) + (3,4) = (7,14) + (13,24)
    crossed = cross(tensor([[1, 2]]), tensor([[3, 4]]), tensor([[1], [1]]), tensor([10, 20]))
    assert crossed.tolist() == [[20.0, 38.0]]


def test_a_cross_network_with_zero_weights_is_the_identity():
    network = CrossNetwork(2, 3)
    for weight in network.weights:
        weight.set_value(paddle.zeros_like(weight))
    assert network(tensor([[5, 7]])).tolist() == [[5.0, 7.0]]


def test_a_compressed_interaction_weights_elementwise_products():
    vectors = tensor([[[1, 2], [3, 4]]])  # two fields of two numbers
    # products: f1 f1 = (1,4), f1 f2 = (3,8), f2 f1 = (3,8), f2 f2 = (9,16); 1, 10, 0 and 100 times: (931, 1684)
    assert interact(vectors, vectors, tensor([[1, 10, 0, 100]])).tolist() == [[[931.0, 1684.0]]]
    network = CompressedInteraction(2, [1, 1])
    network.weights[0].set_value(tensor([[1, 0, 0, 0]]))  # the map is (1, 4)
    network.weights[1].set_value(tensor([[0, 1]]))  # times the second field: (3, 16)
    assert network(vectors).tolist() == [[5.0, 19.0]]


def test_attention_ignores_padding():
    history = tensor([[[1, 2], [3, 4], [100, 100]]])
    present = tensor([[True, True, False]], "bool")
    assert weighted_sum(tensor([[2, 10, 5]]), history, present).tolist() == [[32.0, 44.0]]
    nothing = tensor([[False] * 3], "bool")
    assert AttentionUnit(2, [3])(history, tensor([[1, 1]]), nothing).tolist() == [[0.0, 0.0]]


def test_an_item_clicked_twice_is_one_node():
    items = tensor([[7, 3, 7, -1]], "int64")
    places = first_occurrences(items)[0].tolist()
    assert places == [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_the_edge_weights_of_a_node_sum_to_one():
    # 7 -> 3 -> 7 -> 5 -> 7 -> 3: out of 7 go edges to 3 (twice, counted once) and 5; into 7 come edges of 3 and 5
    incoming, outgoing = session_edges(tensor([[7, 3, 7, 5, 7, 3]], "int64"))
    out = np.zeros((6, 6))
    out[0, 1] = out[0, 3] = 0.5
    out[1, 0] = out[3, 0] = 1
    np.testing.assert_allclose(outgoing[0].numpy(), out)
    into = np.zeros((6, 6))  # row: the node that receives
    into[1, 0] = into[3, 0] = 1
    into[0, 1] = into[0, 3] = 0.5
    np.testing.assert_allclose(incoming[0].numpy(), into)


def test_gates_at_one_half_mix_the_node_and_the_candidate():
    # reset = update = sigmoid(0) = 1/2; candidate tanh(0.2 + 1/2 * 0.6) = tanh(0.5); half of it and half of the node
    new = gated_update(tensor([[0, 0, 0.2]]), tensor([[0, 0, 0.6]]), tensor([[1.0]]))
    np.testing.assert_allclose(new.numpy(), [[0.5 + 0.5 * np.tanh(0.5)]], rtol=1e-6)


def test_ids_out_of_range_get_the_row_of_unknown_ids():
    ids = tensor([[0, 4, 5, -1, 10**12]], "int64")
    assert replace_unknown(ids, 5, 2).tolist() == [[0, 4, 2, 2, 2]]
    table = SparseEmbedding(5, 3)
    np.testing.assert_array_equal(table(ids)[0, 4].numpy(), table.table.weight[0].numpy())


def test_pooling_leaves_out_padding():
    rows = tensor([[[1, 1], [2, 2], [9, 9]]])
    assert masked_sum(rows, tensor([[True, True, False]], "bool")).tolist() == [[3.0, 3.0]]


def test_pushing_gradients_equals_the_backward_pass_of_the_lookup():
    ids, gradients = tensor([1, 3, 1], "int64"), tensor([[1, 2], [3, 4], [5, 6]])
    pushed, looked = LocalTable(4, 2), LocalTable(4, 2)
    pushed.push(ids, gradients)
    (looked.lookup(ids) * gradients).sum().backward()
    for table in (pushed, looked):
        gradient = paddle._C_ops.merge_selected_rows(table.weight._grad_ivar())
        assert gradient.rows() == [1, 3]
        assert gradient._get_tensor_from_selected_rows().tolist() == [[6.0, 8.0], [3.0, 4.0]]


def test_a_remote_table_replaces_the_local_one():
    class RemoteTable:
        def __init__(self, rows):
            self.rows, self.pushed = rows, []

        def lookup(self, ids):
            found = paddle.to_tensor(self.rows[ids.numpy()], stop_gradient=False)
            found.register_hook(lambda gradient: self.pushed.append((ids.tolist(), gradient.tolist())))
            return found

    model = SparseEmbedding(4, 2)
    holder = paddle.nn.Sequential(model)
    seen = []
    replace_tables(holder, lambda name, table: seen.append(name) or RemoteTable(table.weight.numpy()))
    (model(tensor([1, 9], "int64")) * 2).sum().backward()
    assert seen == ["0.table"] and model.table.pushed == [([1, 0], [[2.0, 2.0], [2.0, 2.0]])]
