"""People and agents of the demo: each has a token and sends GraphQL."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from examples.demo.processes import gateway_command

JsonObject = dict[str, Any]

HTTP = httpx.Client(timeout=30)
"""One for all requests: making one reads every certificate that this machine trusts."""


@dataclass
class Refusal(Exception):  # noqa: N818 - it is an answer of the gateway, not a fault of the demo
    """The gateway said no: the error's code and its words."""

    code: str
    message: str


@dataclass(frozen=True)
class Client:
    """Somebody who calls the gateway."""

    url: str
    token: str

    def send(self, document: str, **variables: Any) -> JsonObject:
        """Send a document with one field; returns what that field answered.

        Raises:
            Refusal: the answer is an error.
        """
        answer = HTTP.post(
            f"{self.url}/graphql",
            json={"query": document, "variables": variables},
            headers={"authorization": f"Bearer {self.token}"},
        ).json()
        if "errors" in answer:
            error = answer["errors"][0]
            raise Refusal(error["extensions"]["code"], error["message"])
        (output,) = answer["data"].values()
        return dict(output)

    def refused(self, document: str, wish: JsonObject) -> Refusal:
        """Send what the gateway is to refuse; returns its words, or that it allowed it."""
        try:
            self.send(document, input=wish)
        except Refusal as refusal:
            return refusal
        return Refusal("", "it was allowed")


def sign_in(url: str, data_dir: Path, subject: str, kind: str, *roles: str) -> Client:
    """A client with a development token."""
    given = [part for role in roles for part in ("--role", role)]
    who = ["--subject", subject, "--type", kind, "--workspace", "acme", *given]
    issued = gateway_command("token", "issue", *who, "--data-dir", str(data_dir))
    if issued.returncode != 0:
        raise RuntimeError(issued.stderr)
    return Client(url, issued.stdout.strip())
