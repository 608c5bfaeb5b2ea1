"""What goes wrong between the command and the gateway, as problems."""

import json
import ssl
from typing import Any

import httpx

from gateway.model.json import JsonObject
from gateway.model.problem import Issue, Problem, ProblemError
from gateway.model.text import printable

_MAX_ISSUES = 100


def told_by(entry: Any) -> Problem:
    """The problem that an entry of ``errors`` tells."""
    entry = entry if isinstance(entry, dict) else {}
    extensions = _object(entry.get("extensions"))
    told = _object(extensions.get("problem"))
    code = _text(extensions.get("code"), "INTERNAL_ERROR")
    issues = told.get("issues")
    return Problem(
        code=code if code.replace("_", "").isalnum() else "INTERNAL_ERROR",
        title=_text(told.get("title"), "The gateway refused"),
        status=500,
        detail=_text(told.get("detail") or entry.get("message"), "It did not say why."),
        category="state",
        issues=tuple(
            _issue(found) for found in (issues if isinstance(issues, list) else [])[:_MAX_ISSUES]
        ),
    )


def is_problem(headers: httpx.Headers) -> bool:
    """Whether what comes with these headers is a problem (RFC 9457)."""
    media: str = headers.get("content-type", "")
    return media.startswith("application/problem+json")


def told_in(body: bytes) -> Problem:
    """The problem that a body tells, as RFC 9457 writes it."""
    try:
        told = _object(json.loads(body))
    except (ValueError, RecursionError):
        told = {}
    return told_as(told)


def told_as(told: JsonObject) -> Problem:
    """A problem that stands in an answer, as RFC 9457 has it."""
    return told_by({"extensions": {"code": told.get("code"), "problem": told}})


def no_gateway(url: str, said: str) -> ProblemError:
    """The refusal of an answer that no gateway gives; ``said`` goes on after "it"."""
    told = (
        f"What answers at {url} is no gateway, or something between answers for it: it {said}."
        " Look at GATEWAY_URL, and at proxies on the way."
    )
    return ProblemError(
        Problem("ANSWER_UNUSABLE", "The answer is not that of a gateway", 502, told, "dependency")
    )


def no_address(url: str) -> ProblemError:
    """The problem of an address whose host nobody can have."""
    told = f"{printable(url)} names no host. Name the gateway with GATEWAY_URL or --url."
    return ProblemError(
        Problem("SERVER_UNREACHABLE", "The gateway cannot be reached", 503, told, "dependency")
    )


def no_proxy(error: Exception) -> ProblemError:
    """The problem of a proxy that cannot be asked. What its variable says may hold a password."""
    kinds = " SOCKS needs a library that is not there." if isinstance(error, ImportError) else ""
    told = (
        "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or NO_PROXY names what is no http proxy, or no hosts."
        f"{kinds} Correct or remove it."
    )
    title = "The settings are not valid"
    return ProblemError(Problem("SETTINGS_INVALID", title, 500, told, "validation"))


def unreachable(url: str, error: Exception) -> ProblemError:
    """The problem of a request that got no whole answer."""
    return ProblemError(
        Problem(
            "SERVER_UNREACHABLE",
            "The gateway cannot be reached",
            503,
            _reason(url, error),
            "dependency",
            retryable=True,
        )
    )


def _reason(url: str, error: Exception) -> str:
    chain = list(_causes(error))
    if found := next((one for one in chain if isinstance(one, ssl.SSLError)), None):
        reason = getattr(found, "verify_message", None) or found.reason or "TLS failed"
        return (
            f"No safe connection to {url}: {printable(str(reason))}. Where its certificate comes"
            " from an authority of your own, name that authority's file with SSL_CERT_FILE."
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        causes = [one.strerror for one in chain if isinstance(one, OSError) and one.strerror]
        reason = causes[-1] if causes else str(error) or "no answer in time"
        return (
            f"Nothing answers at {url} ({printable(reason)}). Start a gateway with"
            " `gateway serve`, or name another with GATEWAY_URL or --url."
        )
    how = "in time" if isinstance(error, httpx.TimeoutException) else "whole"
    return (
        f"The answer of {url} did not come {how}. A command may have taken effect: look before"
        " you give it again."
    )


def _causes(error: BaseException | None) -> Any:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _issue(found: Any) -> Issue:
    told = _object(found)
    texts = (_text(told.get(name), default) for name, default in
             (("path", "/"), ("code", "ISSUE"), ("message", "")))  # fmt: skip
    return Issue(*texts)


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: Any, otherwise: str) -> str:
    return printable(value) if isinstance(value, str) and value else otherwise
