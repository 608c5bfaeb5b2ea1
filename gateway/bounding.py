"""The limits of the doors as the settings have them."""

from gateway.settings import Settings
from gateway.surfaces.graphql import ConnectionLimits, Limits, ServerLimits


def document_limits(settings: Settings) -> Limits:
    """What one request may cost."""
    return Limits(
        body_bytes=settings.body_bytes,
        body_seconds=settings.body_seconds,
        uri_bytes=settings.max_uri_bytes,
        json_depth=settings.max_json_depth,
        json_containers=settings.max_json_containers,
        json_integer_digits=settings.max_json_integer_digits,
        source_bytes=settings.max_source_bytes,
        tokens=settings.max_tokens,
        comments=settings.max_comments,
        depth=settings.max_depth,
        introspection_depth=settings.max_introspection_depth,
        introspections=settings.max_introspections,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        root_fields=settings.max_root_fields,
        fields=settings.max_fields,
        operations=settings.max_operations,
        fragments=settings.max_fragments,
        variables=settings.max_variables,
        cost=settings.max_cost,
        list_size=settings.max_list,
        overlap_budget=settings.max_overlap_comparisons,
        validation_errors=settings.max_validation_errors,
        issues=settings.max_issues,
        response_errors=settings.max_response_errors,
        answer_bytes=settings.max_answer_bytes,
        operation_seconds=settings.operation_seconds,
    )


def connection_limits(settings: Settings) -> ConnectionLimits:
    """What a connection that stays open may do, and how many there may be."""
    return ConnectionLimits(
        connections=settings.max_streams,
        connections_each=settings.max_streams_each,
        init_seconds=settings.init_seconds,
        operations=settings.max_socket_operations,
        message_bytes=settings.max_message_bytes,
        messages=settings.max_messages,
        send_seconds=settings.send_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
        recheck_seconds=settings.recheck_seconds,
    )


def server_limits(settings: Settings) -> ServerLimits:
    """What a TCP connection may do before and after requests are read from it."""
    return ServerLimits(
        connections=settings.max_connections,
        uri_bytes=settings.max_uri_bytes,
        header_bytes=settings.max_header_bytes,
        headers=settings.max_headers,
        header_seconds=settings.header_seconds,
        write_seconds=settings.write_seconds,
        keep_alive_seconds=settings.keep_alive_seconds,
    )
