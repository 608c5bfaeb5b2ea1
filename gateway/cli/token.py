"""gateway token"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

import click

from gateway.cli.exits import unusable
from gateway.cli.options import with_settings
from gateway.cli.output import Output, with_output
from gateway.identity import MAX_TOKEN_CHARS, add_revocations, name_of_token
from gateway.loading import local_issuer
from gateway.model.principal import PrincipalType
from gateway.model.problem import ProblemError
from gateway.model.time import parse, stamp
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


class _Moment(click.ParamType[str]):
    """A moment with its offset from UTC; returns its stamp."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            return stamp(parse(str(value)))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no moment; write 2026-03-01T09:30:00Z", param, ctx)


@click.group()
def token() -> None:
    """Issue development tokens, and revoke any token."""


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


@token.command()
@click.option("--id", "names", multiple=True, help="The name of a token: its claim jti, which the "
              "record tells as session. Repeatable.")  # fmt: skip
@click.option("--of", "file", type=click.File(), help="A file with a token; - reads one from "
              "standard input.")  # fmt: skip
@click.option("--subject", "subjects", multiple=True, help="Revoke all tokens of this subject that "
              "were issued before a moment, or do not say when. Repeatable.")  # fmt: skip
@click.option("--before", type=_Moment(), help="That moment.  [default: now]")
@with_settings
@with_output
def revoke(
    *,
    settings: Settings,
    out: Output,
    names: tuple[str, ...],
    file: TextIO | None,
    subjects: tuple[str, ...],
    before: str | None,
) -> None:
    """Have tokens believed no more, by adding them to the file of revoked tokens.

    Gateways with the setting GATEWAY_REVOKED_TOKENS read it again within a second. Runs that were
    started go on: stop those with `gateway execution abort`.
    """
    path = settings.revoked_tokens
    if path is None:
        unusable("GATEWAY_REVOKED_TOKENS", "names no file; make an empty one, and set it")
    if file is not None:
        names = (*names, _named_in(file))
    if not names and not subjects:
        unusable("gateway token revoke", "name tokens with --id or --of, or people with --subject")
    moment = before or stamp(datetime.now(UTC))
    lines = [f"token {name}" for name in names]
    lines += [f"before {moment} {subject}" for subject in subjects]
    try:
        add_revocations(path, lines)
    except OSError as error:
        unusable(path, f"cannot be written ({error.strerror})")
    except ValueError:
        unusable("gateway token revoke", "names have 1 to 256 visible characters")
    out.tell({"revoked": lines}, lambda: _print(out, lines))


def _print(out: Output, lines: Sequence[str]) -> None:
    for line in lines:
        out.line(line)


def _named_in(file: TextIO) -> str:
    try:
        name = name_of_token(file.read(MAX_TOKEN_CHARS + 1).strip())
    except (OSError, ValueError, ProblemError):
        name = None
    if name is None:
        unusable(file.name, "holds no token with a name (jti); revoke by --subject")
    return name
