"""gateway policy explain"""

from collections.abc import Iterable
from typing import Any, BinaryIO

import click

from gateway.cli.execution_views import show_facts
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.remote.client import Client
from gateway.cli.remote.documents import EXPLAIN
from gateway.cli.remote.options import with_gateway
from gateway.cli.value_files import OBJECT_FILE, read_object
from gateway.model.json import JsonObject
from gateway.model.principal import PrincipalType

_TYPES = [kind.value for kind in PrincipalType]
_TONES = {
    "ALLOW": Tone.GOOD,
    "AUTONOMOUS": Tone.GOOD,
    "ASSIST": Tone.WARNING,
    "DENY": Tone.BAD,
    "BLOCKED": Tone.BAD,
}


@click.command(short_help="Ask a running gateway why a call would be allowed or not.")
@click.argument("contract")
@click.option("--subject", metavar="ID", help="Who would call. [default: you]")
@click.option("--type", "kind", type=click.Choice(_TYPES), help="What kind of actor that is. "
              "[default: human]")  # fmt: skip
@click.option("--role", "roles", multiple=True, help="A role of its token; repeatable.")
@click.option("--workspace", metavar="ID", help="Where it would call. [default: yours]")
@click.option("--capability", "capabilities", multiple=True,
              help="Narrow its token to contracts of this capability; repeatable.")  # fmt: skip
@click.option("--arguments", "arguments_file", type=OBJECT_FILE, metavar="FILE",
              help="A file with the arguments of the call, JSON or YAML; - is standard "
              "input.")  # fmt: skip
@click.option("--unknown", multiple=True, metavar="FIELD",
              help="A field of the arguments that is not known yet; repeatable.")  # fmt: skip
@click.option("--revision", metavar="DIGEST", help="Ask an earlier revision of the policies.")
@click.option("--changeset", metavar="ID", help="Ask what a changeset would make of it.")
@with_gateway
@with_output
def explain(
    *,
    gateway: Client,
    out: Output,
    contract: str,
    arguments_file: BinaryIO | None,
    unknown: tuple[str, ...],
    revision: str | None,
    changeset: str | None,
    **subject: Any,
) -> None:
    """Ask a running gateway what policy would decide of a call of CONTRACT, and why.

    Nothing is decided for real. Exits with 0 whatever the decision is.
    """
    wanted = {
        "contract": contract,
        "subject": _subject(**subject),
        "arguments": read_object(arguments_file) if arguments_file else None,
        "unknown": list(unknown) or None,
        "revision": revision,
        "changesetId": changeset,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    found = gateway.call(EXPLAIN, input=given)
    out.tell(found, lambda: _show(out, found))


def _subject(
    *,
    subject: str | None,
    kind: str | None,
    roles: tuple[str, ...],
    workspace: str | None,
    capabilities: tuple[str, ...],
) -> JsonObject | None:
    """Who is asked about; None for the caller."""
    more = {
        "roles": list(roles) or None,
        "workspace": workspace,
        "capabilities": list(capabilities) or None,
    }
    given = {name: value for name, value in more.items() if value is not None}
    if subject is None:
        if given or kind:
            raise click.UsageError("--type, --role, --workspace and --capability need --subject.")
        return None
    return {"id": subject, "type": (kind or "human").upper(), **given}


def _show(out: Output, found: JsonObject) -> None:
    decision, verdict = str(found["decision"]), found["verdict"]
    show_facts(
        out,
        [
            ("decision", Toned(decision, _TONES.get(decision, Tone.PLAIN))),
            ("verdict", verdict and Toned(str(verdict), _TONES.get(str(verdict), Tone.PLAIN))),
            *(("because", str(reason)) for reason in found["reasons"]),
            *(("role", f"{held['role']} ({_by(held)})") for held in found["roles"]),
            *((str(one["treatment"]).lower(), str(one["field"])) for one in found["treatments"]),
            ("policy", str(found["policyVersion"])),
        ],
    )
    _table(out, "Rules that matched", ("", "WHERE", "RULE"), (
        ("decides" if rule["decides"] else "matches", _place(rule), str(rule["text"]))
        for rule in found["matchedRules"]
    ))  # fmt: skip
    _table(out, "Nearest rules, and what they lack", ("LACKS", "WHERE", "RULE"), (
        (_all("gaps", rule), _place(rule), str(rule["text"]))
        for rule in found["nearest"]
    ))  # fmt: skip
    _table(out, "What would be needed", ("OF", "FOR", "NEEDS"), (
        (str(way["model"]).lower(), str(way["outcome"] or "-"), _all("needs", way))
        for way in found["required"]
    ))  # fmt: skip


def _table(
    out: Output, title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]
) -> None:
    listed = list(rows)
    if listed and out.for_people:
        out.line("")
        out.line(Toned(title, Tone.STRONG))
    out.table(columns, listed)


def _by(held: JsonObject) -> str:
    """How somebody comes to a role."""
    path = held["path"]
    return str(held["via"]).lower() + (f": {' > '.join(path)}" if len(path) > 1 else "")


def _all(name: str, found: JsonObject) -> str:
    """The messages of a list, as one text."""
    return "; ".join(str(one["message"]) for one in found[name])


def _place(rule: JsonObject) -> str:
    return f"{rule['file']}:{rule['line']}"
