"""What a server answers to images, good and bad."""

import base64
import io
import json
import random
import struct
import zlib

import pytest
from PIL import Image

from tests.deploy.serving_process import serving
from tests.made.commands import command

PREDICT = "/v1/models/yolov3:predict"


@pytest.fixture(scope="module")
def server(exported):
    with serving(exported) as running:
        yield running


@pytest.fixture(scope="module")
def photo(digits):
    return (digits / "digits/JPEGImages/eval_00000.jpg").read_bytes()


def encoded(form, size=(40, 30)):
    """An image of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 90)).save(file, form)
    return file.getvalue()


def base64_of(data):
    return base64.b64encode(data).decode()


def form(files, name="image"):
    """A multipart body and its content type."""
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{name}"; filename="{n}.jpg"\r\n\r\n'.encode() + data + b"\r\n"
        for n, data in enumerate(files)
    ]
    return b"".join([*parts, b"--cut--\r\n"]), "multipart/form-data; boundary=cut"


def png_bomb(width, height):
    """A PNG of a few hundred bytes that says it has these sides."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


def test_an_image_is_answered_as_the_command_line_does_in_every_way_of_sending_it(server, photo, exported, digits):
    path = digits / "digits/JPEGImages/eval_00000.jpg"
    said = command("infer", "--model", exported, "--image", path, "--json", "--threshold", "0.05")
    expected = json.loads(said.out)["predictions"]
    assert expected
    bodies = [
        (photo, "image/jpeg"),
        (photo, "application/octet-stream"),
        form([photo]),
        ({"image": base64_of(photo)}, None),
        ({"images": [base64_of(photo)]}, None),
    ]
    for body, kind in bodies:
        reply = server.ask(PREDICT + "?threshold=0.05", body, kind)
        assert reply.status == 200, reply.body
        assert reply.json["predictions"] == [expected]
        assert reply.json["model"] == "yolov3"


def test_several_images_are_answered_in_their_order(server, photo):
    files = [encoded("PNG"), photo, encoded("WEBP"), encoded("BMP"), photo]
    alone = [server.ask(PREDICT + "?threshold=0.05", file, "image/x").json["predictions"][0] for file in files]
    for body, kind in [form(files), ({"images": [base64_of(file) for file in files]}, None)]:
        assert server.ask(PREDICT + "?threshold=0.05", body, kind).json["predictions"] == alone


def test_without_a_threshold_a_request_has_that_of_the_export(server, photo, exported, digits):
    path = digits / "digits/JPEGImages/eval_00000.jpg"
    expected = json.loads(command("infer", "--model", exported, "--image", path, "--json").out)["predictions"]
    assert server.ask(PREDICT, photo, "image/jpeg").json["predictions"] == [expected]


def test_one_bad_image_of_several_costs_its_own_prediction_alone(server, photo):
    (alone,) = server.ask(PREDICT + "?threshold=0.05", photo, "image/x").json["predictions"]
    cut = photo[: len(photo) // 2]
    body, kind = form([photo, b"<html>", cut, photo])
    found = server.ask(PREDICT + "?threshold=0.05", body, kind).json["predictions"]
    assert [found[0], found[3]] == [alone] * 2
    assert [(one["status"], one["detail"][:15]) for one in found[1:3]] == [
        (415, "[D101] image 2:"),
        (422, "[D102] image 3:"),
    ]
    texts = [base64.b64encode(photo).decode(), "$$$"]
    found = server.ask(PREDICT + "?threshold=0.05", {"images": texts}).json["predictions"]
    assert found == [alone, {"status": 400, "detail": "image 2 is not base64"}]
    server.ask(PREDICT, *form([b"<html>", cut])).refused(415, "image 1")


def test_the_threshold_is_that_of_the_request(server, photo):
    def scores(query, **more):
        reply = server.ask(PREDICT + query, {"image": base64_of(photo), **more})
        return [record["score"] for record in reply.json["predictions"][0]]

    every = scores("?threshold=0")
    assert len(every) > len(scores("?threshold=1"))
    middle = every[len(every) // 2]
    assert scores("", threshold=middle) == scores(f"?threshold={middle}")
    assert all(score >= middle for score in scores("", threshold=middle))


def test_a_version_can_be_named(server, photo):
    version = server.ask("/v1/models/yolov3").json["version"]
    assert server.ask(f"/v1/models/yolov3/versions/{version}:predict", photo, "image/jpeg").status == 200
    server.ask("/v1/models/yolov3/versions/7:predict", photo, "image/jpeg").refused(404, "no version '7'", version)


def test_the_models_are_listed(server):
    (model,) = server.ask("/v1/models").json["models"]
    assert (model["name"], model["task"], model["input"]) == ("yolov3", "Detection", "image")
    assert model["versions"] == [{"version": model["version"], "ready": True}]
    assert model == server.ask("/v1/models/yolov3").json


GIF, JPEG = encoded("GIF"), encoded("JPEG", (400, 300))
JSON = "application/json"
# name: body, content type, status, words of the refusal
REFUSALS = {
    "nothing": (b"", "image/jpeg", 400, ["empty"]),
    "no JSON": (b'{"image": ', JSON, 400, ["not JSON"]),
    "NaN": (b'{"image": "", "threshold": NaN}', JSON, 400, ["NaN is not JSON"]),
    "too deep": (b"[" * 100_000, JSON, 400, ["not JSON"]),
    "half a surrogate": (b'{"image": "\\ud800"}', JSON, 400, ["base64"]),
    "a list": (b"[1]", JSON, 422, ["an object with one of image, images, inputs"]),
    "two keys": ({"image": "", "images": []}, None, 422, ["one of image, images, inputs"]),
    "another key": ({"imgae": ""}, None, 422, ["one of image, images, inputs"]),
    "an address": ({"url": "http://127.0.0.1/"}, None, 422, ["one of image"]),
    "a number": ({"image": 3}, None, 422, ["image is a text"]),
    "no images": ({"images": []}, None, 422, ["images is empty"]),
    "no base64": ({"image": "$$$"}, None, 400, ["image 1 is not base64"]),
    "17 images": ({"images": ["QQ=="] * 17}, None, 413, ["17 items", "16"]),
    "17 files": (*form([JPEG] * 17), 413, ["16"]),
    "another field": (*form([JPEG], name="file"), 422, ["image"]),
    "no form": (b"nothing of the kind", "multipart/form-data; boundary=cut", 400, ["form"]),
    "no boundary": (b"--cut", "multipart/form-data", 400, ["form"]),
    "text": (b"hello", "text/plain", 415, ["application/json", "image/*"]),
    "a GIF": (GIF, "image/gif", 415, ["D101", "JPEG, PNG, WEBP, BMP"]),
    "a page": (b"<html>", "image/jpeg", 415, ["D101", "<html>"]),
    "half a JPEG": (JPEG[: len(JPEG) // 2], "image/jpeg", 422, ["D102", "image 1"]),
    "a few bytes of a JPEG": (JPEG[:20], "image/jpeg", 422, ["D102"]),
    "26 million pixels": (png_bomb(5200, 5000), "image/png", 422, ["D103", "5200x5000"]),
    "a bomb": (png_bomb(60_000, 60_000), "image/png", 422, ["D103"]),
    "tensors of another shape": (
        {"inputs": {"image": [[1]], "im_shape": [], "scale_factor": []}},
        None,
        422,
        ["image is"],
    ),
    "tensors by other names": ({"inputs": {"x": [1]}}, None, 422, ["image, im_shape, scale_factor"]),
    "no tensors": ({"inputs": 3}, None, 422, ["object"]),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_is_refused_with_its_reason(server, name):
    body, kind, status, words = REFUSALS[name]
    server.ask(PREDICT, body, kind).refused(status, *words)


@pytest.mark.parametrize(
    "query", ["?threshold=x", "?threshold=2", "?threshold=nan", "?treshold=0.5", "?threshold=0&threshold=1"]
)
def test_a_bad_query_is_refused(server, query):
    server.ask(PREDICT + query, JPEG, "image/jpeg").refused(422, "threshold")


def test_damaged_images_are_refused_or_answered_and_never_end_the_predictor(server, photo):
    pid = server.predictors()[0].pid
    draw, line = random.Random(0), server.connection()
    for form_name in ("JPEG", "PNG", "WEBP", "BMP"):
        whole = photo if form_name == "JPEG" else encoded(form_name)
        for _ in range(25):
            data = bytearray(whole)
            for _ in range(draw.randint(1, 20)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            reply = server.ask(PREDICT, bytes(data[: draw.randint(1, 2 * len(data))]), "image/x", connection=line)
            assert reply.status in (200, 415, 422), reply.body
    line.close()
    assert server.predictors()[0].pid == pid


def test_a_body_that_is_too_long_is_refused_by_its_head_and_while_it_comes(server):
    long = bytes(11 * 2**20)
    server.ask(PREDICT, long, "image/jpeg").refused(413, "10485760")
    pieces = (long[start : start + 2**20] for start in range(0, len(long), 2**20))
    server.ask(PREDICT, pieces, "image/jpeg").refused(413, "10485760")  # in chunks, without a length


def test_other_addresses_and_methods_are_refused(server):
    server.ask("/nowhere").refused(404)
    server.ask("/v1/models/yolov3/").refused(404)
    server.ask("/v1/models/yolo3:predict", JPEG, "image/jpeg").refused(404, "did you mean 'yolov3'?")
    reply = server.ask(PREDICT).refused(405)
    assert reply.headers["allow"] == "POST"
    server.ask("/v1/models", method="DELETE").refused(405)


def test_another_sites_page_may_not_ask(server):
    foreign = {"Sec-Fetch-Site": "cross-site"}
    server.ask(PREDICT, JPEG, "image/jpeg", headers=foreign).refused(403)
    assert server.ask("/health/live", headers=foreign).status == 200


def test_every_answer_has_an_id_and_safe_headers_and_the_log_names_it_without_what_was_sent(server):
    secret = base64_of(b"nobody may read this")
    reply = server.ask(PREDICT, {"image": secret}, headers={"X-Request-ID": "mine-1"}).refused(415)
    assert reply.headers["x-request-id"] == reply.json["request_id"] == "mine-1"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    other = server.ask("/health/live", headers={"X-Request-ID": "a b"})
    assert len(other.headers["x-request-id"]) == 32
    (line,) = [line for line in server.said().splitlines() if '"mine-1"' in line]
    entry = json.loads(line[line.index("{") :])
    assert (entry["status"], entry["path"], entry["model"]) == (415, PREDICT, "yolov3")
    assert secret not in server.said()


def test_slow_senders_do_not_keep_others_waiting(server):
    lines = [server.connection() for _ in range(50)]
    for line in lines:
        line.putrequest("POST", PREDICT)
        line.putheader("Content-Length", "1000")
        line.endheaders(b"x")
    assert server.ask("/health/live").status == 200
    assert server.ask(PREDICT, JPEG, "image/jpeg").status == 200
    for line in lines:
        line.close()
