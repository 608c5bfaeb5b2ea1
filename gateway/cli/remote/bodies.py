"""Reading what a gateway answers, no further than it may be long."""

from collections.abc import Iterator

import httpx

from gateway.cli.remote.problems import no_gateway

PLAIN = "identity"
"""The encoding that is asked for: nothing is unpacked, so what is sent bounds what is held."""


def whole(answer: httpx.Response, most: int, url: str) -> bytes:
    """The body of an answer of at most ``most`` bytes.

    Raises:
        ProblemError: ANSWER_UNUSABLE for one that is longer, or packed.
    """
    parts, size = list[bytes](), 0
    for part in _parts(answer, url):
        parts.append(part)
        size += len(part)
        if size > most:
            raise no_gateway(url, f"sent more than {most} bytes")
    return b"".join(parts)


def lines(answer: httpx.Response, most: int, url: str) -> Iterator[str]:
    """The lines of an event stream, each of at most ``most`` bytes, without their ends.

    Raises:
        ProblemError: as ``whole`` does, while lines are read.
    """
    begun, size = list[bytes](), 0
    for part in _parts(answer, url):
        first, *rest = part.split(b"\n")  # U+2028, at which texts are split too, ends none
        begun.append(first)
        size += len(first)
        for following in rest:
            yield _text(begun)
            begun, size = [following], len(following)
        if size > most:
            raise no_gateway(url, f"sent a line of more than {most} bytes")


def _parts(answer: httpx.Response, url: str) -> Iterator[bytes]:
    encoding = answer.headers.get("content-encoding", PLAIN).strip().lower()
    if encoding not in ("", PLAIN):
        raise no_gateway(url, "packed its answer, which it was asked not to do")
    return answer.iter_raw()


def _text(parts: list[bytes]) -> str:
    return b"".join(parts).decode(errors="replace").removesuffix("\r")
