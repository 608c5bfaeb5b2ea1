"""Files that hold one object, as JSON or as the plain core of YAML."""

import json
from typing import BinaryIO

import click

from gateway.model.json import JsonObject, unique_members
from gateway.model.problem import Issue, invalid

OBJECT_FILE = click.File("rb")
"""The type of an argument that names such a file; - is standard input."""

_LARGEST = 1024 * 1024


def read_object(file: BinaryIO) -> JsonObject:
    """The object that a file holds.

    Raises:
        ProblemError: VALIDATION_FAILED with the place of what cannot be read.
    """
    content, name = file.read(_LARGEST + 1), str(getattr(file, "name", "standard input"))
    if len(content) > _LARGEST:
        raise invalid([Issue(name, "PAYLOAD_TOO_LARGE", f"It is larger than {_LARGEST} bytes.")])
    try:
        value = json.loads(content, object_pairs_hook=unique_members)
    except (ValueError, RecursionError):
        from gateway.contracts.findings import Findings  # what it needs takes long to import
        from gateway.contracts.yaml_source import parse_yaml

        findings = Findings()
        node = parse_yaml(content, name, findings)
        if findings.issues:
            raise invalid(findings.issues) from None
        value = node.plain() if node else None
    if not isinstance(value, dict):
        raise invalid([Issue(name, "WRONG_TYPE", "It must hold one object, as JSON or YAML.")])
    return value
