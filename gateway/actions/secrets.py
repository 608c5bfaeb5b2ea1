"""Secrets in the headers of http actions: ``${secret:NAME}``.

A secret is the environment variable ``NAME``, or the content of the file that ``NAME_FILE`` names
(read at each call, so that a rotated file needs no restart). Its value goes into the request and
nowhere else: errors name the secret, never what it holds.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

MAX_SECRET_BYTES = 64 * 1024

_REFERENCE = re.compile(r"\$\{secret:([A-Za-z_][A-Za-z0-9_]*)\}")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


class SecretMissingError(Exception):
    """A secret is not there or cannot stand in a header; the message says which and why."""


class Secrets:
    """Fills secrets into header values.

    Args:
        environment: Where secrets are looked up; by default this process's environment.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def fill(self, template: str) -> str:
        """``template`` with every ``${secret:NAME}`` replaced, without spaces around it all.

        They are no part of a header's value (RFC 9110, 5.5), and h11 sends none that has them.

        Raises:
            SecretMissingError: one of them is missing or unusable.
        """
        return _REFERENCE.sub(lambda found: self._value(found[1]), template).strip(" ")

    def missing_from(self, template: str) -> Iterator[str]:
        """What is wrong with the secrets that ``template`` names, one sentence each."""
        for name in _REFERENCE.findall(template):
            try:
                self._value(name)
            except SecretMissingError as error:
                yield str(error)

    def _value(self, name: str) -> str:
        value = self._environment.get(name)
        if value is None:
            value = self._from_file(name)
        if not _PRINTABLE.fullmatch(value) or value.isspace():
            raise SecretMissingError(
                f"secret {name} is empty or holds other than printable ASCII; "
                "a header cannot carry it"
            )
        return value

    def _from_file(self, name: str) -> str:
        place = self._environment.get(f"{name}_FILE")
        if place is None:
            raise SecretMissingError(f"secret {name} is not set; set {name} or {name}_FILE")
        try:
            return _read_bounded(Path(place))
        except (OSError, ValueError) as error:
            raise SecretMissingError(
                f"secret {name}: the file that {name}_FILE names cannot be read as a text of "
                f"at most {MAX_SECRET_BYTES} bytes"
            ) from error


def without_secrets(template: str) -> str:
    """``template`` with its secret references taken out: what can be judged without them."""
    return _REFERENCE.sub("", template)


def _read_bounded(path: Path) -> str:
    if not path.is_file():
        raise ValueError("not a regular file")
    with path.open("rb") as file:
        content = file.read(MAX_SECRET_BYTES + 1)
    if len(content) > MAX_SECRET_BYTES:
        raise ValueError("too large")
    return content.decode("ascii").removesuffix("\n").removesuffix("\r")
