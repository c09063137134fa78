"""Datasets: Criteo, CSV, Parquet, MultiSlot, sessions, texts, histories; invalid rows are reported."""

import itertools

import numpy as np
import pytest

from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import StreamSampler
from common.errors import BadRows, BadSample, ConfigError, DataError
from common.table.items import ItemIds
from PaddleRec.data.criteo import CriteoRows
from PaddleRec.data.histories import HistoryRows
from PaddleRec.data.multislot import MultiSlotRows, read_slots
from PaddleRec.data.sessions import SessionRows
from PaddleRec.data.table import TableRows
from PaddleRec.data.texts import TextRows
from PaddleRec.data.word_windows import WordWindows, keep_probability


def written(place, text, name="rows.txt"):
    (place / name).write_text(text)
    return [str(place / name)]


def whole(rows):
    return rows.assemble(list(rows.rows(0, 1)))


def bad(rows):
    with pytest.raises(BadRows) as caught:
        whole(rows)
    return caught.value.rows


def test_a_criteo_row_is_a_label_thirteen_numbers_and_twenty_six_words(tmp_path):
    row = "1\t5\t" + "\t" * 11 + "-3\t" + "\t".join(f"{k:08x}" for k in range(26))
    columns = whole(CriteoRows(written(tmp_path, row + "\r\n" + row.replace("1\t5", "0\t", 1) + "\n")))
    assert columns["label"].tolist() == [1, 0] and columns["I1"].tolist() == [b"5", b""]
    assert columns["I13"].tolist() == [b"-3"] * 2 and columns["C26"].tolist() == [b"00000019"] * 2


def test_a_criteo_row_with_a_wrong_length_or_label_is_reported(tmp_path):
    good = "1" + "\t" * 39
    found = bad(CriteoRows(written(tmp_path, f"{good}\n1\t2\n{good}\t\n")))
    assert {row: what[1] for row, what in found.items()} == {
        1: "2 columns where 40 are expected",
        2: "41 columns where 40 are expected",
    }
    found = bad(CriteoRows(written(tmp_path, f"{good}\n2{good[1:]}\n")))
    assert found == {1: ("D109", "the label is neither 0 nor 1", "2")}
    with pytest.raises(ConfigError, match="raw or ids"):
        CriteoRows(written(tmp_path, good), layout="csv")


def test_csv_columns_are_named_by_the_header_and_quoted_fields_are_read(tmp_path):
    text = 'id,stars,title\n7,5,"Ulm, old"\n8,3,Rome\n'
    rows = TableRows(written(tmp_path, text), label="stars", positive_threshold=4)
    columns = whole(rows)
    assert columns["label"].tolist() == [1, 0] and columns["title"].tolist() == [b"Ulm, old", b"Rome"]
    assert columns["id"].tolist() == [b"7", b"8"]
    with pytest.raises(DataError, match="no column is named 'label'; the columns are id, stars, title"):
        TableRows(written(tmp_path, text))
    found = bad(TableRows(written(tmp_path, "stars\nfive\n2\n"), label="stars", positive_threshold=4))
    assert found == {0: ("D119", "'stars' is not a number", "five")}
    found = bad(TableRows(written(tmp_path, "stars\n2\nnan\n\n"), label="stars", positive_threshold=4))
    assert found == {1: ("D119", "'stars' is not a number", "nan")}


def test_an_unclosed_quote_invalidates_its_own_row_only(tmp_path):
    text = 'label,a\n1,x\n0,"y\n1,z\n1,w,v\n0,"fine, too"\n1,"' + "z" * 200000 + '"\n'
    found = bad(TableRows(written(tmp_path, text)))
    assert {row: what[1] for row, what in found.items()} == {
        1: "a quoted field runs past the end of the line",
        3: "3 columns where 2 are expected",
        5: "field larger than field limit (131072)",
    }


def test_a_header_with_a_duplicate_or_an_unclosed_quote_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"rows\.txt: line 1: two columns are called 'a'"):
        TableRows(written(tmp_path, "label,a,a\n1,2,3\n"))
    with pytest.raises(DataError, match=r"rows\.txt: line 1: a quoted field runs past the end of the line"):
        TableRows(written(tmp_path, 'label,"a\n1,2\n'))


def test_files_with_other_columns_are_refused(tmp_path):
    files = written(tmp_path, "label,a\n1,2\n", "1.csv") + written(tmp_path, "label,b\n1,2\n", "2.csv")
    with pytest.raises(DataError, match=r"2\.csv: its columns differ"):
        TableRows(files)


def test_parquet_rows_are_those_of_csv_and_every_shard_has_its_own(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"label": [k % 2 for k in range(100)], "town": [f"t{k}" for k in range(99)] + [None]})
    parquet.write_table(table, tmp_path / "rows.parquet", row_group_size=9)
    rows = TableRows([str(tmp_path / "rows.parquet")])
    columns = whole(rows)
    assert columns["town"].tolist() == [f"t{k}".encode() for k in range(99)] + [b""]
    parts = [rows.assemble(list(rows.rows(shard, 3)))["town"].tolist() for shard in range(3)]
    assert sorted(itertools.chain(*parts)) == sorted(columns["town"].tolist())
    with Loader(rows, Pipeline([]), StreamSampler(32)) as loader:
        read = [batch["town"].tolist() for batch in loader.epoch(0)]
    assert list(itertools.chain(*read)) == columns["town"].tolist()
    (tmp_path / "not.parquet").write_text("text")
    with pytest.raises(DataError, match=r"not\.parquet: not a Parquet file"):
        TableRows([str(tmp_path / "not.parquet")])


def test_signs_of_slots_are_mapped_to_rows_of_the_table(tmp_path):
    text = "1 1 12:7 5:9 23:7 4:8\n3 0 99:8\n"
    rows = MultiSlotRows(written(tmp_path, text), slots=[7, 9], num_ids=10, max_signs=2)
    assert whole(rows)["slots"].tolist() == [[[2, 3], [5, -1]], [[0, -1], [0, -1]]]
    assert whole(rows)["label"].tolist() == [1, 0]
    found = bad(MultiSlotRows(written(tmp_path, "1\n1 2 3:4\n1 1 x:4\n1 0 5\n"), [4], 10))
    assert sorted(found) == [0, 1, 2, 3] and found[2] == (
        "D118",
        "a feature is a number, a colon and a slot number",
        "x:4",
    )


def test_a_click_log_that_is_not_text_is_reported(tmp_path):
    (tmp_path / "rows.txt").write_bytes(b"\xff\xfe\n1 1 3:4\n")
    assert sorted(bad(MultiSlotRows([str(tmp_path / "rows.txt")], [4], 10))) == [0]


def test_slots_come_from_a_file_one_a_line(tmp_path):
    assert read_slots(written(tmp_path, "3\n\n14\n")[0]) == [3, 14]
    for word in "x²":
        with pytest.raises(DataError, match=f"line 2: a slot is a number, not '{word}'"):
            read_slots(written(tmp_path, f"3\n{word}\n")[0])
    (tmp_path / "gbk").write_bytes("3\n槽\n".encode("gbk"))
    with pytest.raises(DataError, match="D131"):
        read_slots(str(tmp_path / "gbk"))
    with pytest.raises(ConfigError, match="each once"):
        MultiSlotRows(written(tmp_path, "1 1\n"), [3, 3], 10)


def test_sessions_make_rows_of_prefixes_of_the_last_click_or_of_all(tmp_path):
    files = written(tmp_path, "a b c\nd\n\ne f\n")
    prefixes = whole(SessionRows(files))
    assert prefixes["items"].tolist() == [[b"a", b""], [b"a", b"b"], [b"e", b""]]
    assert prefixes["target"].tolist() == [b"b", b"c", b"f"]
    last = whole(SessionRows(files, mode="last", max_length=1))
    assert last["items"].tolist() == [[b"b"], [b"e"]] and last["target"].tolist() == [b"c", b"f"]
    steps = whole(SessionRows(files, mode="sequences"))
    assert steps["items"].tolist() == [[b"a", b"b"], [b"e", b""]]
    assert steps["targets"].tolist() == [[b"b", b"c"], [b"f", b""]]
    assert SessionRows(files).num_rows() == 3


def test_texts_are_columns_of_words(tmp_path):
    rows = TextRows(
        written(tmp_path, '"3","Ulm, old: NEW","two"\n"1","x",""\n'), ["tag", "text", "text"], ["tag"], ",", "letters"
    )
    columns = whole(rows)
    assert columns["tag"].tolist() == [b"3", b"1"]
    assert columns["text"].tolist() == [[b"ulm", b"old", b"new", b"two"], [b"x", b"", b"", b""]]
    found = bad(TextRows(written(tmp_path, "a\tb\tc\n"), ["query", "title"]))
    assert found[0][1] == "3 columns where 2 are expected"


def test_texts_that_are_not_csv_are_reported(tmp_path):
    rows = written(tmp_path, 'a,b\n"a,b\na,"' + "z" * 200000 + '"\n')
    found = bad(TextRows(rows, ["query", "title"], separator=","))
    assert {row: what[1] for row, what in found.items()} == {
        1: "a quoted field runs past the end of the line",
        2: "field larger than field limit (131072)",
    }


def test_histories_may_be_empty_and_their_groups_must_match(tmp_path):
    columns = whole(HistoryRows(written(tmp_path, "1 2;9 8;3;7;1\n;;4;7;0\n"), max_length=1))
    assert columns["history"].tolist() == [[b"2"], [b""]] and columns["history_groups"].tolist() == [[b"8"], [b""]]
    assert columns["item"].tolist() == [b"3", b"4"] and columns["label"].tolist() == [1, 0]
    found = bad(HistoryRows(written(tmp_path, "1 2;9;3;7;1\n")))
    assert found[0][1] == "2 items but 1 groups in one history"


def test_items_are_numbered_by_frequency_padding_and_unknown_ones_apart(tmp_path):
    items = ItemIds(str(tmp_path / "items"), ["items", "target"], num_items=4)
    table = {"items": np.array([[b"a", b"b"], [b"b", b""]], "S"), "target": np.array([b"b", b"c"], "S")}
    items.fit([table])
    made = items.table(table)
    assert made["items"].tolist() == [[2, 1], [1, -1]] and made["target"].tolist() == [1, 3]
    assert items.table({"target": np.array([b"nobody"], "S")})["target"].tolist() == [0]
    assert items.names([1, 0, 3]) == ["b", "", "c"]
    few = ItemIds(str(tmp_path / "few"), ["items", "target"], num_items=9, min_count=2)
    few.fit([table])
    assert few.table(table)["items"].tolist() == [[0, 1], [1, -1]]
    with pytest.raises(DataError, match="fitted with num_items=4 min_count=1, the configuration has num_items=5"):
        ItemIds(str(tmp_path / "items"), ["items"], num_items=5).table(table)


def windows(tmp_path, **keys):
    items = ItemIds(str(tmp_path / "words"), ["text"], num_items=9)
    table = {"text": np.array([[b"a", b"b", b"c"], [b"a", b"b", b""], [b"a", b"", b""]], "S")}
    items.fit([table])
    return WordWindows(str(tmp_path / "words"), **({"subsample": 0, "window": 1, "negatives": 2} | keys)).table(
        items.table(table)
    )


def test_skip_gram_pairs_are_neighbors(tmp_path):
    made = windows(tmp_path)
    pairs = [(items[0], target) for items, target in zip(made["items"].tolist(), made["target"].tolist())]
    assert pairs == [(1, 2), (2, 1), (2, 3), (3, 2), (1, 2), (2, 1)]  # a is 1, b 2, c 3
    assert made["negatives"].shape == (6, 2) and set(made["negatives"].ravel().tolist()) <= {1, 2, 3}


def test_log_noise_is_the_log_of_the_noise_distribution(tmp_path):
    made = windows(tmp_path, power=0.5)  # counts 3, 2, 1: the roots share 4.1463
    shares = np.array([3, 2, 1]) ** 0.5 / 4.14626
    words = np.concatenate([made["target"][:, None], made["negatives"]], 1)
    np.testing.assert_allclose(np.exp(made["log_noise"]), shares[words - 1], rtol=1e-5)


def test_cbow_predicts_a_word_from_its_context(tmp_path):
    made = windows(tmp_path, mode="cbow")
    assert made["items"].tolist() == [[2, -1], [1, 3], [2, -1], [2, -1], [1, -1]]
    assert made["target"].tolist() == [1, 2, 3, 1, 2]


def test_frequent_words_are_subsampled():
    # t / f: 1e-4 / 1e-2 = 1/100, its root 1/10; rare words stay
    np.testing.assert_allclose(keep_probability(np.array([1e-2, 1e-4, 1e-6]), 1e-4), [0.1, 1, 1])


def test_a_bad_row_of_a_run_is_reported_with_its_line(tmp_path):
    good = "1" + "\t" * 39
    rows = CriteoRows(written(tmp_path, f"{good}\n{good}\n1\t2\n"))
    with Loader(rows, Pipeline([]), StreamSampler(2)) as loader, pytest.raises(BadSample) as caught:
        list(loader.epoch(0))
    assert "rows.txt: line 3" in str(caught.value)
