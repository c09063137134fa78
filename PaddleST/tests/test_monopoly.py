"""MONOPOLY: the model's contract and formula, the near places, and one run from the training to the export."""

import os
import pathlib

import numpy as np
import paddle
import pytest

from common import api
from common.config.kits import ROOT
from common.errors import BadRows, ConfigError, DataError
from common.testing import check_model, count_parameters
from PaddleST.data.near_places import EARTH, NearPlaces
from PaddleST.data.place_rows import PlaceRows
from PaddleST.metrics.price_errors import PriceErrors
from PaddleST.models.monopoly import Monopoly
from PaddleST.tools.make_california import make_california

TINY = ROOT / "PaddleST/configs/tiny/pricing/monopoly.yml"
REAL = pathlib.Path(os.environ.get("KIT_TEST_DATA", "nowhere")) / "california_housing/housing.csv.gz"
BATCH = {
    "attributes": np.array([[0, 2], [1, 0], [2, 1], [9, -1]]),
    "near_place": np.array([[-1, -1, 0], [-1, -2, 1], [-1, -1, -2], [-1, 2, 3]]),
    "near_price": np.array([[1, 2, 0], [3, 0, 0], [2, 2.5, 0], [4, 0, 0]], "float32"),
    "near_distance": np.linspace(0, 1, 24).reshape(4, 3, 2).astype("float32"),
    "label": np.array([1, 2, 3, 4], "float32"),
}


def city(**columns):
    """Columns of words of four houses in a row, 0.01 degrees apart on the equator, and what else is given."""
    given = {"longitude": [0, 0.01, 0.02, 0.03], "latitude": [0] * 4, "size": [10, 20, 30, 40], "price": [1, 2, 3, 4]}
    return {name: np.array([str(x) for x in values], "S") for name, values in (given | columns).items()}


def fitted(folder, **keywords):
    near = NearPlaces(folder / "places", ["size"], **({"houses": 2, "buckets": 2} | keywords))
    near.fit([city()])
    return near


def test_the_model_keeps_the_contract(tmp_path):
    def made():
        paddle.seed(2)
        return Monopoly([3, 3], slots=3, kinds=2, num_public=4, average_price=2.0, scale=2.0)

    check_model(made, BATCH, tmp_path)


def test_it_has_the_published_number_of_parameters():
    model = Monopoly([20, 5, 10, 6, 4], slots=11, kinds=2, num_public=50)
    assert count_parameters(model) == (128, 0)


def test_a_price_is_the_weighted_mean_times_the_factor():
    """Two houses at distances 0 and log 3 have the weights 3/4 and 1/4; a public place is worth what was learned."""
    model = Monopoly([2], slots=3, num_public=1, average_price=7.0)
    for parameter in model.own.parameters():
        parameter.set_value(paddle.zeros_like(parameter))  # the factor is 1/2
    inputs = [[[0]], [[-1, -1, -2]], [[1, 3, 0]], [[[0], [np.log(3)], [0]]]]
    tensors = [paddle.to_tensor(x, "float32" if number > 1 else "int64") for number, x in enumerate(inputs)]
    assert model(*tensors).item() == pytest.approx(0.5 * (0.75 * 1 + 0.25 * 3), rel=1e-5)
    tensors[1] = paddle.to_tensor([[0, -2, -2]])
    assert model(*tensors).item() == pytest.approx(0.5 * 7, rel=1e-5)
    with pytest.raises(ValueError, match=r"scale=0\.5"):
        Monopoly([2], scale=0.5)


def test_a_place_is_not_near_itself_and_the_nearest_come_first(tmp_path):
    near = fitted(tmp_path)
    found = near.table(city())
    assert found["near_price"][[0, 3]].tolist() == [[2, 3], [3, 2]]
    assert [sorted(row) for row in found["near_price"][1:3].tolist()] == [[1, 3], [2, 4]]
    step = 2 * EARTH * np.sin(np.deg2rad(0.01) / 2)
    np.testing.assert_allclose(np.expm1(found["near_distance"][0, :, 0]), [step, 2 * step], rtol=1e-4)
    assert found["attributes"].tolist()[0][0] == 0 and found["attributes"].tolist()[3][0] == 1
    stranger = near.table(city(price=[9, 9, 9, 9]))  # in the same places, at another price
    assert stranger["near_price"][:, 0].tolist() == [1, 2, 3, 4]
    unpriced = {name: column for name, column in city().items() if name != "price"}
    assert near.table(unpriced)["near_price"][:, 0].tolist() == [1, 2, 3, 4]


def test_a_row_alone_is_the_row_in_its_table(tmp_path):
    near, table = fitted(tmp_path, distances=["size"]), city(size=[15, "", 30, 100])
    whole = near.table(table)
    assert whole["attributes"][1].tolist() == [2, 2]  # the bucket of missing values
    for row in range(4):
        sample = near({name: column[row] for name, column in table.items()}, None)
        for name in near.makes:
            np.testing.assert_array_equal(sample[name], whole[name][row])


def test_public_places_follow_the_houses_and_are_empty_where_there_are_fewer(tmp_path):
    (tmp_path / "public.csv").write_text("longitude,latitude\n0.03,0\n0.0,0\n")
    near = fitted(tmp_path, public=tmp_path / "public.csv", num_near_public=3)
    found = near.table(city())
    assert found["near_place"].tolist() == [[-1, -1, 1, 0, -2]] * 2 + [[-1, -1, 0, 1, -2]] * 2
    (tmp_path / "public.csv").write_text("longitude,latitude\n0.03,north\n")
    with pytest.raises(DataError, match=r"public\.csv: line 2"):
        NearPlaces(tmp_path / "places", ["size"], 2, tmp_path / "public.csv", 3, buckets=2).table(city())


def test_what_cannot_be_used_is_named(tmp_path):
    near = fitted(tmp_path)
    with pytest.raises(BadRows) as error:
        near.table(city(latitude=[0, 91, "", "x"]))
    assert sorted(error.value.rows) == [1, 2, 3]
    with pytest.raises(DataError, match="no column 'size'"):
        near.table({name: column for name, column in city().items() if name != "size"})
    with pytest.raises(DataError, match=r"fitted with .*houses=2.*houses=3"):
        NearPlaces(tmp_path / "places", ["size"], 3, buckets=2).table(city())
    with pytest.raises(DataError, match="no more rows than houses=4"):
        fitted(tmp_path, houses=4)
    with pytest.raises(ConfigError, match="'age', which is not one of columns: size"):
        NearPlaces("places", ["size"], distances=["age"])
    (tmp_path / "rows.csv").write_text("longitude,price\n1,2\n1\n1,\n")
    rows = PlaceRows([str(tmp_path / "rows.csv")])
    assert [issue.place for issue in rows.check()] == ["line 3"]
    with pytest.raises(DataError, match="no column is named 'cost'; the columns are longitude, price"):
        PlaceRows([str(tmp_path / "rows.csv")], price="cost")


def test_errors_are_those_of_numbers_worked_out_by_hand():
    metric = PriceErrors()
    batch = {"label": [1.0, 3.0], "near_place": [[-1, -1], [-1, -2]], "near_price": [[1, 2], [3, 9]]}
    metric.update({"price": [2.0, 3.0]}, batch)
    metric.merge([metric.state(), {"sums": np.zeros(7)}])
    assert metric.compute() == pytest.approx({"rmse": 0.5**0.5, "mae": 0.5, "r2": 0.5, "near_rmse": 0.125**0.5})


def test_a_run_learns_and_its_export_answers_as_the_model(made_sets, tmp_path):
    settings = {"dataset": str(made_sets.folder("places")), "output_dir": str(tmp_path)}
    settings["near"] = {"file": str(tmp_path / "near.places")}
    run = api.train(TINY, evaluate=True, train={"epochs": 3, "eval_every": 3, "save_every": 3}, **settings)
    assert run.scores["rmse"] < 0.6 * run.scores["near_rmse"]
    exported = api.export(TINY, weights=str(run.weights), **settings)
    rows = [{"longitude": 8.1, "latitude": 47.1, "size": size, "age": 10} for size in (50, 150)]
    small, large = (api.Predictor(exported)(row)[0]["price"] for row in rows)
    in_memory = api.Predictor(config=TINY, weights=str(run.weights), **settings)(rows[0])[0]["price"]
    assert small == pytest.approx(in_memory, rel=1e-4) and small < large


@pytest.mark.skipif(not REAL.is_file(), reason="no california_housing in KIT_TEST_DATA")
def test_the_districts_of_california_become_three_tables(tmp_path):
    make_california(REAL, tmp_path)
    counts = {name: len(PlaceRows([str(tmp_path / f"{name}.csv")])) for name in ("train", "val", "test")}
    assert counts == {"train": 14448, "val": 2064, "test": 4128}
