"""Fetching a JSON document of an identity provider: bounded in time and size, and not elsewhere."""

import asyncio
import ipaddress
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from gateway.model.json import JsonObject, decode

_CONNECT_SECONDS = 5.0
_TOTAL_SECONDS = 10.0
_MAX_BYTES = 262_144


class FetchError(Exception):
    """A document could not be had; the text says why, in words for an operator."""


def fault_of_url(url: str) -> str | None:
    """What is wrong with the URL of an identity provider, or None.

    It must be https; http is only for this machine (loopback), for tests and side-cars.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("https", "http") or not host:
        return "must be a URL that begins with https://"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password"
    if parts.scheme == "http" and not is_loopback(host):
        return "must use https; http is only allowed for this machine (127.0.0.1, localhost)"
    return None


def is_loopback(host: str) -> bool:
    """True if ``host`` names this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


async def fetch_json(url: str, trust: ssl.SSLContext) -> JsonObject:
    """The JSON object at ``url``; redirects are not followed.

    ``trust`` says which certificates are believed.

    Raises:
        FetchError: it could not be had within 10 s and 256 KiB, or is no JSON object.
    """
    status, document = await _exchange("GET", url, trust, None)
    if status != httpx.codes.OK:
        raise FetchError(f"the answer has status {status}")
    return document


async def post_form(
    url: str, form: Mapping[str, str], trust: ssl.SSLContext
) -> tuple[int, JsonObject]:
    """The status and the JSON object that ``url`` answers a form with.

    Raises:
        FetchError: as ``fetch_json``.
    """
    return await _exchange("POST", url, trust, form)


async def _exchange(
    method: str, url: str, trust: ssl.SSLContext, form: Mapping[str, str] | None
) -> tuple[int, JsonObject]:
    if fault := fault_of_url(url):
        raise FetchError(f"the address {fault}")
    try:
        async with asyncio.timeout(_TOTAL_SECONDS):
            status, body = await _send(method, url, trust, form)
    except TimeoutError:
        raise FetchError(f"no complete answer within {_TOTAL_SECONDS:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise FetchError(f"no answer ({type(error).__name__})") from error
    if method == "GET" and status != httpx.codes.OK:
        return status, {}
    try:
        document = decode(body)
    except ValueError:
        raise FetchError("the answer is not JSON") from None
    if not isinstance(document, dict):
        raise FetchError("the answer is not a JSON object")
    return status, document


async def _send(
    method: str, url: str, trust: ssl.SSLContext, form: Mapping[str, str] | None
) -> tuple[int, bytes]:
    # Asking for no compression, and reading raw bytes, keeps the bound on the size a real one.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    is_remote = not is_loopback(urlsplit(url).hostname or "")
    client = httpx.AsyncClient(timeout=_CONNECT_SECONDS, verify=trust, trust_env=is_remote)
    async with (
        client,
        client.stream(method, url, headers=headers, data=form, follow_redirects=False) as response,
    ):
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > _MAX_BYTES:
                raise FetchError(f"the answer is larger than {_MAX_BYTES // 1024} KiB")
        return response.status_code, bytes(body)
