"""Tests of published versions: the current one is whole at every moment."""

import threading

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.table.keyed_rows import KeyedRows, write_keyed_rows
from common.table.versions import CURRENT, DONE, announced, current_version, publish, published_versions, set_current

KEYS = np.arange(500, dtype=np.uint64)


def fill_with(value):
    def fill(folder):
        write_keyed_rows(folder / "a.rows", [(KEYS, np.full((500, 2), value, np.float32))])

    return fill


def test_a_reader_of_the_link_never_sees_two_versions_at_once(tmp_path):
    publish(tmp_path, "1", fill_with(1))
    writer = threading.Thread(target=lambda: [publish(tmp_path, str(n), fill_with(n)) for n in range(2, 10)])
    writer.start()
    seen, failures = set(), []
    while writer.is_alive() or "9" not in seen:
        version = current_version(tmp_path)
        try:
            found = KeyedRows(tmp_path / version / "a.rows").look_up(KEYS)
        except EnvironmentProblem as error:  # two were published meanwhile: the link is read again
            failures.append(error)
            continue
        assert (found == int(version)).all()
        seen.add(version)
    writer.join()
    assert len(seen) > 1 and len(failures) < 9
    assert published_versions(tmp_path) == ["7", "8", "9"]
    assert list(announced(tmp_path)) == [str(n) for n in range(1, 10)]


def test_a_version_that_fails_leaves_the_one_before(tmp_path):
    publish(tmp_path, "1", fill_with(1))

    def fails(folder):
        fill_with(2)(folder)
        raise OSError(28, "No space left on device")

    with pytest.raises(EnvironmentProblem, match="No space left"):
        publish(tmp_path, "2", fails)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", CURRENT, DONE]
    assert current_version(tmp_path) == "1"


def test_an_earlier_version_can_be_made_current_again(tmp_path):
    for number in (9, 10):
        publish(tmp_path, str(number), fill_with(number))
    assert current_version(tmp_path) == "10"
    set_current(tmp_path, "9")
    assert current_version(tmp_path) == "9"
    with pytest.raises(EnvironmentProblem, match="no version 11; it has 9, 10"):
        set_current(tmp_path, "11")
    publish(tmp_path, "10", fill_with(3), facts={"auc": 0.75})  # again, as after a resume
    assert announced(tmp_path)["10"] == {"version": "10", "path": "10", "auc": 0.75}
    assert KeyedRows(tmp_path / CURRENT / "a.rows").look_up(KEYS)[0, 0] == 3
    assert current_version(tmp_path / "none") is None
    with pytest.raises(ValueError, match="1 to 18 digits"):
        publish(tmp_path, "../x", fill_with(1))
