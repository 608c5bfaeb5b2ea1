"""The limits of the doors are those of the settings, each its own."""

import itertools
from dataclasses import fields
from typing import Any

import pytest

from gateway.bounding import connection_limits, document_limits, server_limits
from gateway.environment import load_settings
from gateway.limit_settings import LimitSettings
from gateway.surfaces.graphql import ConnectionLimits, Limits, ServerLimits
from gateway.telemetry_settings import TelemetrySettings

_MADE = {document_limits: Limits, connection_limits: ConnectionLimits, server_limits: ServerLimits}
_NAMES = {
    "source_bytes": "max_source_bytes",
    "uri_bytes": "max_uri_bytes",
    "header_bytes": "max_header_bytes",
    "message_bytes": "max_message_bytes",
    "list_size": "max_list",
    "overlap_budget": "max_overlap_comparisons",
    "body_bytes": "body_bytes",
    "answer_bytes": "max_answer_bytes",
}
"""Settings whose names do not follow from those of the limits."""

_IN_SOCKETS = {"connections": "max_streams", "connections_each": "max_streams_each",
               "operations": "max_socket_operations", "messages": "max_messages"}  # fmt: skip
_FIXED = {
    Limits: {
        *("cache_bytes", "trusted_bytes", "persisted_bytes", "compiled_bytes"),
        "kept_answer_bytes",
    },
    ConnectionLimits: set(),
    ServerLimits: set(),
}
"""Limits that are no settings."""


def setting_of(kind: type, limit: str) -> str:
    if kind is ConnectionLimits and limit in _IN_SOCKETS:
        return _IN_SOCKETS[limit]
    return _NAMES.get(limit, limit if limit.endswith("_seconds") else f"max_{limit}")


@pytest.mark.parametrize("make", _MADE)
def test_the_defaults_of_the_settings_are_those_of_the_doors(make: Any) -> None:
    assert make(load_settings()) == _MADE[make]()


def test_each_setting_bounds_what_it_is_named_after() -> None:
    numbers = itertools.count(9_001)
    given = {name: next(numbers) for name in LimitSettings.model_fields}
    settings = load_settings().model_copy(update={**given, "body_bytes": next(numbers)})
    for make, kind in _MADE.items():
        limits = make(settings)
        names = {one.name for one in fields(kind)}
        assert _FIXED[kind] <= names
        known = names - _FIXED[kind]
        found = {name: getattr(limits, name) for name in known}
        assert found == {name: getattr(settings, setting_of(kind, name)) for name in known}
    used = {setting_of(kind, one.name) for kind in _FIXED for one in fields(kind)}
    assert set(LimitSettings.model_fields) - set(TelemetrySettings.model_fields) <= used
