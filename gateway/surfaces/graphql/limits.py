"""What one request may cost: every bound of the GraphQL door in one value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a request, its document and its answer.

    Sizes are in bytes and times in seconds. The counts of a document are taken once its
    fragments are expanded. ``overlap_budget`` bounds the comparisons of GraphQL's rule that
    selections of one name must agree (graphql-core's own default lets 4 KB cost a second).
    ``introspection_depth`` stands in for ``depth`` below ``__schema`` and ``__type``, because
    the usual introspection query is deeper than a sane query of data; ``introspections`` is how
    many of these two fields there may be, each of which can answer the whole schema.
    """

    body_bytes: int = 256 * 1024
    body_seconds: float = 10.0
    uri_bytes: int = 16 * 1024
    json_depth: int = 64
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
    overlap_budget: int = 20_000
    validation_errors: int = 5
    issues: int = 100
    response_errors: int = 50
    cache_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds on connections that stay open: WebSockets and event streams.

    Times are in seconds, sizes in bytes. ``connections`` is for this process, ``connections_each``
    for each principal. ``init_seconds`` is how long a socket may wait with its connection_init,
    ``operations`` how many may run at once on one socket, ``messages`` how many a socket may send
    each second. Whoever does not take what is sent within ``send_seconds`` is cut off, and so is
    who leaves the heartbeats of two intervals unanswered. A token is looked at again after
    ``recheck_seconds``.
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
