"""Splits of samples: stratified, seeded, by group, with every class in the training split."""

from collections import Counter

import pytest

from common.data.split import split_samples
from common.errors import DataError


def test_each_class_has_its_share_in_both_splits():
    classes = [["a"]] * 50 + [["b"]] * 20 + [["c"]] * 10
    train, evaluation = split_samples(classes, 0.2)
    assert sorted(train + evaluation) == list(range(80))
    assert Counter(classes[i][0] for i in evaluation) == {"a": 10, "b": 4, "c": 2}


def test_the_seed_decides():
    classes = [["a"]] * 50
    assert split_samples(classes, 0.2, 1) == split_samples(classes, 0.2, 1)
    assert split_samples(classes, 0.2, 1) != split_samples(classes, 0.2, 2)


def test_no_group_is_in_both_splits():
    groups = [k // 5 for k in range(100)]
    train, evaluation = split_samples([[k % 3] for k in range(100)], 0.2, groups=groups)
    assert not {groups[i] for i in train} & {groups[i] for i in evaluation}
    assert 15 <= len(evaluation) <= 25


def test_a_class_of_one_sample_is_trained_on():
    classes = [["a"], ["b"], *([["c"]] * 10), ["a", "c"]]
    for seed in range(10):
        train, evaluation = split_samples(classes, 0.5, seed)
        assert {k for i in train for k in classes[i]} == {"a", "b", "c"}
        assert evaluation


def test_images_of_several_classes_and_background_are_split():
    classes = [[k % 4, (k + 1) % 4] for k in range(40)] + [[]] * 10
    _, evaluation = split_samples(classes, 0.2)
    counts = Counter(k for i in evaluation for k in classes[i])
    assert all(2 <= counts[k] <= 6 for k in range(4))
    assert sum(not classes[i] for i in evaluation) == 2


def test_one_group_cannot_be_split():
    with pytest.raises(DataError, match="all 3 samples are of one group"):
        split_samples([["a"]] * 3, groups=[1, 1, 1])
