"""What one request may cost: every bound of the GraphQL door in one value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a request, its document and its answer.

    Sizes are in bytes and times in seconds. The counts of a document are taken once its
    fragments are expanded. ``overlap_budget`` bounds the comparisons of GraphQL's rule that
    selections of one name must agree (graphql-core's own default lets 4 KB cost a second).
    ``json_containers`` bounds the arrays and objects of a request's JSON, each of which costs far
    more than its two bytes. ``introspection_depth`` stands in for ``depth`` below ``__schema`` and
    ``__type``, because the usual introspection query is deeper than a sane query of data;
    ``introspections`` is how many of these two fields there may be, each of which can answer the
    whole schema.
    ``list_size`` is what ``limit`` or ``first`` may ask for, ``cost`` what all that an operation
    asks for may weigh (see the module of that name), ``answer_bytes`` what one answer may have.
    ``cache_bytes`` and ``trusted_bytes`` are what parsed documents may take that anybody sent, and
    that are registered; both for each schema. ``compiled_bytes`` is for the compiled forms of the
    first; those of the others may take ``trusted_bytes`` once more. ``persisted_bytes`` is for the
    texts that clients register themselves, ``kept_answer_bytes`` for answers about each schema.
    """

    body_bytes: int = 256 * 1024
    body_seconds: float = 10.0
    uri_bytes: int = 16 * 1024
    json_depth: int = 64
    json_containers: int = 20_000
    json_integer_digits: int = 32
    source_bytes: int = 32 * 1024
    tokens: int = 2000
    comments: int = 200
    depth: int = 12
    introspection_depth: int = 30
    introspections: int = 5
    aliases: int = 30
    directives: int = 50
    root_fields: int = 20
    fields: int = 1000
    operations: int = 10
    fragments: int = 50
    variables: int = 50
    cost: int = 10_000
    list_size: int = 1000
    overlap_budget: int = 20_000
    validation_errors: int = 5
    issues: int = 100
    response_errors: int = 50
    answer_bytes: int = 32 * 1024 * 1024
    operation_seconds: float = 10.0
    cache_bytes: int = 4 * 1024 * 1024
    compiled_bytes: int = 24 * 1024 * 1024
    trusted_bytes: int = 64 * 1024 * 1024
    persisted_bytes: int = 4 * 1024 * 1024
    kept_answer_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds on connections that stay open: WebSockets and event streams.

    Times are in seconds, sizes in bytes. ``connections`` is for this process, ``connections_each``
    for each principal. ``init_seconds`` is how long a socket may wait with its connection_init,
    ``operations`` how many may run at once on one socket, ``messages`` how many a socket may send
    each second, and a tenth of how many frames. Whoever does not take what is sent within
    ``send_seconds`` is cut off, and so is who leaves the heartbeats of two intervals unanswered. A
    token is looked at again after ``recheck_seconds``.
    """

    connections: int = 1000
    connections_each: int = 50
    init_seconds: float = 5.0
    operations: int = 20
    message_bytes: int = 64 * 1024
    messages: float = 50.0
    send_seconds: float = 10.0
    heartbeat_seconds: float = 15.0
    recheck_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds on a TCP connection, before and after a request is read from it.

    Times are in seconds, sizes in bytes. ``connections`` is for this process. The headers of a
    request, with its URI, must have come whole after ``header_seconds``; what is sent must have
    been taken after ``write_seconds``. Who sends nothing is let go after ``keep_alive_seconds``.
    """

    connections: int = 2000
    uri_bytes: int = 16 * 1024
    header_bytes: int = 32 * 1024
    headers: int = 100
    header_seconds: float = 10.0
    write_seconds: float = 30.0
    keep_alive_seconds: float = 5.0
