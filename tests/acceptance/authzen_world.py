"""A gateway as an AuthZEN decision point: the contracts and rules of the published scenarios.

The records, alice and bob, are those that the working group's certification scenario asks a
decision point to be loaded with; the todo list is that of its interop events.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.processes import HTTP, ROOT
from tests.world import World, end_world, make_world

JsonObject = dict[str, Any]

EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"
SUBJECTS = "/access/v1/search/subject"
RESOURCES = "/access/v1/search/resource"
ACTIONS = "/access/v1/search/action"
METADATA = "/.well-known/authzen-configuration"

ENDPOINTS = (EVALUATION, EVALUATIONS, SUBJECTS, RESOURCES, ACTIONS)

_CONTRACT = """
key: {key}
version: 1.0.0
kind: command
title: {key}
description: What an application does itself, once it was told that it may.
domain: {domain}
owners: [tests]
capability: {domain}.core@1.0.0
risk: low
input: {input}
output: {{done: Boolean!}}
policy: {{auth: admin}}
handler: {{http: {{method: POST, url: "http://support.internal/never"}}}}
"""

_CONTRACTS = {
    "record.read": "{recordId: ID!, status: String}",
    "record.write": "{recordId: ID!, status: String}",
    "record.delete": "{recordId: ID!, soft: Boolean}",
    "user.canReadUser": "{userId: ID!}",
    "todo.canReadTodos": "{todoId: ID!}",
    "todo.canCreateTodo": "{todoId: ID!}",
    "todo.canUpdateTodo": "{todoId: ID!, ownerID: String}",
    "todo.canDeleteTodo": "{todoId: ID!, ownerID: String}",
}

_ACCESS = """
p, caller-only, *, support.refund.issue, call, allow
p, caller-only, *, support.ticket.read, call, allow

g, user:alice, member, *
g, user:bob, member, *
g, user:bob, record-admin, *
g, admin, record-admin, *
g, member, user, *
p, member, *, record.*, call, allow
p, record-admin, *, record.write, call, allow

g, todo-viewer, user, *
g, todo-editor, todo-viewer, *
g, todo-admin, todo-editor, *
g, evil-genius, todo-editor, *
g, user:rick, todo-admin, acme
g, user:rick, evil-genius, acme
g, user:morty, todo-editor, acme
g, user:summer, todo-editor, acme
g, user:beth, todo-viewer, acme
g, user:jerry, todo-viewer, acme
g, user:stranger, todo-viewer, other
p, todo-viewer, *, user.canReadUser, call, allow
p, todo-viewer, *, todo.canReadTodos, call, allow
p, todo-editor, *, todo.canCreateTodo, call, allow
p, todo-editor, *, todo.canUpdateTodo, call, allow
p, todo-editor, *, todo.canDeleteTodo, call, allow
"""

_VERDICT = """
p, 10, record-admin, *, record.write, *, has(status) && status == 'archived', autonomous, -, -, -, -
p, 20, *, *, record.write, *, has(status) && status == 'archived', blocked, -, -, -, -
p, 30, user:alice, *, record.write, *, true, autonomous, -, -, -, -
p, 30, *, *, record.write, *, true, blocked, -, -, -, -
p, 30, user:alice, *, record.delete, *, has(soft) && soft, autonomous, -, -, -, -
p, 40, *, *, record.delete, *, true, blocked, -, -, -, -
p, 50, *, *, record.read, *, "recordId in ['record-1', 'record-2']", autonomous, -, -, -, -
p, 51, *, *, record.read, *, true, blocked, -, -, -, -

p, 60, *, *, todo.canCreateTodo, *, true, autonomous, -, -, -, -
p, 60, evil-genius, *, todo.canUpdateTodo, *, true, autonomous, -, -, -, -
p, 60, todo-admin, *, todo.canDeleteTodo, *, true, autonomous, -, -, -, -
p, 61, user:morty, *, todo.can*teTodo, *, ownerID == 'morty@example.com', autonomous, -, -, -, -
p, 61, user:summer, *, todo.can*teTodo, *, ownerID == 'summer@example.com', autonomous, -, -, -, -
p, 62, *, *, todo.canUpdateTodo, *, true, blocked, -, -, -, -
p, 62, *, *, todo.canDeleteTodo, *, true, blocked, -, -, -, -
"""


@contextmanager
def authzen_world(folder: Path) -> Iterator[World]:
    """A world with these contracts and rules beside the shipped ones."""
    schema, policies = folder / "schema", folder / "policies"
    schema.mkdir()
    for key, fields in _CONTRACTS.items():
        text = _CONTRACT.format(key=key, domain=key.partition(".")[0], input=fields)
        (schema / f"{key}.yaml").write_text(text)
    shutil.copytree(ROOT / "policies", policies)
    for name, rows in (("access.csv", _ACCESS), ("verdict.csv", _VERDICT)):
        with (policies / name).open("a") as file:
            file.write(rows)
    world = make_world(
        folder,
        GATEWAY_SCHEMA_DIR=f"{ROOT / 'schema'}:{schema}",
        GATEWAY_POLICY_DIR=str(policies),
    )
    try:
        yield world
    finally:
        end_world(world)


class Pep:
    """An enforcement point: it asks over HTTP, as the service ``api-proxy`` unless told else."""

    def __init__(self, world: World, workspace: str = "acme", *roles: str) -> None:
        self.token = world.gateway.token(
            "api-proxy", *(roles or ("policy-enforcer",)), kind="service", workspace=workspace
        )
        self.url = world.gateway.url

    def send(
        self, path: str, body: object = None, method: str = "POST", **headers: str
    ) -> httpx.Response:
        """Send a body: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        told = {name: value for name, value in told.items() if value}
        return HTTP.request(method, self.url + path, content=content, headers=told)

    def ask(self, path: str, body: object) -> JsonObject:
        """What a well-formed request is answered with."""
        answer = self.send(path, body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        found: JsonObject = answer.json()
        return found

    def permits(self, *question: JsonObject) -> bool:
        """The decision of one evaluation, given as its entities."""
        decision: bool = self.ask(EVALUATION, asking(*question))["decision"]
        assert type(decision) is bool
        return decision

    def refused(self, path: str, body: object, **headers: str) -> httpx.Response:
        """The answer to a request that is a Bad Request."""
        answer = self.send(path, body, **headers)
        assert answer.status_code == 400, (answer.status_code, answer.text)
        assert answer.json()["detail"]
        return answer


def asking(*parts: JsonObject) -> JsonObject:
    """A question of its entities."""
    return {name: value for part in parts for name, value in part.items()}


def subject(id: str | None, type: str = "user", **properties: object) -> JsonObject:  # noqa: A002 - the words of AuthZEN
    return {"subject": _entity({"type": type, "id": id}, properties)}


def action(name: str, **properties: object) -> JsonObject:
    return {"action": _entity({"name": name}, properties)}


def resource(id: str | None, type: str = "record", **properties: object) -> JsonObject:  # noqa: A002 - as above
    return {"resource": _entity({"type": type, "id": id}, properties)}


def _entity(members: JsonObject, properties: JsonObject) -> JsonObject:
    told = {name: value for name, value in members.items() if value is not None}
    return {**told, "properties": properties} if properties else told
