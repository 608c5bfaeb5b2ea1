"""What files of endpoints have in common: how they are read, and which URLs and secrets they may
name."""

from collections.abc import Iterable
from pathlib import Path

import httpx

from gateway.actions import HostGuard, Secrets
from gateway.actions.origins import Origin, split_url
from gateway.actions.secrets import SecretMissingError
from gateway.contracts.findings import Findings
from gateway.contracts.yaml_source import MAX_BYTES, Node, parse_yaml
from gateway.model.problem import Issue
from gateway.webhooks.signature import secret_key

Refused = list[tuple[str, str]]
"""Places (``file:line:column``) and what is wrong there."""


def read_document(path: Path, empty: bytes) -> tuple[Node | None, Refused]:
    """The YAML document in a file; without one, None and why. ``empty`` is what no text means."""
    name = path.name.replace(":", "_")  # a place is taken apart at its colons
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        told = f"the file cannot be read ({error.strerror}); check its permissions"
        return None, [(f"{name}:1:1", told)]
    if len(content) > MAX_BYTES:
        return None, [(f"{name}:1:1", f"the file is larger than {MAX_BYTES // 1024} KiB")]
    findings = Findings()
    root = parse_yaml(content or empty, name, findings)
    return root, [(one.path, one.message) for one in findings.issues]


def in_order(issues: Iterable[Issue]) -> list[Issue]:
    """Issues as a reader of their file meets them."""
    return sorted(issues, key=lambda issue: [int(part) for part in issue.path.split(":")[1:]])


def require_url(url: str, guard: HostGuard, hosts: str, *, plain: bool) -> None:
    """Refuse a URL that is not to be called: it is https, or http where ``plain`` is true.

    ``hosts`` is the name of the setting that lists the hosts.

    Raises:
        ValueError: it is no such URL. What it holds is not told, for it may hold credentials.
        HostRefusedError: its host may not be called.
    """
    origin = _origin(url)
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("it is not percent-encoded")
    _require_sendable(url)
    if origin.scheme == "http" and not plain:
        raise ValueError(f"http is only for hosts that {hosts} names")
    guard.check_host(origin.host, origin.port)


def _origin(url: str) -> Origin:
    try:
        return split_url(url)[0]
    except ValueError:
        raise ValueError("it is none") from None


def _require_sendable(url: str) -> None:
    """Refuse what no message could ever be sent to, such as the address 10.0.0.256."""
    try:
        httpx.Request("POST", url)
    except (ValueError, httpx.InvalidURL):
        raise ValueError("its host is none") from None


def require_usable(reference: str, secrets: Secrets) -> None:
    """Refuse a reference to a secret that cannot sign.

    Raises:
        SecretMissingError: there is none, or it is not of the form of Standard Webhooks.
    """
    try:
        secret_key(secrets.fill(reference))
    except ValueError as error:
        raise SecretMissingError(f"what {reference} stands for {error}") from None
