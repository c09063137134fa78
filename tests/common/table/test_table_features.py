"""Tabular features: fitting, unknown values, and the equality of single rows and batches."""

import numpy as np
import pytest

from common.errors import BadRows, ConfigError, DataError
from common.table.features import TableFeatures, ValueCounts
from common.table.hash import as_words, hash_words


def words(*values):
    return np.array(values, "S")


TABLE = {
    "age": words(b"20", b"30", b"", b"60"),
    "town": words(b"Ulm", b"Ulm", b"Rome", b""),
    "sex": words(b"f", b"m", b"f", b"f"),
    "label": np.array([0, 1, 0, 1], "float32"),
}


def features(place, **keys):
    given = {"numbers": ["age"], "categories": ["town", "sex"], "num_ids": 10} | keys
    return TableFeatures(str(place / "kept.features"), **given)


def test_the_hash_of_a_word_does_not_depend_on_the_array_width():
    alone = hash_words(words(b"cat"))[0]
    beside = hash_words(words(b"cat", b"a much longer word than this"))
    assert beside[0] == alone != beside[1]
    assert hash_words(words(b"cat"), seed=1)[0] != alone
    assert len(set(hash_words(np.arange(100000).astype("S")).tolist())) == 100000


def test_numbers_and_strings_become_the_words_of_a_file():
    assert as_words([3, 3.0, 2.5, "ü", None, float("nan")]).tolist() == [b"3", b"3", b"2.5", "ü".encode(), b"", b""]


def test_the_most_frequent_values_come_first_and_each_column_has_a_row_for_unknown_values(tmp_path):
    made = features(tmp_path)
    made.fit([TABLE])
    ids = made.table(TABLE)["ids"]
    # rows 0 and 1 are for unknown towns and sexes; sex f (3 times) has row 2, Ulm (twice) row 3
    assert ids[:, 0].tolist()[:2] == [3, 3] and ids[[0, 2, 3], 1].tolist() == [2, 2, 2]
    assert sorted({*ids.ravel().tolist()}) == [2, 3, 4, 5, 6]  # Rome, the empty town and m: once each
    unseen = made.table(TABLE | {"town": words(*[b"Paris"] * 4), "sex": words(*[b"?"] * 4)})
    assert unseen["ids"].tolist() == [[0, 1]] * 4 and "label" in unseen


def test_rare_values_and_those_beyond_the_table_size_are_unknown(tmp_path):
    rare = features(tmp_path / "a", min_count=2)
    rare.fit([TABLE])
    assert rare.table(TABLE)["ids"].tolist() == [[3, 2], [3, 1], [0, 2], [0, 2]]
    full = features(tmp_path / "b", num_ids=3)
    full.fit([TABLE])
    assert full.table(TABLE)["ids"].tolist() == [[0, 2], [0, 1], [0, 2], [0, 2]]


def test_ids_of_columns_with_separate_tables_start_at_one(tmp_path):
    made = features(tmp_path, num_ids=None, sizes=[2, 5])
    made.fit([TABLE])
    assert made.table(TABLE)["ids"].tolist() == [[1, 1], [1, 2], [0, 1], [0, 1]]


def test_unseen_values_are_hashed_to_the_hash_rows(tmp_path):
    made = features(tmp_path, num_ids=100, hash_rows=50)
    made.fit([TABLE])
    many = {"age": words(*[b"1"] * 300), "town": np.arange(300).astype("S"), "sex": np.arange(300).astype("S")}
    ids = made.table(many)["ids"]
    assert ids.min() >= 50 and ids.max() < 100 and len(np.unique(ids)) > 40


def test_without_a_vocabulary_nothing_is_fitted_and_every_id_is_in_the_table(tmp_path):
    made = features(tmp_path, min_count=0)
    assert made.is_fitted() and not made.learns
    ids = made.table(TABLE)["ids"]
    assert ids.min() >= 2 and ids.max() < 10
    own = features(tmp_path, min_count=0, num_ids=None, sizes=[7, 3])
    assert (own.table(TABLE)["ids"] < [7, 3]).all() and (own.table(TABLE)["ids"] >= 1).all()


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("none", [20, 30, 0, 60]),
        ("min_max", [0, 0.25, 0, 1]),  # (x - 20) / 40
        ("log", np.log1p([20, 30, 0, 60])),  # the smallest is above 0: nothing is taken off
        ("standard", [-0.98058, -0.39223, 0, 1.37281]),  # mean 110/3, deviation sqrt(4900/3 - (110/3)^2) = 16.9967
    ],
)
def test_numbers_are_scaled_by_the_statistics_of_the_training_rows_and_missing_ones_are_zero(tmp_path, scale, expected):
    made = features(tmp_path, scale=scale)
    made.fit([TABLE])
    np.testing.assert_allclose(made.table(TABLE)["numbers"][:, 0], expected, atol=1e-4)


def test_fitting_in_blocks_equals_fitting_at_once(tmp_path):
    parts = [{name: column[k : k + 1] for name, column in TABLE.items()} for k in range(4)]
    whole, pieces = features(tmp_path / "a", scale="min_max"), features(tmp_path / "b", scale="min_max")
    whole.fit([TABLE])
    pieces.fit(iter(parts))
    assert whole.file.read_bytes() == pieces.file.read_bytes()


def test_a_single_row_is_transformed_like_a_batch_with_the_file_alone(tmp_path):
    made = features(tmp_path, scale="min_max")
    made.fit([TABLE])
    again = features(tmp_path, scale="min_max")
    row = again({"age": 30, "town": "Ulm", "sex": "m"}, None)
    assert row["ids"].tolist() == made.table(TABLE)["ids"][1].tolist() and row["numbers"].tolist() == [0.25]


@pytest.mark.parametrize("word", [b"many", "\uff11\uff12".encode(), b"inf", b"1e999"])
def test_a_value_that_is_not_a_finite_number_is_named(tmp_path, word):
    made = features(tmp_path)
    made.fit([TABLE])
    with pytest.raises(BadRows) as caught:
        made.table(TABLE | {"age": words(b"1", b"2", word, b"")})
    assert list(caught.value.rows) == [2] and caught.value.rows[2][:2] == (
        "D119",
        "column 'age' is not a finite number",
    )


def test_features_fitted_with_other_settings_are_refused(tmp_path):
    features(tmp_path).fit([TABLE])
    with pytest.raises(DataError, match="ids=10 in the file, ids=12 in the configuration"):
        features(tmp_path, num_ids=12).table(TABLE)
    with pytest.raises(DataError, match="not fitted yet"):
        features(tmp_path / "elsewhere").table(TABLE)
    with pytest.raises(DataError, match="no column 'sex'; the columns are age, town"):
        features(tmp_path).table({name: TABLE[name] for name in ("age", "town")})


def test_tables_that_are_too_small_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="must exceed"):
        features(tmp_path, num_ids=2)
    with pytest.raises(ConfigError, match="either num_ids"):
        features(tmp_path, num_ids=None)


def test_counting_drops_rare_keys_to_bound_memory():
    counts = ValueCounts(most=100)
    for _ in range(3):
        counts.add(np.arange(50, dtype=np.uint64)[:, None])
    counts.flush()
    counts.add(np.arange(1000, 1300, dtype=np.uint64)[:, None])
    counts.flush()
    assert counts.keys.tolist() == list(range(50)) and counts.counts.tolist() == [3] * 50


def test_numbers_are_categories_too_by_their_quantile(tmp_path):
    made = features(tmp_path, categories=["town"], num_ids=1 + 2 + 3, buckets=2)
    assert made.learns
    made.fit([TABLE])
    found = made.table(TABLE)["ids"]  # the median of 20, 30 and 60 is 30; rows 3 (missing), 4 and 5 are those of age
    assert found[:, 1].tolist() == [4, 5, 3, 5] and found[:, 0].max() < 3
    alone = features(tmp_path, categories=["town"], num_ids=6, buckets=2)({"age": 29, "town": "Ulm"}, None)
    assert alone["ids"].tolist() == [found[0, 0], 4]
    assert "buckets=2" in made.spec() and "buckets" not in features(tmp_path).spec()


def test_buckets_need_room_in_one_table_and_numbers(tmp_path):
    for keys in ({"num_ids": 5, "buckets": 2}, {"buckets": 1}, {"buckets": 2, "numbers": []}):
        with pytest.raises(ConfigError, match=r"num_ids|buckets"):
            features(tmp_path, **keys)
    with pytest.raises(ConfigError, match="buckets is 2; it needs num_ids"):
        features(tmp_path, num_ids=None, sizes=[2, 5], buckets=2)


def test_hashed_values_stay_out_of_the_rows_of_the_buckets(tmp_path):
    made = features(tmp_path, num_ids=20, min_count=0, buckets=4)
    made.fit([TABLE])
    assert made.table({**TABLE, "town": words(*(b"%d" % i for i in range(4)))})["ids"][:, :2].max() < 15
