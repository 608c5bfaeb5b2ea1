"""gateway contracts list, gateway contracts show"""

from collections.abc import Iterable

import click

from gateway.cli.options import fail, with_settings
from gateway.cli.output import Cell, Output, Tone, Toned, with_output
from gateway.contracts import Registry
from gateway.contracts.findings import suggestion
from gateway.contracts.reference import (
    ContractDetail,
    ContractSummary,
    FieldTable,
    Wanted,
    as_json,
    detail_of,
    found_contracts,
    summary_of,
)
from gateway.loading import load_registry
from gateway.model.contract import Kind, Risk
from gateway.model.problem import problem
from gateway.settings import Settings

_RISKS = {
    Risk.LOW: Tone.GOOD,
    Risk.MEDIUM: Tone.PLAIN,
    Risk.HIGH: Tone.WARNING,
    Risk.CRITICAL: Tone.BAD,
}


@click.command("list", short_help="List the contracts.")
@click.option("--domain", help="Only those of this domain.")
@click.option("--capability", metavar="KEY[@VERSION]", help="Only those of this capability.")
@click.option("--kind", type=click.Choice([one.value for one in Kind]), help="Only this kind.")
@click.option("--risk", type=click.Choice([one.value for one in Risk]), help="Only this risk.")
@click.option("--tag", help="Only those with this tag.")
@click.option("--text", help="Only those with this in key, title, description, tags or owners.")
@with_output
@with_settings
def list_contracts(
    *,
    settings: Settings,
    out: Output,
    domain: str | None,
    capability: str | None,
    kind: str | None,
    risk: str | None,
    tag: str | None,
    text: str | None,
) -> None:
    """List the contracts of the files, by key, the newest version first."""
    registry = load_registry(settings)
    wanted = Wanted(
        domain, capability, Kind(kind) if kind else None, Risk(risk) if risk else None, tag, text
    )
    found = [summary_of(registry, one) for one in found_contracts(registry, wanted, lambda _: True)]

    def show() -> None:
        out.table(("contract", "kind", "risk", "stability", "title"), map(_row, found))
        if out.for_people:
            contracts = "contract" if len(found) == 1 else "contracts"
            out.line(Toned(f"{len(found)} {contracts}", Tone.QUIET))

    out.tell([as_json(one) for one in found], show)


def _row(one: ContractSummary) -> tuple[Cell, ...]:
    risk = Toned(one.risk.value, _RISKS[one.risk])
    return one.ref, one.kind.value, risk, one.stability.value, one.title


@click.command("show", short_help="Show a contract.")
@click.argument("contract")
@with_output
@with_settings
def show_contract(*, settings: Settings, out: Output, contract: str) -> None:
    """Show everything about CONTRACT: KEY@VERSION, or KEY for the version that callers get."""
    registry = load_registry(settings)
    found = registry.resolve(contract)
    if found is None:
        fail(problem("NOT_FOUND", _unknown(registry, contract)))
    detail = detail_of(registry, found)
    out.tell(as_json(detail), lambda: _show(out, detail))


def _unknown(registry: Registry, name: str) -> str:
    known = registry.operations if "@" in name else {one.key for one in registry.fields.values()}
    hint = suggestion(name, known) or "."
    return f"There is no contract {name[:200]!r}{hint} List them by 'gateway contracts list'."


def _show(out: Output, told: ContractDetail) -> None:
    out.line(Toned(told.ref, Tone.STRONG), "  ", told.title)
    out.line(told.description)
    _section(out, "Facts", ("what", "value"), _facts(told))
    _fields(out, "Input", told.input)
    _fields(out, "Output", told.output)
    errors = [(one.code, str(one.http), one.description, one.when) for one in told.errors]
    _section(out, "Errors", ("code", "status", "meaning", "when"), errors)
    _section(out, "Events", ("event", "meaning"), [(one.ref, one.title) for one in told.emits])
    versions = [
        (one.ref, one.stability.value, one.graphql_field or "(hidden by a newer one)")
        for one in told.versions
    ]
    _section(out, "Versions", ("version", "stability", "GraphQL field"), versions)
    if told.example is not None:
        _heading(out, "Example")
        _text(out, told.example.document)
        out.json(told.example.variables)
    _heading(out, "Definition")
    _text(out, told.source)


def _facts(told: ContractDetail) -> list[tuple[Cell, ...]]:
    demands = told.policy
    limit = demands.rate_limit
    facts: list[tuple[str, Cell | None]] = [
        ("kind", told.kind.value),
        ("goal", told.goal),
        ("context", told.context),
        ("risk", Toned(told.risk.value, _RISKS[told.risk])),
        ("stability", told.stability.value),
        ("domain", told.domain),
        ("owners", ", ".join(told.owners)),
        ("tags", ", ".join(told.tags)),
        ("capability", told.capability),
        ("callers", demands.auth.value),
        ("personal data", ", ".join(demands.pii)),
        ("data of", demands.subject),
        ("consent", demands.consent),
        ("idempotent", "yes" if demands.idempotent else "no"),
        ("asks a human", "at every call" if demands.escalate else None),
        ("rate limit", f"{limit.rpm} a minute by {limit.key.value}" if limit else None),
        ("performed by", " ".join(filter(None, _handler(told)))),
        ("undone by", told.compensation.contract if told.compensation else None),
        ("GraphQL", told.signature),
        ("digest", told.digest),
    ]
    return [(name, value) for name, value in facts if value]


def _handler(told: ContractDetail) -> tuple[str | None, ...]:
    handler = told.handler
    return handler.kind, handler.method, handler.target


def _fields(out: Output, title: str, table: FieldTable) -> None:
    rows = [(one.path, one.type, ", ".join(one.pii), one.description) for one in table.rows]
    _section(out, title, ("field", "type", "personal data", "meaning"), rows)
    if not table.complete:
        out.line(Toned("There are more fields inside; the definition has them.", Tone.QUIET))


def _section(
    out: Output, title: str, columns: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]
) -> None:
    found = list(rows)
    if found:
        _heading(out, title)
        out.table(columns, found)


def _heading(out: Output, title: str) -> None:
    out.line("")
    out.line(Toned(title, Tone.STRONG))


def _text(out: Output, text: str) -> None:
    for line in text.rstrip("\n").split("\n"):
        out.line(line)
