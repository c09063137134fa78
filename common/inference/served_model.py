"""A model of texts that another process serves (`tools/serve.py`), to predict with as with an exported one."""

import http.client
import json
import os
import types
from urllib.parse import quote, urlsplit

from common.errors import ConfigError, DataError, EnvironmentProblem
from common.inference.tasks.reading_comprehension import ReadingComprehension
from common.inference.tasks.text_regression import TextRegression

TASKS = {kind.__name__: kind for kind in (ReadingComprehension, TextRegression)}


class ServedModel:
    """Predicts by asking a server; one that classifies is refused, since it answers with its best classes alone.

    Args:
        address (str): http://HOST:PORT of a server of one model, or http://HOST:PORT/NAME. A server with an API key is
            sent that of the environment, KIT_API_KEY.
        timeout (float): seconds for one request.

    Raises:
        ConfigError: the address is invalid, the server has no such model, or the model has another task.
        EnvironmentProblem: the server does not respond.
    """

    threshold_from = labels = None
    pipeline = types.SimpleNamespace(transforms=[])

    def __init__(self, address, timeout=60.0):
        place = urlsplit(address)
        try:
            port = place.port
        except ValueError:
            port = None
        if place.scheme != "http" or not place.hostname or not port:
            raise ConfigError(f"{address}: a server is http://HOST:PORT, or http://HOST:PORT/NAME of one of its models")
        self.address, self.timeout, self.host, self.port = address, timeout, place.hostname, port
        name, known = place.path.strip("/"), self.ask("GET", "/v1/models")["models"]
        found = [about for about in known if name in ("", about["name"])]
        if len(found) != 1:
            raise ConfigError(f"{address}: name one of its models: {', '.join(about['name'] for about in known)}")
        self.name, task = found[0]["name"], found[0]["task"]
        if task not in TASKS:
            raise ConfigError(f"{address}: {task}; servers answer together in {', '.join(TASKS)}")
        self.task = TASKS[task]()
        self.inputs = {entry["name"]: (entry["shape"], entry["dtype"]) for entry in found[0]["inputs"]}

    def predict_samples(self, samples, threshold=None):
        """The predictions of samples, see :func:`common.inference.run.predict_samples`."""
        ready = [sample for sample in samples if "error" not in sample]
        texts = [line_of(sample) for sample in ready]
        body = json.dumps({"texts": texts}) if texts else None
        found = iter(self.ask("POST", f"/v1/models/{quote(self.name)}:predict", body)["predictions"] if texts else ())
        predictions = [(sample, [] if "error" in sample else next(found)) for sample in samples]
        for sample, records in predictions:
            if not isinstance(records, list):  # a problem in place of its predictions
                raise DataError(f"{self.address}: {records.get('detail', 'not predicted')}: {line_of(sample)[:60]}")
        return predictions, [sample["error"] for sample in samples if "error" in sample]

    def ask(self, method, path, body=None):
        """The object that the server answers.

        Raises:
            DataError: it refuses a text.
            EnvironmentProblem: it does not respond, or with another status.
        """
        key = os.environ.get("KIT_API_KEY")
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        line = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            line.request(method, path, body, headers)
            response = line.getresponse()
            status, found = response.status, json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise EnvironmentProblem(f"{self.address}: no response of a server: {error}") from None
        finally:
            line.close()
        if status == 422:
            raise DataError(f"{self.address}: {found.get('detail')}")
        if status != 200:
            raise EnvironmentProblem(f"{self.address}: {status}: {found.get('detail')}")
        return found


def line_of(sample):
    """A sample as a line of text that a server reads."""
    if "question" in sample:
        return json.dumps({"question": sample["question"], "context": sample["context"]}, ensure_ascii=False)
    return "\t".join(sample[key] for key in ("text_a", "text_b") if key in sample)
