"""Recall@k: ranks worked out by hand, ties, roles, blocks and several processes."""

import numpy as np
import pytest

from PaddleCV.data.retrieval_set import BOTH, GALLERY, QUERY
from PaddleCV.metrics.recall_at_k import RecallAtK, ranks_of_first_hit


def at_angles(*degrees):
    """Unit vectors [I, 2]."""
    return np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], 1).astype(np.float32)


def scores(embedding, label, role=None, **given):
    metric = RecallAtK(**given)
    batch = {"label": np.array(label)} | ({} if role is None else {"role": np.array(role)})
    metric.update({"embedding": embedding}, batch)
    return metric.compute()


def test_each_image_searches_among_all_others():
    # nearest of 0: 10 (other), then 30 (own); of 10: 0 (other), 30, 90 (own); of 30: 10, 0 (own); of 90: 30, 10 (own)
    embedding, label = at_angles(0, 10, 30, 90) * [[1], [5], [0.2], [3]], [0, 1, 0, 1]
    found = ranks_of_first_hit(at_angles(0, 10, 30, 90), np.array(label), np.full(4, BOTH))
    assert found.tolist() == [2, 3, 2, 2]
    assert scores(embedding, label, at=[1, 2, 3]) == {"recall1": 0, "recall2": 0.75, "recall3": 1}


def test_queries_search_in_the_gallery_alone():
    role = [GALLERY, QUERY, QUERY, GALLERY]
    assert scores(at_angles(0, 1, 50, 90), [0, 0, 0, 1], role, at=[1, 2]) == {"recall1": 0.5, "recall2": 1}


def test_a_model_that_maps_all_images_to_one_point_scores_as_chance():
    label = np.repeat(np.arange(10), 5)
    assert scores(np.ones((50, 4), np.float32), label, at=[1])["recall1"] == pytest.approx(5 / 50, abs=0.05)


def test_queries_without_an_image_to_find_are_left_out_and_counted(caplog):
    assert scores(at_angles(0, 1, 50), [0, 0, 1], at=[1]) == {"recall1": 1}
    assert "1 queries have no image of their class" in caplog.text
    assert scores(at_angles(0), [0], at=[1]) == {"recall1": 0}


def test_embeddings_that_are_not_finite_count_as_wrong_and_are_found_by_nobody(caplog):
    embedding = at_angles(0, 1, 2, 3)
    embedding[1] = np.nan
    found = scores(embedding, [0, 0, 0, 1], at=[1, 2, 9])  # 2 degrees is nearer to 3 than to 0
    assert found == {"recall1": 1 / 3, "recall2": 2 / 3, "recall9": 2 / 3}
    assert "1 images count as wrong" in caplog.text


@pytest.mark.parametrize("block", [1, 7, 10**9])
def test_the_result_is_that_of_sorting_whatever_the_block(block):
    rng = np.random.default_rng(0)
    embedding, label = rng.integers(-2, 3, (40, 3)).astype(np.float32), rng.integers(0, 6, 40)  # with many ties
    role = rng.integers(0, 3, 40)
    found = ranks_of_first_hit(embedding, label, role, block)
    for rank, query in zip(found, np.flatnonzero(role != GALLERY)):
        gallery = [i for i in np.flatnonzero(role != QUERY) if i != query]
        order = sorted(gallery, key=lambda i: (-float(embedding[i] @ embedding[query]), i))
        assert rank == 1 + [label[i] for i in order].index(label[query])


def test_several_processes_have_the_score_of_one():
    rng = np.random.default_rng(1)
    embedding, label = rng.normal(size=(30, 8)).astype(np.float32), rng.integers(0, 5, 30)
    parts = [RecallAtK(), RecallAtK(), RecallAtK()]
    for metric, rows in zip(parts, (slice(0, 11), slice(11, 30))):  # the third has no image
        metric.update({"embedding": embedding[rows]}, {"label": label[rows]})
    parts[0].merge([metric.state() for metric in parts])
    assert parts[0].compute() == scores(embedding, label) and set(parts[0].compute()) == {
        *("recall1", "recall2", "recall4", "recall8")
    }
    parts[0].reset()
    assert parts[0].compute()["recall1"] == 0


def test_numbers_below_1_are_refused():
    for given in ({"at": []}, {"at": [0]}, {"block": 0}):
        with pytest.raises(ValueError, match="1 or more"):
            RecallAtK(**given)
