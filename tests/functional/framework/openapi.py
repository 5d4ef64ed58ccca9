"""Holds answers of the API against web/openapi.json: status, content type, and the body against its schema."""

import functools
import http.client
import json
import re

import jsonschema

from .util import ROOT

METHODS = ("get", "post")


@functools.cache
def document() -> dict:
    return json.loads((ROOT / "web" / "openapi.json").read_text())


def resolved(node: dict) -> dict:
    while "$ref" in node:
        found = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


@functools.cache
def patterns() -> list:
    """(regular expression, path) of each path; those without a {parameter} first."""
    made = []
    for path in sorted(document()["paths"], key=lambda path: path.count("{")):
        made.append((re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "$"), path))
    return made


def path_of(target: str) -> str | None:
    found = target.split("?")[0]
    return next((path for pattern, path in patterns() if pattern.match(found)), None)


def complaints(schema: dict, value) -> list:
    """What of a value does not fit a schema of the document."""
    whole = {**schema, "components": document()["components"]}
    errors = jsonschema.Draft202012Validator(whole).iter_errors(value)
    return [f"{'/'.join(map(str, error.absolute_path)) or '(all)'}: {error.message[:200]}" for error in errors]


class Answer:
    def __init__(self, status: int, headers: dict, body: bytes):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def request(port: int, target: str, method: str = "GET", headers: dict | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, target, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def check(target: str, answer: Answer, method: str = "get"):
    """The answer to a request of a documented path is one that the document tells of."""
    path = path_of(target)
    assert path, f"{target} is in no path of the document"
    operation = document()["paths"][path][method]
    documented = operation["responses"].get(str(answer.status))
    assert documented, f"{target} answered {answer.status}, which the document does not tell of: {answer.body[:300]!r}"
    response = resolved(documented)
    for name in response.get("headers", {}):
        assert name.lower() in answer.headers, f"{target}: no header {name}"
    if "content" not in response:
        assert answer.body == b"", f"{target}: {answer.status} with a body"
        return
    (kind, content), = response["content"].items()
    assert answer.headers["content-type"].split(";")[0] == kind.split(";")[0], f"{target}: {answer.headers['content-type']}"
    if kind != "application/json":
        return
    wrong = complaints(content["schema"], answer.json())
    assert not wrong, f"{target}: " + "; ".join(wrong[:10])


def ask(port: int, target: str, status: int = 200, headers: dict | None = None) -> Answer:
    answer = request(port, target, headers=headers)
    check(target, answer)
    assert answer.status == status, f"{target} answered {answer.status}, not {status}: {answer.body[:300]!r}"
    return answer
