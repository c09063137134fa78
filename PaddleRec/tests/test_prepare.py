"""Preparation of a user's own clicks: kinds of columns, labels of two values, splits by group, refusals."""

import csv
import random
import re

import pytest

from common.config import load_config
from PaddleRec.data import prepare
from tests.made.commands import command


def write_clicks(path, label="clicked", values=("0", "1"), count=300):
    rng = random.Random(0)
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["row", "user_id", "age", "device", "price", "site", label])
        for k in range(count):
            row = [f"r{k}", rng.randint(1, 20), rng.randint(18, 70), rng.choice(["ios", "web"]), rng.random(), "s"]
            rows.writerow([*row, values[k % 3 == 0]])


@pytest.fixture
def clicks(tmp_path):
    write_clicks(tmp_path / "ads.csv")
    return tmp_path / "ads.csv"


def test_columns_are_numbers_or_categories_and_useless_ones_are_left_out(clicks, tmp_path):
    done = command("prepare", clicks)
    assert done.code == 0, done.err
    assert "clicked is '1' in 33.3%" in done.out
    config = load_config(tmp_path / "ads_prepared/ads.yml")
    assert list(config.get("numbers")) == ["age", "price"]
    assert list(config.get("categories")) == ["user_id", "device"]
    assert config.get("num_ids") == 20 + 2 + 2 + 1 + 2 * (1 + config.get("features.buckets"))
    assert re.search(r"infer\.py --model output/ads/export --input \S*example\.csv", done.out)
    assert "left out, as it never repeats or never differs: row, site" in done.out


def test_rows_of_a_group_stay_together_and_the_label_is_stratified(clicks, tmp_path):
    assert command("prepare", clicks, "--group", "user_id").code == 0
    users = []
    for name in ("train", "eval"):
        with open(tmp_path / f"ads_prepared/{name}.csv") as file:
            users.append({row["user_id"] for row in csv.DictReader(file)})
    assert not users[0] & users[1]
    command("prepare", clicks, "--group", "usr", "--force").refused(3, "no column is named 'usr' (--group)")


def test_a_label_of_two_words_becomes_0_and_1(tmp_path):
    write_clicks(tmp_path / "adults.csv", "income", ("<=50K", ">50K"))
    assert "income is '>50K' in 33.3%" in command("prepare", tmp_path / "adults.csv").out
    with open(tmp_path / "adults_prepared/train.csv") as file:
        assert {row["income"] for row in csv.DictReader(file)} == {"0", "1"}
    write_clicks(tmp_path / "odd.csv", "label", ("red", "blue"))
    command("prepare", tmp_path / "odd.csv").refused(3, "red", "blue", "write 0 and 1")


def test_two_possible_labels_are_refused_until_one_is_named(tmp_path):
    (tmp_path / "two.csv").write_text("a,b,c\n" + "".join(f"{k % 2},{k // 2 % 2},{k / 7}\n" for k in range(40)))
    command("prepare", tmp_path / "two.csv").refused(3, "no known format")
    assert command("prepare", tmp_path / "two.csv", "--as", "clicks", "--label", "b").code == 0


def test_the_table_of_embeddings_has_a_row_for_each_value_of_the_training_rows():
    numbers, categories, left_out = prepare.kinds_of(["k", "x", "y"], [{"k": "a", "x": "1", "y": "0"}] * 9, "y")
    assert (numbers, categories, left_out) == ([], [], ["k", "x"])
