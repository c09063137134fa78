"""Numeric columns that no network can use after scaling are warned of, once."""

import numpy as np
import pytest

from common.table.features import TableFeatures


def transformed(tmp_path, scale, values):
    features = TableFeatures(str(tmp_path / "features"), ["time"], scale=scale)
    columns = {"time": np.array([str(value) for value in values], "S")}
    features.fit([columns])
    features.table(columns)
    features.table(columns)


@pytest.mark.parametrize("unit", [1, 1000, 10**9])
@pytest.mark.parametrize(("scale", "warned"), [("none", True), ("log", True), ("standard", False), ("min_max", False)])
def test_a_timestamp_is_warned_of_with_its_magnitude(tmp_path, caplog, scale, warned, unit):
    transformed(tmp_path, scale, [(1_627_776_000 + k) * unit for k in range(0, 600, 6)])
    lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(lines) == warned
    assert not warned or (f"column 'time': with scale '{scale}'" in lines[0] and "1.62778e+" in lines[0])


@pytest.mark.parametrize("scale", ["none", "log", "standard", "min_max"])
def test_usual_numbers_and_constants_are_not_warned_of(tmp_path, caplog, scale):
    transformed(tmp_path, scale, range(18, 90))
    transformed(tmp_path, scale, [900] * 50)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
