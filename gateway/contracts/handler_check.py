"""Checking handlers: that their URL, headers and error mapping can be honoured as written."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.contracts.drafts import Draft
from gateway.contracts.findings import Findings, nearest
from gateway.contracts.names import FIELD_NAME
from gateway.model.contract import EnumType, HttpHandler, OperationContract
from gateway.model.types import SCALARS, TypeRef

PLACEHOLDER = re.compile(rf"\{{({FIELD_NAME})\}}")
_SECRET = re.compile(r"\$\{secret:[A-Za-z_][A-Za-z0-9_]*\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f\\<>\"^`|]")
_KEPT_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "idempotency-key",
        "te",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that the gateway and the connection set themselves."""


def check_handler(draft: Draft, contract: OperationContract, findings: Findings) -> None:
    """Note whatever keeps the handler of ``contract`` from being honoured."""
    if not draft.sound("handler") or contract.handler is None:
        return
    if "risk" not in draft.read and draft.sound("risk"):
        message = "'risk' is missing; a contract with a handler says low, medium, high or critical"
        findings.add(draft.node.key_place("handler"), "CONTRACT_FIELD_MISSING", message)
    if isinstance(contract.handler, HttpHandler):
        _check_url(draft, contract, contract.handler.url, findings)
        _check_headers(draft, contract.handler, findings)
        _check_errors(draft, contract, contract.handler, findings)


def _check_url(draft: Draft, contract: OperationContract, url: str, findings: Findings) -> None:
    at = draft.node.place("handler", "http", "url")
    issues = list(_url_issues(url))
    if draft.sound("input", "types"):
        issues.extend(_placeholder_issues(contract, url))
    for message in issues:
        findings.add(at, "CONTRACT_HANDLER_INVALID", message)


def _url_issues(url: str) -> Iterator[str]:
    if _NOT_IN_URL.search(url):
        yield "the url holds a space, a line break or a sign that no URL has; percent-encode it"
        return
    if "${" in url:
        yield "a secret in a url ends up in logs; send it in a header"
        return
    if re.search(r"[{}]", PLACEHOLDER.sub("", url)):
        yield "a brace in the url is no placeholder; write {name} with the name of an input field"
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        yield "the url cannot be read; write it as https://host[:port]/path"
        return
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        yield "the url must be absolute with http or https; write it as https://host[:port]/path"
    if re.search(r"[{}]", parts.netloc):
        yield "the scheme and host of the url must be fixed; use placeholders in the path or query"
    if "@" in parts.netloc:
        yield "the url carries credentials; send them in a header with ${secret:NAME}"
    if parts.fragment:
        yield "a fragment (#...) never reaches the service; remove it"


def _placeholder_issues(contract: OperationContract, url: str) -> Iterator[str]:
    for name in dict.fromkeys(PLACEHOLDER.findall(url)):
        ref = contract.input.get(name)
        if ref is None:
            hint = nearest(name, list(contract.input))
            yield f"the url names {{{name}}}, which is no input field{hint}; mend the name"
        elif not ref.required or not _is_text(ref, contract):
            yield f"{{{name}}} in the url must be a required scalar, it is {ref}; declare it so"


def _is_text(ref: TypeRef, contract: OperationContract) -> bool:
    """True for scalars and enums, which have one text to be put into a url."""
    named = contract.types.get(ref.name)
    return isinstance(named, EnumType) or ref.name in SCALARS - {"JSON", "JSONObject"}


def _check_headers(draft: Draft, handler: HttpHandler, findings: Findings) -> None:
    seen: set[str] = set()
    for name, value in handler.headers.items():
        at = draft.node.place("handler", "http", "headers", name)
        lowered = name.lower()
        if lowered in seen:
            message = f"the header {name!r} is here twice; names differ in more than case"
            findings.add(at, "CONTRACT_HANDLER_INVALID", message)
        seen.add(lowered)
        if lowered in _KEPT_HEADERS:
            message = f"the gateway sets the header {name!r} itself; remove it here"
            findings.add(at, "CONTRACT_HANDLER_INVALID", message)
        if _CONTROL.search(value):
            message = f"the header {name!r} holds a line break or control character; remove it"
            findings.add(at, "CONTRACT_HANDLER_INVALID", message)
        if "${" in _SECRET.sub("", value):
            message = "only ${secret:NAME} is filled in a header; mend or remove the other ${...}"
            findings.add(at, "CONTRACT_HANDLER_INVALID", message)


def _check_errors(
    draft: Draft, contract: OperationContract, handler: HttpHandler, findings: Findings
) -> None:
    if not draft.sound("errors"):
        return
    for status, code in handler.errors.items():
        if code not in contract.errors:
            hint = nearest(code, list(contract.errors))
            message = f"{code} is not among this contract's errors{hint}; declare it under 'errors'"
            at = draft.node.place("handler", "http", "errors", str(status))
            findings.add(at, "CONTRACT_REFERENCE_UNKNOWN", message)
