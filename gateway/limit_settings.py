"""The settings of what one request, one connection and all of them together may cost."""

from typing import Any

from gateway.setting_values import setting as _setting
from gateway.telemetry_settings import TelemetrySettings


def _count(default: int, description: str, most: int, least: int = 1) -> Any:
    expects = f"a number from {least} to {most}"
    return _setting(default, description, expects, ge=least, le=most)


def _seconds(default: float, description: str, most: float = 3600.0, least: float = 0.05) -> Any:
    expects = f"a number from {least:g} to {most:g}"
    return _setting(default, description, expects, ge=least, le=most, allow_inf_nan=False)


class LimitSettings(TelemetrySettings):
    """The part of ``Settings`` that bounds what callers may ask for (docs/limits.md)."""

    max_source_bytes: int = _count(32_768, "Size of a GraphQL document, in bytes.", 1_048_576, 256)
    max_tokens: int = _count(2000, "Tokens of a document.", 100_000, 10)
    max_comments: int = _count(200, "Comments in a document.", 100_000, 0)
    max_depth: int = _count(12, "Levels of fields.", 100)
    max_introspection_depth: int = _count(30, "Levels of fields below __schema or __type.", 100)
    max_introspections: int = _count(5, "Fields __schema and __type of a document.", 100)
    max_aliases: int = _count(30, "Aliases.", 10_000, 0)
    max_directives: int = _count(50, "Directives.", 10_000, 0)
    max_root_fields: int = _count(20, "Root fields, each of which is a governed call.", 1000)
    max_fields: int = _count(1000, "Fields once fragments are expanded.", 100_000)
    max_operations: int = _count(10, "Operations of a document.", 1000)
    max_fragments: int = _count(50, "Fragments of a document.", 1000, 0)
    max_variables: int = _count(50, "Variables that an operation defines.", 1000, 0)
    max_overlap_comparisons: int = _count(
        20_000, "Comparisons of fields of one response name, by GraphQL's rule.", 500_000, 100
    )
    max_cost: int = _count(10_000, "Cost of an operation (docs/limits.md).", 999_999)
    max_list: int = _count(1000, "What limit or first may ask for at most.", 100_000)
    max_response_errors: int = _count(
        50, "Errors that an answer tells; the others are counted.", 10_000
    )
    max_answer_bytes: int = _count(
        33_554_432,
        "Size of an answer, and of what it is made of in the record, in bytes.",
        most=67_108_864,
        least=65_536,
    )
    max_validation_errors: int = _count(5, "Errors that are told of a document.", 100)
    max_issues: int = _count(100, "Issues that are told of the JSON of a request.", 10_000)
    max_json_depth: int = _count(64, "Levels of arrays and objects in JSON.", 128, 8)
    max_json_containers: int = _count(20_000, "Arrays and objects in JSON.", 1_000_000, 100)
    max_json_integer_digits: int = _count(
        32, "Digits of an integer in JSON; a double has no more than 309.", 309, 16
    )
    operation_seconds: float = _seconds(
        10.0, "Seconds for an operation; what is being recorded by then goes on to its end."
    )
    max_connections: int = _count(
        2000, "TCP connections of the process; further ones are refused.", 1_000_000, 4
    )
    max_uri_bytes: int = _count(16_384, "Size of a request's URI, in bytes.", 65_536, 256)
    max_header_bytes: int = _count(
        32_768, "Size of a request's headers with its URI, in bytes.", 1_048_576, 1024
    )
    max_headers: int = _count(100, "Headers of a request.", 10_000, 8)
    header_seconds: float = _seconds(10.0, "Seconds within which a request's headers must come.")
    body_seconds: float = _seconds(10.0, "Seconds within which a request's body must come.")
    write_seconds: float = _seconds(
        30.0, "Seconds within which a peer must take what was sent, before it is cut off."
    )
    keep_alive_seconds: float = _seconds(5.0, "Seconds for which a connection may be idle.")
    max_streams: int = _count(1000, "WebSockets and event streams of the process.", 1_000_000)
    max_streams_each: int = _count(50, "WebSockets and event streams of a principal.", 100_000)
    max_socket_operations: int = _count(20, "Operations at once on a WebSocket.", 10_000)
    max_message_bytes: int = _count(
        65_536, "Size of a message on a WebSocket, in bytes.", 16_777_216, 1024
    )
    max_messages: float = _setting(
        50.0,
        "Messages that a WebSocket may send each second.",
        "a number from 1 to 10000",
        ge=1,
        le=10_000,
        allow_inf_nan=False,
    )
    init_seconds: float = _seconds(5.0, "Seconds within which a WebSocket must begin.")
    send_seconds: float = _seconds(
        10.0, "Seconds within which a message must be taken from a WebSocket or event stream."
    )
    heartbeat_seconds: float = _seconds(
        15.0, "Seconds between two pings; who leaves two unanswered is cut off."
    )
    recheck_seconds: float = _seconds(
        60.0, "Seconds after which the token of a WebSocket or event stream is looked at again."
    )
