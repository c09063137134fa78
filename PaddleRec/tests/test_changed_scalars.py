"""A scalar of a valid file that is written otherwise is read as it was, or refused with its line, or warned of."""

import itertools

import numpy as np
import pytest

from common.data.pipeline import Pipeline
from common.errors import BadRows, DataError
from common.inference.rows import prepare_rows
from common.table.features import TableFeatures
from common.table.items import ItemIds
from PaddleRec.data.criteo import CriteoRows
from PaddleRec.data.histories import HistoryRows
from PaddleRec.data.multislot import MultiSlotRows
from PaddleRec.data.sessions import SessionRows
from PaddleRec.data.table import TableRows
from PaddleRec.data.texts import TextRows

SAME = ("{}.0", "{}.00")  # other spellings of a whole number
OTHER = ("-{}", "{}x", "[{}]", "null", "nan", "1_{}", "{},{}", "0x{}", "", "\udcff")


def features(folder):
    made = TableFeatures(str(folder / "features"), ["age"], ["user", "item"], "standard", num_ids=40)
    made.fit([{"age": np.array([b"43", b"20"]), "user": np.array([b"17", b"3"]), "item": np.array([b"51", b"6"])}])
    return made


def items(folder, *columns):
    made = ItemIds(str(folder / columns[0]), list(columns), num_items=30)
    made.fit([{columns[0]: np.array([b"17", b"51", b"43", b"6", b"3"])}])
    return made


FORMATS = {  # the reader of a file, its transforms, a line whose scalars are {0}, {1}, ..., and the scalars
    "table": (
        TableRows,
        lambda f: [features(f)],
        "label,user,item,age\n{0},{1},{2},{3}\n",
        ["1", "17", "51", "43"],
        {},
    ),
    "session": (SessionRows, lambda f: [items(f, "items", "target")], "{0} {1} {2}\n", ["17", "51", "43"], {}),
    "history": (
        HistoryRows,
        lambda f: [items(f, "history", "item"), items(f, "history_groups", "group")],
        "{0} {1};{2} {3};{4};{5};{6}\n",
        ["17", "51", "6", "3", "43", "6", "1"],
        {},
    ),
    "slots": (MultiSlotRows, lambda f: [], "1 {0} {1}:1 {2}:2\n", ["1", "17", "51"], {"slots": [1, 2], "num_ids": 97}),
}


def read(kind, folder, text, transforms, keys):
    """What the transforms make of a file, and the columns with unknown values."""
    (folder / "rows").write_bytes(text.encode("utf-8", "surrogateescape"))
    rows = kind([str(folder / "rows")], **keys)
    table = Pipeline(transforms).table(rows.assemble(list(rows.rows(0, 1))))
    rates = [transform.unknown for transform in transforms]
    unknown = {name for rate in rates for name, (count, _) in rate.take().items() if count}
    return {name: np.asarray(value).tolist() for name, value in table.items()}, unknown


@pytest.mark.parametrize("name", FORMATS)
def test_a_changed_scalar_of_a_file_is_equal_or_refused_or_unknown(tmp_path, name):
    kind, make, line, scalars, keys = FORMATS[name]
    transforms = make(tmp_path)
    expected, unknown = read(kind, tmp_path, line.format(*scalars), transforms, keys)
    assert not unknown
    for place, spelling in itertools.product(range(len(scalars)), SAME + OTHER):
        changed = [*scalars[:place], spelling.format(scalars[place], scalars[place]), *scalars[place + 1 :]]
        try:
            found, unknown = read(kind, tmp_path, line.format(*changed), transforms, keys)
        except (BadRows, DataError):
            assert spelling not in SAME or name == "slots", changed  # a sign is digits
            continue
        missing = spelling == "" and name in ("table", "session", "history")  # a missing value, or no item
        missing = missing or (name == "table" and (place, spelling) == (3, "-{}"))  # a number may be negative
        assert found == expected or unknown or missing, (changed, found)
        assert spelling not in SAME or found == expected, changed


WRONG = ([17], {"a": 17}, [[17]], True, "-17", -17, "\ud800", "x")


@pytest.mark.parametrize("column", ["user", "item", "age"])
def test_a_changed_scalar_of_a_json_row_is_equal_or_refused_or_unknown(tmp_path, column):
    from types import SimpleNamespace

    inputs = {"numbers": ([None, 1], "float32"), "ids": ([None, 2], "int64")}
    model = SimpleNamespace(inputs=inputs, pipeline=Pipeline([features(tmp_path)]))
    row = {"user": 17, "item": 51, "age": 43}

    def prepared(value):
        sample = {"path": "rows", "name": 1, "row": row | {column: value}}
        _, columns, errors = prepare_rows(model, [sample])
        (rate,) = [transform.unknown for transform in model.pipeline.transforms]
        return columns, errors, any(count for count, _ in rate.take().values())

    expected, errors, unknown = prepared(row[column])
    assert not errors and not unknown
    for value in (f"{row[column]}.0", float(row[column]), str(row[column])):
        found, errors, unknown = prepared(value)
        assert not errors and not unknown
        assert all(np.array_equal(found[name], expected[name]) for name in expected)
    for value in WRONG:
        found, errors, unknown = prepared(value)
        differs = bool(found) and not np.array_equal(found["numbers"], expected["numbers"])
        assert errors or unknown or (differs and column == "age" and str(value) == "-17"), value


@pytest.mark.parametrize(
    ("kind", "keys", "text"),
    [
        (TableRows, {}, "label,a\n1,x\n0,北京\n"),
        (SessionRows, {}, "a b\na 北京\n"),
        (HistoryRows, {}, "a;b;c;d;1\n北京;b;c;d;1\n"),
        (TextRows, {}, "a\n北京\n"),
        (CriteoRows, {}, "1" + "\t" * 39 + "\n0" + "\t" * 39 + "北京\n"),
    ],
)
def test_readers_take_an_encoding_and_refuse_bytes_that_are_not_in_it(tmp_path, kind, keys, text):
    for name, encoding in (("a", "utf-8"), ("b", "gb18030"), ("c", "utf-8-sig")):
        (tmp_path / name).write_bytes(text.encode(encoding))
    tables = []
    for name, encoding in (("a", "utf-8"), ("b", "gb18030"), ("c", "utf-8")):
        rows = kind([str(tmp_path / name)], encoding=encoding, **keys)
        tables.append({key: value.tolist() for key, value in rows.assemble(list(rows.rows(0, 1))).items()})
    assert tables[0] == tables[1] == tables[2]
    rows = kind([str(tmp_path / "b")], **keys)
    (issue,) = rows.check()
    assert (issue.code, issue.place) == ("D131", "line 3" if kind is TableRows else "line 2")
    assert "is not valid utf-8; name the encoding of the files: encoding: gb18030" in issue.message


@pytest.mark.parametrize("mark", [",", ";", "|", ", "])
def test_sessions_with_other_separators_are_refused_by_line(tmp_path, mark):
    (tmp_path / "rows").write_text("1 2 3\n" + mark.join("456") + "\n")
    rows = SessionRows([str(tmp_path / "rows")])
    (issue,) = rows.check()
    assert issue.place == "line 2" and f"separated by blanks, not by '{mark[0]}'" in issue.message
    (tmp_path / "one").write_text("1\n2\n")
    with pytest.raises(DataError, match="one: none of the 2 lines holds two items with a blank between them"):
        SessionRows([str(tmp_path / "one")]).check()


def test_sessions_of_one_item_are_counted(tmp_path):
    (tmp_path / "rows").write_text("1 2 3\n4\n5 6\n7\n")
    (issue,) = SessionRows([str(tmp_path / "rows")]).check(deep=True)
    assert issue.severity == "warning" and issue.message == "2 of 4 sessions have one item and are left out"
