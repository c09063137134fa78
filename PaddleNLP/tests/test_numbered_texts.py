"""Texts with numbers or with several classes: their files, networks, predictions and metrics."""

import numpy as np
import pytest

from common.errors import DataError
from common.inference.tasks.text_regression import TextRegression
from common.testing import check_model
from PaddleNLP.data.numbered_texts import MultiLabelTexts, ScoredTexts
from PaddleNLP.metrics.numbers import Correlation, LabelAUC, MatthewsCorrelation, matthews, ranks
from PaddleNLP.models.assemblies.text_classifier import TextClassifier
from PaddleNLP.models.assemblies.text_regressor import TextRegressor
from PaddleNLP.models.encoders.convolutions import CNN
from PaddleNLP.models.heads.multi_label_text_head import MultiLabelTextHead

BATCH = {"input_ids": np.arange(21).reshape(3, 7), "length": np.array([7, 4, 1])}


def test_a_regressor_keeps_the_contract(tmp_path):
    batch = BATCH | {"value": np.array([1.0, -2.0, 0.5], "float32")}
    check_model(lambda: TextRegressor(CNN(30, 8, 8), [4], 0.0), batch, tmp_path)


def test_a_classifier_of_several_classes_keeps_the_contract_and_scores_each_by_itself(tmp_path):
    import paddle

    batch = BATCH | {"label": np.array([[1, 0], [1, 1], [0, 0]], "float32")}
    check_model(lambda: TextClassifier(CNN(30, 8, 8), MultiLabelTextHead(8, 2, [], 0.0)), batch, tmp_path)
    model = TextClassifier(CNN(30, 8, 8), MultiLabelTextHead(8, 2, [], 0.0))
    model.head.output.weight.set_value(np.zeros([8, 2], "float32"))
    model.head.output.bias.set_value(np.array([0.0, 100.0], "float32"))
    np.testing.assert_allclose(model(*map(paddle.to_tensor, BATCH.values())).numpy(), [[0.5, 1.0]] * 3)


def test_numbers_are_read_with_their_texts(tmp_path):
    (tmp_path / "a.tsv").write_text("text_a\ttext_b\tlabel\na b\tc\t2.5\nd\te\t-1\n")
    dataset = ScoredTexts(tmp_path, "a.tsv")
    assert dataset.labels is None and len(dataset) == 2
    assert {k: dataset[0][k] for k in ("text_a", "text_b", "value")} == {"text_a": "a b", "text_b": "c", "value": 2.5}
    (tmp_path / "b.tsv").write_text("a\t1\n")
    assert ScoredTexts(tmp_path, "b.tsv", columns=["text_a", "label"])[0]["value"] == 1


def test_classes_are_columns(tmp_path):
    (tmp_path / "a.tsv").write_text("text_a\trude\tfalse\na\t1\t0\nb\t1\t1\nc\t0\t0\nd\t0\t1\n")
    dataset = MultiLabelTexts(tmp_path, "a.tsv")
    assert dataset.labels == ["rude", "false"] and [d["label"].tolist() for d in dataset][1:3] == [[1, 1], [0, 0]]
    assert MultiLabelTexts(tmp_path, "a.tsv", labels=["false", "rude"])[0]["label"].tolist() == [0, 1]


@pytest.mark.parametrize("kind, text, words", [
    (ScoredTexts, "text_a\tlabel\na\tx\n", "the column label is 'x', not a finite number"),
    (ScoredTexts, "text_a\tlabel\na\tnan\n", "not a finite number"),
    (ScoredTexts, "text_a\tlabel\na\n", "1 fields where 2 are expected"),
    (MultiLabelTexts, "text_a\trude\na\t2\n", "the column rude is '2', not 0 or 1"),
])  # fmt: skip
def test_a_wrong_number_is_named_with_its_line(tmp_path, kind, text, words):
    (tmp_path / "a.tsv").write_text(text)
    with pytest.raises(DataError, match=f"(?s){words}.*line 2"):
        kind(tmp_path, "a.tsv")


def scored(metric, *batches):
    for outputs, batch in batches:
        metric.update(outputs, batch)
    metric.merge([metric.state()])
    return metric.compute()


def test_correlations_are_those_of_their_definition():
    values = [({"value": np.array([1.0, 2.0])}, {"value": [1, 4]}), ({"value": np.array([3.0])}, {"value": [9]})]
    found = scored(Correlation(), *values)
    assert found["spearman"] == pytest.approx(1) and found["pearson"] == pytest.approx(0.98974, abs=1e-5)
    assert found["mse"] == pytest.approx((0 + 4 + 36) / 3)
    assert scored(Correlation(), ({"value": np.ones(2)}, {"value": [1, 2]}))["pearson"] == 0
    assert ranks(np.array([3, 1, 3, 2])).tolist() == [3.5, 1, 3.5, 2]
    with pytest.raises(ValueError, match="spearman or pearson"):
        Correlation("kendall")


class Labels:
    labels = ("a", "b", "c")


def test_the_area_is_averaged_over_the_classes_that_have_one():
    scores = np.array([[0.9, 0.1, 0.5], [0.8, 0.2, 0.5], [0.1, 0.2, 0.5]])
    labels = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]])
    metric = LabelAUC(Labels)
    assert scored(metric, ({"scores": scores}, {"label": labels}))["AUC"] == pytest.approx((1 + 0.75) / 2)
    assert metric.per_class()["c"] == {"AUC": -1.0, "texts": 0}


def test_matthews_correlation_is_that_of_the_four_counts():
    tp, fn, fp, tn = 6, 2, 1, 3
    wanted = (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert matthews([[tn, fp], [fn, tp]]) == pytest.approx(wanted) and matthews([[0, 3], [0, 5]]) == 0

    class Two:
        labels = ("0", "1")

    metric = MatthewsCorrelation(Two)
    found = scored(metric, ({"scores": np.eye(2)}, {"label": np.array([0, 1])}))
    assert metric.primary == "matthews" and found["matthews"] == found["accuracy"] == 1


def test_a_number_is_a_record_and_a_line():
    task = TextRegression()
    found = task.records({"value": np.array([0.123456, 2])}, [{}, {}], None, 0)
    assert found == [[{"value": 0.1235}], [{"value": 2.0}]]
    sample = task.read_line("a\tb")
    assert task.line(sample, found[0]) == "0.1235\ta\tb" and task.line(sample, []) == ""
    assert task.read_line("a") == {"text_a": "a"}


def test_a_third_field_is_not_read_as_text():
    task = TextRegression()
    assert task.read_line("a\tb") == {"text_a": "a", "text_b": "b"} and task.read_line("a") == {"text_a": "a"}
    with pytest.raises(DataError, match="3 fields; this model reads one text or two"):
        task.read_line("a\tb\t0.5")
