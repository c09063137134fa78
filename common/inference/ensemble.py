"""Several exported models that answer together, such as those of D-NET (Li et al. 2019,
https://aclanthology.org/D19-5828, section 4.2): probabilities are averaged, and the best answer of all is given; or
classifiers vote."""

from collections import defaultdict

import numpy as np

from common.errors import ConfigError
from common.inference.labels import best_classes
from common.inference.run import predicts_by

NUMBER = "number_of_sample"  # by which the answers of the members are matched


class Ensemble:
    """Predicts as a model does; each member reads the samples with its own vocabulary and transforms.

    Args:
        members (list[Predictor]): of one task: TextClassification with the same classes, TextRegression, or
            ReadingComprehension.
        names (list[str]): of the members, for messages.
        weights (list[float] | None): of the members; equal ones by default.
        vote (bool): each classifier gives its weight to the class that it answers with; the score of a class is its
            share of the votes, and of two with as many the one with the lower number is the answer.

    Raises:
        ConfigError: the members do not answer the same question, cannot vote, or a weight is not above 0.
    """

    threshold_from = None

    def __init__(self, members, names, weights=None, vote=False):
        weights = weights or [1.0] * len(members)
        if len(weights) != len(members) or not all(weight > 0 for weight in weights):
            raise ConfigError(f"the weights are {weights}; each of the {len(members)} models takes one above 0")
        first = members[0]
        self.members, self.weights = members, [weight / sum(weights) for weight in weights]
        self.task, self.labels, self.inputs, self.pipeline = first.task, first.labels, first.inputs, first.pipeline
        if first.task.name not in JOINED:
            raise ConfigError(f"{names[0]}: {first.task.name}; models of {', '.join(JOINED)} answer together")
        if vote and first.task.name != "TextClassification":
            raise ConfigError(f"{names[0]}: {first.task.name}; models of TextClassification vote")
        self.join = join_votes if vote else JOINED[first.task.name]
        for member, name in zip(members, names, strict=True):
            if member.task.name != first.task.name:
                raise ConfigError(f"{name}: {member.task.name}, and {names[0]} is of {first.task.name}")
            if member.labels != first.labels:
                raise ConfigError(f"{name}: the classes are {member.labels}, and those of {names[0]} {first.labels}")

    def predict_samples(self, samples, threshold=None):
        """The predictions of samples, see :func:`common.inference.run.predict_samples`."""
        found, all_classes = [], self.task.name == "TextClassification"
        kept, wanted = self.task.threshold if threshold is None else threshold, getattr(self.task, "n_best", None)
        for member in self.members:
            had = getattr(member.task, "n_best", None)
            if all_classes:
                member.task.n_best = len(self.labels)
            try:
                numbered = [one | {NUMBER: number} for number, one in enumerate(samples)]
                found.append(predicts_by(member)(member, numbered, 0.0 if all_classes else kept))
            finally:
                if all_classes:
                    member.task.n_best = had
        rows, problems = self.rows_of(found, len(samples))
        joined = []
        for row in rows:
            sample = next((sample for sample, _ in row if "error" in sample), row[0][0])
            records = [answers for _, answers in row]
            given = list(zip(self.weights, records, strict=True))
            answers = self.join(given, self.labels, kept, wanted) if "error" not in sample and all(records) else []
            joined.append(({key: value for key, value in sample.items() if key != NUMBER}, answers))
        return joined, problems

    def rows_of(self, found, count):
        """The answers of all members to each sample, and the errors of the samples that one of them cannot read.

        Args:
            found (list[tuple]): predictions and problems of each member.
            count (int): N, the number of samples.

        Returns:
            tuple[list[list[tuple]], list[DataError]]: for each sample that every member returns, (sample, records) of
                each member; the errors, one for each sample.
        """
        by_number = [{sample[NUMBER]: (sample, records) for sample, records in rows} for rows, _ in found]
        rows = [
            [one[number] for one in by_number] for number in range(count) if all(number in one for one in by_number)
        ]
        errors = [next((sample["error"] for sample, _ in row if "error" in sample), None) for row in rows]
        lost = [
            error
            for one, (_, problems) in zip(by_number, found)
            for error in problems[len(problems) + len(one) - count :]
        ]
        return rows, [error for error in errors if error] + list({str(error): error for error in lost}.values())


def join_classes(given, labels, threshold, n_best):
    """The mean probability of every class; `given` is (weight, records of all classes) of each member."""
    scores = np.zeros(len(labels))
    for weight, records in given:
        for record in records:
            scores[record["category_id"]] += weight * record["score"]
    return best_classes(scores, labels, n_best, threshold, True)


def join_votes(given, labels, threshold, n_best):
    """The shares of the votes of every class; a member votes for the first of its records."""
    scores = np.zeros(len(labels))
    for weight, records in given:
        scores[records[0]["category_id"]] += weight
    return best_classes(scores.round(9), labels, n_best, threshold, True)


def join_numbers(given, labels, threshold, n_best):
    """The mean of the numbers."""
    return [{"value": round(sum(weight * records[0]["value"] for weight, records in given), 4)}]


def join_answers(given, labels, threshold, n_best):
    """The answers by the mean of their probabilities, the softmax of the scores of a member's best answers."""
    scores, texts = defaultdict(float), {}
    for weight, records in given:
        found = np.array([record["score"] for record in records])
        found = np.exp(found - found.max())
        for share, record in zip((found / found.sum()).tolist(), records, strict=True):
            place = record["start"], record["end"]
            scores[place] += weight * share
            texts[place] = record["text"]
    best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:n_best]
    return [{"text": texts[a, b], "start": a, "end": b, "score": round(score, 4)} for (a, b), score in best]


JOINED = {"TextClassification": join_classes, "TextRegression": join_numbers, "ReadingComprehension": join_answers}
