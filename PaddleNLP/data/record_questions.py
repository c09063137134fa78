"""ReCoRD, reading comprehension with commonsense reasoning (Zhang et al. 2018, https://arxiv.org/abs/1810.12885)."""

from .squad_questions import SquadQuestions, lookup, read_tree


class RecordQuestions(SquadQuestions):
    """A JSON file of passages and queries, in which @placeholder stands for an entity of the passage.

    A sample is one of SquadQuestions; its question is the query.

    Args:
        root (str): the folder.
        file (str): the file in it.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few queries with errors.
    """

    def paragraphs(self, encoding):
        """(place, passage, questions) of each passage."""

        def look(*rest):
            return lookup(self.source, "ReCoRD's", *rest)

        for number, row in enumerate(look(read_tree(self.source, encoding), "data", list, "")):
            place = f"data[{number}]"
            context = look(look(row, "passage", dict, place), "text", str, f"{place}.passage")
            questions = look(row, "qas", list, place)
            yield place, context, [question_of(question) for question in questions]


def question_of(row):
    """A query as a question of SQuAD; what is no query is left for the reader to refuse."""
    if not isinstance(row, dict):
        return row
    found = {"question": row["query"]} if "query" in row else {}
    answers = row.get("answers", [])
    if isinstance(answers, list):
        answers = [
            {"text": answer.get("text"), "answer_start": answer.get("start")} if isinstance(answer, dict) else answer
            for answer in answers
        ]
    return found | {"id": row.get("id"), "answers": answers}
