"""Everybody who calls the gateway, and every byte that each of them was told."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.processes import Caller, JsonObject, Server

ROLES = (
    *("user", "admin", "planner", "approver", "operator", "verifier", "auditor", "break-glass"),
    *("policy-enforcer", "policy-author", "policy-approver"),
)
"""The shipped roles that open no PII."""

PRIVILEGED = frozenset({"pii.reader", "privacy-officer"})
"""The roles that open PII, to people."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that somebody was told."""

    who: str
    what: str
    content: bytes
    privileged: bool = False


@dataclass
class Crowd:
    """Keeps what everybody was told."""

    told: list[Told] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, who: str, what: str, content: bytes, privileged: bool = False) -> None:
        with self.lock:
            self.told.append(Told(who, what, content, privileged))


@dataclass
class Person(Caller):
    """A caller whose answers are kept."""

    crowd: Crowd
    name: str = ""
    privileged: bool = False

    @property
    def subject(self) -> str:
        """The subject of the token."""
        return self.name.partition(" ")[0]

    def keep(self, what: str, answer: httpx.Response) -> httpx.Response:
        """Keep an answer with its headers."""
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        content = answer.content if answer.content.startswith(b"PK") else b""
        self.crowd.hear(self.name, what, head.encode() + b"\n\n" + answer.content, self.privileged)
        if content:
            self.crowd.hear(self.name, f"{what} (archive)", content, self.privileged)
        return answer

    def send(
        self, query: str, variables: JsonObject | None = None, **headers: str
    ) -> httpx.Response:
        return self.keep(query[:80], super().send(query, variables, **headers))

    def fetch(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Any other request."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= more.pop("headers", {})
        with httpx.Client(timeout=30) as client:
            answer = client.request(method, self.server.url + path, headers=headers, **more)
        return self.keep(f"{method} {path[:60]}", answer)

    def tell(self, query: str, variables: JsonObject | None = None) -> JsonObject:
        """The whole answer to a document, whatever it is."""
        answer = self.send(query, variables)
        try:
            found: JsonObject = answer.json()
        except json.JSONDecodeError:
            return {"errors": [{"extensions": {"code": f"HTTP_{answer.status_code}"}}]}
        return found


@dataclass
class WatchedServer(Server):
    """A gateway whose callers are all watched."""

    crowd: Crowd = field(default_factory=Crowd)

    def caller(
        self, subject: str, *roles: str, kind: str = "human", workspace: str = "acme"
    ) -> Person:
        token = self.token(subject, *roles, kind=kind, workspace=workspace)
        privileged = bool(PRIVILEGED & set(roles)) and kind == "human" and workspace == "acme"
        name = f"{subject} ({kind} {' '.join(roles) or 'user'} of {workspace})"
        return Person(self, token, self.crowd, name, privileged)

    def anonymous(self) -> Person:
        return Person(self, None, self.crowd, "nobody")
