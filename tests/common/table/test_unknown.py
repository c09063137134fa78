"""Rates of unknown values by column: warned of above 20 %, once, and not where rare values are unknown by choice."""

import numpy as np
import pytest

from common.table.features import TableFeatures
from common.table.items import ItemIds


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def words(*values):
    return np.array([str(value) for value in values], "S")


@pytest.mark.parametrize(("new", "warned"), [(2, 0), (3, 1)])
def test_a_column_with_many_unknown_values_is_warned_of_once(tmp_path, caplog, new, warned):
    features = TableFeatures(str(tmp_path / "features"), categories=["user", "town"], num_ids=40)
    features.fit([{"user": words(*range(10)), "town": words(*range(10))}])
    values = [*range(10 - new), *range(100, 100 + new)]
    for _ in range(2):
        features.table({"user": words(*values), "town": words(*range(10))})
        features.end_of_rows()
    found = warnings(caplog)
    assert len(found) == warned and all("column 'user': 30 % of 10 values are not in" in line for line in found)


def test_rare_values_that_training_leaves_out_are_expected(tmp_path, caplog):
    rows = {"user": words(*[1] * 6, 2, 3, 4, 5), "town": words(*[1] * 10)}
    features = TableFeatures(str(tmp_path / "features"), categories=["user", "town"], num_ids=40, min_count=2)
    features.fit([rows])
    features.table(rows)
    features.end_of_rows()
    np.testing.assert_allclose(features.learned["unknown"], [0.4, 0])
    items = ItemIds(str(tmp_path / "items"), ["user"], num_items=9, min_count=2)
    items.fit([rows])
    items.table({"user": rows["user"]})
    items.end_of_rows()
    assert not warnings(caplog)


def test_unknown_items_are_counted_without_padding_and_taken_once(tmp_path, caplog):
    items = ItemIds(str(tmp_path / "items"), ["items"], num_items=9)
    items.fit([{"items": words("1", "2.0")}])
    items.table({"items": np.array([[b"1.0", b"2", b"7"], [b"2", b"", b""]], "S")})
    items.end_of_rows()
    assert items.unknown.take() == {"items": (1, 4)} and items.unknown.take() == {}
    assert "column 'items': 25 % of 4 values are not in" in warnings(caplog)[0]
