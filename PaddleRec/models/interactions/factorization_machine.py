"""Second-order interactions of Factorization Machines (https://doi.org/10.1109/ICDM.2010.127, eq. 1, lemma 3.1).

Shapes in this file:
    N rows, F fields, K features of an embedding.
"""


def pairwise_products(vectors):
    """The sum over all pairs i < j of <v_i, v_j>, [N], of embeddings [N, F, K]; linear in F."""
    together, apart = vectors.sum(1), (vectors * vectors).sum(1)  # [N, K]
    return 0.5 * (together * together - apart).sum(-1)
