"""What every transport of this door works with."""

from dataclasses import dataclass, field

from gateway.surfaces.graphql.door import Authenticate, ValidFor
from gateway.surfaces.graphql.engine import Engine
from gateway.surfaces.graphql.server.lifetime import Connections


async def _always(_authorization: str | None, /) -> float | None:
    return None


@dataclass(frozen=True, slots=True)
class Service:
    """One engine, who may use it, and the connections that stay open meanwhile.

    ``valid_for`` says for how long a token will be believed; without it tokens never end while a
    connection lasts.
    """

    engine: Engine
    authenticate: Authenticate
    valid_for: ValidFor = _always
    connections: Connections = field(default_factory=Connections)
