"""Architecture search by its tiny configuration: the cost of candidates, and the whole command."""

import csv

import pytest

pytest.importorskip("optuna")

from common.config import load_config
from common.errors import ConfigError
from common.search.cost import Cost, exceeded_limits
from common.search.setup import build_strategy, higher_is_better
from common.search.training import candidate
from tests.made.commands import command
from tests.made.made_sets import MadeSets

CONFIG = "PaddleSlim/configs/tiny/search.yml"


@pytest.fixture(scope="module")
def made_sets(tmp_path_factory):
    return MadeSets(tmp_path_factory.mktemp("sets"))


def test_the_cost_of_a_candidate_is_measured_on_an_evaluation_sample_before_training(made_sets):
    config = load_config(CONFIG, [f"dataset={made_sets.folder('digit_classes')}"])
    config.check()
    strategy = build_strategy(config)
    cost = Cost(config, ["macs", "parameters", "latency_ms"])
    least, most = (
        cost(candidate(config, strategy.space, {d.name: d.values[at] for d in strategy.space.dimensions}))
        for at in (0, -1)
    )
    assert 0 < least["macs"] < most["macs"] and 0 < least["parameters"] < most["parameters"]
    assert least["latency_ms"] > 0
    assert len(cost.samples) == 1  # the data are read once
    assert not exceeded_limits(least, {"macs": most["macs"], "parameters": least["parameters"]})
    assert "parameters" in exceeded_limits(most, {"parameters": least["parameters"]})
    assert higher_is_better(config)
    assert Cost(config, [])(config) == {}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("search.limits={flops: 3}", "flops"),
        ("search.trials=0", "trials is 0"),
        ("search.space.widths=[1.0, 2.0, wide]", "widths"),
        ("search.space={type: MobileNetV2Spaces}", "MobileNetV2Space"),
        ("search={type: Accuracy}", "search takes search strategies (GridSearch, HAZero, PSHE2, RandomSearch"),
    ],
    ids=str,
)
def test_an_invalid_section_is_refused(override, words, tmp_path):
    answer = command("search", "-c", CONFIG, "-o", f"output_dir={tmp_path}", override)
    answer.refused(2, *words.split("; "))


def test_a_search_without_its_section_is_refused():
    command("search", "-c", "PaddleCV/configs/tiny/mobilenet_v2.yml").refused(2, "search:")
    with pytest.raises(ConfigError, match="search"):
        build_strategy(load_config("PaddleCV/configs/tiny/mobilenet_v2.yml"))


@pytest.mark.slow
def test_a_search_of_a_network_trains_candidates_and_prints_the_best_as_a_command(made_sets, tmp_path):
    keys = [f"dataset={made_sets.folder('digit_classes')}", f"output_dir={tmp_path}", "train.epochs=1"]
    answer = command("search", "-c", CONFIG, "--trials", "2", "-o", *keys)
    assert answer.code == 0 and "2 trained" in answer.out, answer.err
    with open(tmp_path / "search/trials.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 and all(int(row["macs"]) <= 4e6 for row in rows)
    line = next(line for line in answer.out.splitlines() if line.startswith("  -c "))
    assert "model.backbone={type: MobileNetV2, blocks:" in line
    assert (tmp_path / "search" / rows[0]["folder"] / "best").exists()
