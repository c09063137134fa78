"""Tests of `tools/zoo.py select` and of the facts that it reads."""

import dataclasses
import json

import pytest

from common.errors import ConfigError
from tools import zoo
from tools.model_zoo import choice, documents, facts

TASKS = facts.read_tasks()
MODELS = facts.read_models(tasks=TASKS)
TASK = dataclasses.replace(
    TASKS["classification"], data="A", limits={"mobile": ("latency", 5), "server": ("latency", 20)}
)


def model(name, published=None, measured=None, data="A", **costs):
    """A model of classification; `published` and `measured` are its top-1."""
    figures = [{} if value is None else {"top1": value} for value in (published, measured)]
    return facts.Model(name, TASK, f"PaddleCV/configs/classification/{name}.yml", data, *figures, costs)


A, B, C, D = KNOWN = [
    model("a", 80, latency=10, size=50),
    model("b", 75, 95, latency=4, size=5),
    model("c", None, 90, data="B", size=4),
    model("d", 70, latency=4, size=10),
]


def names(models):
    return [one.name for one in models]


def select(capsys, *arguments):
    """(exit code, standard output, standard error) of `tools/zoo.py select`."""
    code = zoo.main(["select", *arguments])
    return code, *capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("top-1 76.50, top-5 93.00", {"top1": 76.5, "top5": 93.0}),
        ("top-1 0.920 in 13 minutes on 2 cores", {"top1": 92.0}),
        ("top-1 0.613, 0.607 (seeds 0 and 1); without top-1 0.5", {"top1": 61.3}),
        ("F1 .893 (57 tags)", {"f1": 89.3}),
        ("chunk F1 0.544 on 1,000 sentences", {"f1": 54.4}),
        ("EM 0.50 %, F1 8.50 % on the trial part", {"em": 0.5, "f1": 8.5}),
        ("AUC 0.8046", {"auc": 0.8046}),
        ("mAP 73.2", {"map50": 73.2}),
        ("mAP@0.5 0.903 on the test split", {"map50": 90.3}),
        ("recall@20 0.389, mrr@20 0.141 (item-kNN 0.238)", {"recall20": 38.9, "mrr20": 14.1}),
        ("good", {}),
    ],
)
def test_figures_stand_at_the_beginning_of_a_text(text, figures):
    assert facts.read_figures(text) == figures


def test_figures_of_an_unknown_or_foreign_metric_are_refused():
    row = next(row for row in facts.read_zoo() if row["config"].endswith("/resnet50.yml"))
    for text in ("good", "AUC 0.8"):
        with pytest.raises(
            ConfigError, match=rf"resnet50.yml: published begins with figures of top-1, top-5, not .*{text}"
        ):
            facts.read_models([row | {"published": text}], TASKS)
    with pytest.raises(ConfigError, match=r"no row of zoo_tasks\.csv"):
        facts.read_models([row | {"config": "configs/unheard/x.yml"}], TASKS)


def test_a_task_has_models_known_metrics_and_a_limit_on_a_cost():
    for task in TASKS.values():
        own = [one for one in MODELS if one.task is task]
        assert own and set(task.metrics) <= set(facts.METRICS) and task.data in {"", *(one.data for one in own)}
        assert {cost for cost, _ in task.limits.values()} <= set(facts.COSTS)
        assert all(
            task.texts[name + language] for name in ("name", "input", "output", "advice") for language in ("", "_cn")
        )
    assert all(one.data for one in MODELS)


def test_a_task_with_a_comma_too_many_is_refused(tmp_path):
    (tmp_path / "tasks.csv").write_text("task,kit\nranking,PaddleRec,more\n")
    with pytest.raises(ConfigError, match="the row of ranking has more or fewer fields"):
        facts.read_tasks(tmp_path / "tasks.csv")


def test_a_compressed_model_has_no_size():
    sizes = {one.task.name: one.value("size") for one in MODELS}
    assert sizes["pruning"] is None and sizes["quantization"] is None and sizes["distillation"] > 0


def test_bounds_select_and_models_without_the_figure_are_counted():
    bounds = [choice.Bound("top1", 75, most=False), choice.Bound("latency", 10, most=True)]
    kept, lacking = choice.select(KNOWN, bounds)
    assert names(kept) == ["a", "b"] and lacking == {"latency": 1}


def test_published_figures_come_before_measured_ones():
    assert [one.value("top1") for one in KNOWN] == [80, 75, 90, 70]
    assert [one.value("top1", "published") for one in KNOWN] == [80, 75, None, 70]
    assert [one.value("top1", "measured") for one in KNOWN] == [None, 95, 90, None]


def test_the_best_come_first_and_the_unknown_last():
    assert names(choice.ranked(KNOWN, "top1")) == ["c", "a", "b", "d"]
    assert names(choice.ranked(KNOWN, "latency")) == ["b", "d", "a", "c"]
    assert choice.ranked([A], "size") == [A]


def test_recommendations_compare_on_the_data_of_the_task():
    found = choice.recommend(TASK, KNOWN)
    assert {scenario: one.name for scenario, one in found.items()} == {
        "most_accurate": "a",
        "server": "a",
        "mobile": "b",
        "smallest": "b",
    }
    alone = choice.recommend(TASK, [C, D])
    assert {scenario: one.name for scenario, one in alone.items()} == {"mobile": "d", "smallest": "d"}


def test_the_frontier_has_what_nothing_beats_in_both():
    assert names(choice.frontier(KNOWN, "top1", "latency")) == ["a", "b"]
    assert choice.frontier([C], "top1", "latency") == []


def test_the_command_prints_a_table_and_what_it_could_not_compare(capsys):
    code, out, _ = select(
        capsys, "--task", "classification", "--min", "top1=70", "--max", "latency=40", "--data", "ImageNet"
    )
    lines = out.splitlines()
    assert code == 0 and lines[0].split()[:3] == ["model", "configuration", "data"]
    wanted = [
        one.name
        for one in choice.ranked(MODELS, "top1")
        if one.task.name == "classification" and one.data == "ImageNet"
        if (one.value("top1") or 0) >= 70 and (one.value("latency") or 41) <= 40
    ]
    assert [line.split("  ")[0] for line in lines[1:-1]] == wanted and len(wanted) > 5
    lacking = sum(
        one.value("latency") is None for one in MODELS if one.data == "ImageNet" and one.task.name == "classification"
    )
    assert (
        lines[-1].startswith(f"{len(wanted)} of ")
        and f"; {lacking} model{'s have' if lacking > 1 else ' has'} no latency" in lines[-1]
    )


def test_published_and_measured_figures_have_columns_of_their_own(capsys):
    _, out, _ = select(capsys, "--task", "text_classification")
    head, *rows = out.splitlines()
    row = next(row for row in rows if row.startswith("EmoTect"))
    places = head.index("published"), head.index("measured here")
    assert row[places[0] :].startswith("accuracy 91.1 ") and row[places[1] :].startswith("accuracy ")


def test_json_holds_plain_numbers_and_null_for_what_is_unknown(capsys):
    _, out, _ = select(capsys, "--task", "detection", "--max", "latency=2000", "--sort", "size", "--json")
    found = json.loads(out)
    lacking = sum(one.value("latency") is None for one in MODELS if one.task.name == "detection")
    assert found["task"] == "detection" and found["without"].get("latency", 0) == lacking
    sizes = [one["size"] for one in found["models"]]
    assert sizes == sorted(sizes) and all(one["latency"] <= 2000 and one["macs"] is None for one in found["models"])
    assert any(one["published"] == {"ap": 38.9} for one in found["models"])


def test_without_a_task_the_tasks_are_listed_by_what_goes_in_and_comes_out(capsys):
    code, out, _ = select(capsys)
    assert code == 0 and all(task.texts["input"] in out and task.texts["output"] in out for task in TASKS.values())
    assert [one["task"] for one in json.loads(select(capsys, "--json")[1])] == list(TASKS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "clasification"], "--task clasification: there is no such task; did you mean 'classification'?"),
        (
            ["--task", "ranking", "--min", "acu=0.7"],
            "--min acu=0.7: models of ranking have no 'acu'; did you mean 'auc'?",
        ),
        (["--task", "ranking", "--max", "latncy=7"], "did you mean 'latency'?"),
        (["--task", "ranking", "--max", "top1=7"], "have no 'top1'; choose from auc, latency, size, parameters, macs"),
        (
            ["--task", "ranking", "--sort", "sise"],
            "--sort sise: models of ranking have no 'sise'; did you mean 'size'?",
        ),
        (
            ["--task", "ranking", "--max", "latency=fast"],
            "--max latency=fast: write a number (ms), such as --max latency=10",
        ),
        (["--task", "ranking", "--max", "latency"], "write a number (ms)"),
        (["--task", "ranking", "--min", "auc=nan"], "write a number, such as --min auc=10"),
        (
            ["--task", "ranking", "--data", "Criteoo"],
            "--data Criteoo: no model of ranking has figures of it; did you mean 'Criteo'?",
        ),
        (["--min", "top1=70"], "name it by --task"),
    ],
)
def test_unknown_names_and_values_are_refused(arguments, message, capsys):
    code, out, error = select(capsys, *arguments)
    assert code == 2 and out == "" and message in error and len(error.splitlines()) == 1


def test_a_share_may_be_written_as_a_fraction():
    assert choice.read_bound("--min", "top1=0.7", TASK) == choice.read_bound("--min", "top1=70", TASK)


def test_the_documents_show_every_task_and_its_recommendations():
    texts = {path.name: text for path, text in documents.documents().items()}
    for name, task in TASKS.items():
        for language in ("", "_cn"):
            text = texts[f"choosing{language}.md"]
            assert f'<a id="{name}"></a>' in text and task.texts["advice" + language] in text
        for chosen in choice.recommend(task, [one for one in MODELS if one.task is task]).values():
            assert f"[{chosen.name}](../{chosen.config})" in texts["choosing.md"]
