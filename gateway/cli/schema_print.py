"""gateway schema print"""

import sys

import click

from gateway.cli.options import FAILED, with_settings
from gateway.cli.output import Output, with_output
from gateway.cli.policy_sides import FILES, SIDE_HELP, side_of
from gateway.contracts import Registry
from gateway.loading import known_contracts, load_registry
from gateway.model.principal import Principal, PrincipalType
from gateway.policy import build_revision
from gateway.settings import Settings

_TYPES = [kind.value for kind in PrincipalType if kind is not PrincipalType.ANONYMOUS]


@click.command("print", short_help="Print the schema, or what a caller sees of it.")
@click.option("--role", "roles", multiple=True,
              help="Print what a caller with this role sees; repeatable.")  # fmt: skip
@click.option("--subject", default="", help="Whose role assignments count too. [default: nobody's]")
@click.option("--workspace", default="", metavar="NAME",
              help="The workspace of that caller. [default: one that no rule names]")  # fmt: skip
@click.option("--type", "kind", type=click.Choice(_TYPES), default="human", show_default=True,
              help="What kind of actor that caller is.")  # fmt: skip
@click.option("--capability", "capabilities", multiple=True,
              help="A capability that the caller's token is limited to; repeatable.")  # fmt: skip
@click.option("--revision", "named", default=FILES, metavar="POLICIES",
              help=f"Under which policies: {SIDE_HELP}. [default: files]")  # fmt: skip
@click.option("--subgraph", is_flag=True, help="As a subgraph of Apollo Federation 2.9.")
@click.option("--demand", "demands", multiple=True, type=click.Choice(["scopes", "policy"]),
              help="What the router is to demand of callers itself; repeatable.")  # fmt: skip
@with_settings
@with_output
def print_schema(
    *,
    settings: Settings,
    out: Output,
    subgraph: bool,
    demands: tuple[str, ...],
    roles: tuple[str, ...],
    subject: str,
    workspace: str,
    kind: str,
    capabilities: tuple[str, ...],
    named: str,
) -> None:
    """Print the schema in GraphQL's schema definition language: all of it, or with --role or
    --subject what such a caller sees by introspection. With --json as an answer to introspection.

    A schema without a single field is not printed; the command then exits with 1.
    """
    if subgraph and out.as_json:
        raise click.UsageError("Introspection tells no directives: print a subgraph without --json")
    if demands and not subgraph:
        raise click.UsageError("What a router is to demand is said of a --subgraph.")
    if not roles and not subject:
        if workspace or capabilities or named != FILES or kind != "human":
            raise click.UsageError("Say with --role or --subject whose schema to print.")
        contracts = load_registry(settings)
        _tell(_subgraph(contracts, demands) if subgraph else _whole(contracts), out)
        return
    if subgraph:
        raise click.UsageError("A subgraph is printed as a whole, without --role and --subject.")
    granted = frozenset(capabilities) if capabilities else None
    caller = Principal(PrincipalType(kind), subject, workspace, frozenset(roles), granted)
    contracts, fields = _shown(settings, named, caller)
    if fields is not None and not fields:
        click.echo("gateway: such a caller may call nothing, so it sees no schema.", err=True)
        sys.exit(FAILED)
    from gateway.surfaces.graphql import build_schema, print_sdl  # needs a door
    from gateway.surfaces.graphql.schema.sight import Views

    _tell(print_sdl(Views(build_schema(contracts)).of(fields)), out)


def _tell(sdl: str, out: Output) -> None:
    """Print a schema as it is, or as introspection tells it."""
    if not out.as_json:
        click.echo(sdl, nl=False)
        return
    from graphql import introspection_from_schema

    from gateway.surfaces.graphql.schema.sdl_file import schema_of  # needs a door

    out.json(introspection_from_schema(schema_of(sdl, "the schema")), compact=not out.for_people)


def _whole(contracts: Registry) -> str:
    """All of the schema as text."""
    from gateway.surfaces.graphql import build_schema, print_sdl  # needs a door

    return print_sdl(build_schema(contracts))


def _subgraph(contracts: Registry, demands: tuple[str, ...]) -> str:
    """The schema as a subgraph, as text."""
    from gateway.surfaces.graphql.federation import Demand, print_subgraph  # needs a door

    return print_subgraph(contracts, [Demand(one) for one in demands])


def _shown(
    settings: Settings, named: str, caller: Principal
) -> tuple[Registry, frozenset[str] | None]:
    """The contracts of the caller's workspace, and what of their fields it is shown."""
    from gateway.showing import shown_fields  # needs a door

    side, known = side_of(settings, named), known_contracts(settings)
    revision = build_revision(side.content, known, side.folder)
    offered = known.of(caller.workspace)
    return offered, shown_fields(revision, offered, caller)
