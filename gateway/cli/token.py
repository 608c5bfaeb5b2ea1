"""gateway token"""

import re

import click

from gateway.cli.options import with_settings
from gateway.cli.output import Output, with_output
from gateway.loading import local_issuer
from gateway.model.principal import PrincipalType
from gateway.settings import Settings

_TTL = re.compile(r"(\d{1,9})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_TYPES = [kind.value for kind in PrincipalType if kind is not PrincipalType.ANONYMOUS]


class _Duration(click.ParamType[int]):
    """A length of time such as 30m, 1h or 7d; returns seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        found = _TTL.fullmatch(str(value))
        if not found:
            self.fail(f"{value!r} is no length of time; write 45s, 30m, 1h or 7d", param, ctx)
        return int(found[1]) * _SECONDS[found[2]]


@click.group()
def token() -> None:
    """Development tokens."""


@token.command()
@click.option("--subject", required=True, help="Who the token is for.")
@click.option("--type", "kind", type=click.Choice(_TYPES), default="human", show_default=True,
              help="What kind of actor that is.")  # fmt: skip
@click.option("--role", "roles", multiple=True, help="A role; give it several times for more. "
              "[default: user]")  # fmt: skip
@click.option("--workspace", required=True, help="The workspace in which it acts.")
@click.option("--capability", "capabilities", multiple=True,
              help="Narrow the token to contracts of this capability; repeatable.")  # fmt: skip
@click.option("--ttl", type=_Duration(), default="1h", show_default=True,
              help="How long it is valid.")  # fmt: skip
@with_settings
@with_output
def issue(
    *,
    settings: Settings,
    out: Output,
    subject: str,
    kind: str,
    roles: tuple[str, ...],
    workspace: str,
    capabilities: tuple[str, ...],
    ttl: int,
) -> None:
    """Print a development token, signed with a key of this installation."""
    issued = local_issuer(settings).issue(
        subject=subject,
        type=PrincipalType(kind),
        roles=roles or ("user",),
        workspace=workspace,
        ttl=ttl,
        capabilities=capabilities or None,
    )
    out.tell({"token": issued, "seconds": ttl}, lambda: out.line(issued))
