"""Published rankers answer as those with their tables in memory: unknown ids, signs of 64 bits, and several tables."""

import numpy as np
import pytest
import yaml

from common.build.model import predictor_of
from common.errors import EnvironmentProblem
from common.inference.predictor import Predictor
from common.system import runtime
from common.table.versions import CURRENT, set_current
from common.weights.manifest import MANIFEST, write_manifest
from PaddleRec.models.rankers.din import DIN
from PaddleRec.models.rankers.slot_dnn import SlotDNN
from tests.made.published import published_ranker

RNG = np.random.default_rng(3)
SIGNS = RNG.integers(-(2**63), 2**63, (4, 2, 3))
SIGNS[0, 0, 1:] = SIGNS[1] = -1  # padding
HISTORIES = {name: RNG.integers(-1, 9, shape) for name, shape in {"history": (5, 4), "item": (5,)}.items()}
HISTORIES |= {"history_groups": np.minimum(HISTORIES["history"], 3), "group": HISTORIES["item"] // 2}
CASES = {
    "signs": (lambda: SlotDNN(2, 97, 3, [8]), {"slots": SIGNS}),
    "histories": (lambda: DIN(7, 4, 3, [4], [4]), HISTORIES),  # items 7 and 8 are unknown
}


@pytest.fixture(scope="module", params=CASES)
def published(request, tmp_path_factory):
    """(the folder of an export, the model in memory, inputs)."""
    runtime.prepare()
    make, inputs = CASES[request.param]
    folder = tmp_path_factory.mktemp("published") / "2020040100"
    return folder, published_ranker(make, {name: value[:2] for name, value in inputs.items()}, folder), inputs


def test_a_published_ranker_answers_as_the_one_with_its_tables_in_memory(published):
    folder, whole, inputs = published
    found = Predictor(folder).run(inputs)["probability"]
    np.testing.assert_allclose(found, predictor_of(whole)(inputs)["probability"], atol=1e-6)
    assert len(set(found.tolist())) > 2
    about = yaml.safe_load((folder / "infer.yml").read_text(encoding="utf-8"))
    assert {entry["name"] for entry in about["inputs"]} == set(inputs)
    assert (folder / "model.pdiparams").stat().st_size < 4000  # no table is in the program
    set_current(folder.parent, folder.name)
    assert Predictor(folder.parent).folder == Predictor(folder.parent / CURRENT).folder == folder
    assert set(np.load(folder / "golden.npz").files) == {*(f"in/{name}" for name in inputs), "out/probability"}


def test_keys_that_were_never_trained_have_the_rows_that_training_would_begin_with(tmp_path):
    runtime.prepare()
    inputs, first = {"slots": SIGNS}, {"std": 0.5, "seed": 3}
    whole = published_ranker(lambda: SlotDNN(2, 97, 3, [8]), inputs, tmp_path / "1", first, slice(0, 40))
    found = Predictor(tmp_path / "1").run(inputs)["probability"]
    np.testing.assert_allclose(found, predictor_of(whole)(inputs)["probability"], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "../x.rows"}, "tables is .*it takes a list of look-ups"),
        ({"input": "other"}, "'other' is no input of int64"),
        ({"width": 7}, "width is 7, .* has 3"),
        ({"outside": "nowhere"}, "it takes a list of look-ups"),
        ({"std": 0.1}, "it takes a list of look-ups"),
        ({"std": -1.0, "seed": 0}, "it takes a list of look-ups"),
    ],
)
def test_an_export_whose_tables_contradict_it_is_refused(published, tmp_path, change, message):
    folder = published[0]
    for path in folder.iterdir():
        if path.name != MANIFEST:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    about = yaml.safe_load((folder / "infer.yml").read_text(encoding="utf-8"))
    about["tables"][0] |= change
    (tmp_path / "infer.yml").write_text(yaml.safe_dump(about), encoding="utf-8")
    write_manifest(tmp_path)
    with pytest.raises(EnvironmentProblem, match=message):
        Predictor(tmp_path)
