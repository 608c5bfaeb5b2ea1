"""Sending GraphQL to a gateway over HTTP, and reading what comes back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from gateway import __version__
from gateway.cli.remote.answers import has_all
from gateway.cli.remote.bodies import PLAIN, lines, whole
from gateway.cli.remote.problems import (
    is_problem,
    no_address,
    no_gateway,
    no_proxy,
    told_by,
    told_in,
    unreachable,
)
from gateway.cli.remote.target import Target
from gateway.model.authorities import unreadable_authorities
from gateway.model.json import JsonObject
from gateway.model.problem import Issue, ProblemError, invalid

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer, or of one line of a stream; a gateway's own limits end far below."""

_MAX_REFUSAL = 1_048_576
_SECONDS = 30.0
_SILENCE = 60.0
"""Seconds without a byte after which a stream is taken for cut; a gateway sends one each 15."""

_JSON = "application/graphql-response+json, application/json;q=0.9"


class Client:
    """Calls one gateway with one token. Use it as a context: it keeps a connection.

    Raises:
        ProblemError: SETTINGS_INVALID where variables name authorities or proxies that cannot be
            used.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        headers = {
            "accept-encoding": PLAIN,
            "authorization": f"Bearer {target.token}",
            "user-agent": f"gateway-cli/{__version__}",
        }
        try:
            self._http = httpx.Client(headers=headers, timeout=_SECONDS)
        except OSError as error:  # ssl.SSLError is one
            raise unreadable_authorities(error) from error
        except (ImportError, ValueError, httpx.InvalidURL) as error:  # one for SOCKS is not there
            raise no_proxy(error) from error

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, document: str, **variables: Any) -> JsonObject:
        """Run an operation; returns its ``data``, of which no field is null.

        Raises:
            ProblemError: what the gateway refuses with, SERVER_UNREACHABLE, or ANSWER_UNUSABLE.
        """
        with self._sent(document, variables, _JSON, _SECONDS) as answer:
            body = self._body(answer)
        return self.data_of(document, body)

    def data_of(self, document: str, body: Any) -> JsonObject:
        """The ``data`` of an answer to ``document``, with all that it asks for.

        Raises:
            ProblemError: the first of its errors, or ANSWER_UNUSABLE.
        """
        url = self.target.url
        if not isinstance(body, dict) or not {"data", "errors"} & body.keys():
            raise no_gateway(url, "sent JSON that is no GraphQL answer")
        _refuse_errors(body, url)
        data = body.get("data")
        if not isinstance(data, dict) or None in data.values():
            raise no_gateway(url, "sent neither data nor errors")
        if not has_all(document, data):
            raise no_gateway(url, "sent other data than it was asked for")
        return data

    def call(self, document: str, **variables: Any) -> JsonObject:
        """``ask`` for an operation of one field; returns what that field answers."""
        (output,) = self.ask(document, **variables).values()
        found: JsonObject = output
        return found

    @contextmanager
    def stream(self, document: str, **variables: Any) -> Iterator[Iterator[str]]:
        """The lines of the event stream of a subscription, while the context lasts.

        Raises:
            ProblemError: as ``ask`` does, also while lines are read.
        """
        with self._sent(document, variables, "text/event-stream", _SILENCE) as answer:
            media = answer.headers.get("content-type", "")
            if not media.startswith("text/event-stream"):
                _refuse_errors(self._body(answer), self.target.url)
                raise no_gateway(self.target.url, "sent no event stream")
            yield lines(answer, MAX_ANSWER, self.target.url)

    def download(self, path: str, most: int) -> bytes:
        """The zip archive at ``path`` of the gateway, of at most ``most`` bytes.

        Raises:
            ProblemError: as ``ask`` does.
        """
        return self._transferred("GET", path, None, most, "application/zip")

    def upload(self, path: str, content: bytes) -> None:
        """Put a file at ``path`` of the gateway.

        Raises:
            ProblemError: as ``ask`` does.
        """
        self._transferred("PUT", path, content, _MAX_REFUSAL, "application/json")

    def _transferred(
        self, method: str, path: str, content: bytes | None, most: int, media: str
    ) -> bytes:
        url = self.target.url
        try:
            with self._http.stream(
                method, f"{url}{path}", content=content, timeout=_SILENCE
            ) as answer:
                body = whole(answer, most, url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(url, error) from error
        except UnicodeError:
            raise no_address(url) from None
        if answer.is_success:
            if not answer.headers.get("content-type", "").startswith(media):
                raise no_gateway(url, f"sent no {media}")  # but a page of its own, most likely
            return body
        raise (
            ProblemError(told_in(body))
            if is_problem(answer.headers)
            else no_gateway(url, f"answered {answer.status_code} without a problem")
        )

    @contextmanager
    def _sent(
        self, document: str, variables: JsonObject, accept: str, silence: float
    ) -> Iterator[httpx.Response]:
        given = {name: value for name, value in variables.items() if value is not None}
        try:
            with self._http.stream(
                "POST",
                self.target.endpoint,
                content=_json({"query": document, "variables": given}),
                headers={"accept": accept, "content-type": "application/json"},
                timeout=httpx.Timeout(_SECONDS, read=silence),
            ) as answer:
                yield answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(self.target.url, error) from error
        except UnicodeError:  # what names of hosts are made of
            raise no_address(self.target.url) from None

    def _body(self, answer: httpx.Response) -> JsonObject:
        """The JSON object that was answered, read no further than it may be long."""
        url = self.target.url
        try:
            body = json.loads(whole(answer, MAX_ANSWER, url))
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict) or not {"data", "errors"} & body.keys():
            raise no_gateway(url, f"answered {answer.status_code} without a GraphQL answer")
        return body


def _refuse_errors(body: JsonObject, url: str) -> None:
    """Raise the first error that an answer tells, if there is one."""
    errors = body.get("errors")
    if errors:
        if not isinstance(errors, list):
            raise no_gateway(url, "sent errors that are no list")
        raise ProblemError(told_by(errors[0]))


def _json(value: JsonObject) -> bytes:
    """The JSON of a request.

    Raises:
        ProblemError: VALIDATION_FAILED for what JSON has no form for.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        told = "what was given is no JSON: a text is no Unicode, or a number is NaN or Infinity"
        raise invalid([Issue("/variables", "INVALID_FORMAT", told)]) from None
