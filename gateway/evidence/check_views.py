"""Checks of views and contracts in a bundle against the entries that they come from."""

from collections.abc import Mapping, Sequence, Set

from gateway.evidence.entry_lines import Fact
from gateway.evidence.findings import BundleFindingKind, BundleFindings
from gateway.evidence.showing import Fields, differences
from gateway.evidence.text import FormError, indented, read
from gateway.evidence.views import contracts_of, views_of
from gateway.model.json import JsonValue, digest

_Kind = BundleFindingKind


def contract_file(ref: str) -> str:
    """The file of a contract."""
    return f"contracts/{ref}.json"


def check_views(
    files: Mapping[str, bytes], facts: Sequence[Fact], fields: Fields, findings: BundleFindings
) -> None:
    """Every view says what the entries say, PII aside."""
    for file, expected in views_of(facts).items():
        found, shown = _value(files, file, findings)
        if not found:
            continue
        for difference in differences(expected, shown, fields):
            where = difference.path or "/"
            about = f" (entry {difference.seq})" if difference.seq is not None else ""
            kind = _Kind.REVEALED if difference.reveals else _Kind.DISAGREES
            told = f"{where} {difference.message}{about}"
            findings.add(kind, file, told, seq=difference.seq, field=where)


def check_contracts(
    files: Mapping[str, bytes], facts: Sequence[Fact], findings: BundleFindings
) -> tuple[str, ...]:
    """Every contract that a plan binds is there; returns which of them have no content."""
    notes = []
    for ref, digests in contracts_of(facts).items():
        file = contract_file(ref)
        found, value = _value(files, file, findings)
        if not found:
            continue
        contents = _contents(value, ref)
        if contents is None or sorted(contents) != digests:
            told = "it does not hold the contract that the plan binds"
            findings.add(_Kind.DISAGREES, file, told, field="/bound")
            continue
        for bound, content in contents.items():
            if content is None:
                notes.append(f"{file}: the gateway did not have the content of {bound} any more")
            elif _digest(content) != bound:
                told = f"its content does not give the digest {bound}, which the plan binds"
                findings.add(_Kind.DISAGREES, file, told, field="/bound")
    return tuple(notes)


def check_no_others(
    files: Mapping[str, bytes], facts: Sequence[Fact], proving: Set[str], findings: BundleFindings
) -> None:
    """Beside the files that prove the entries there is nothing but what the entries explain: what
    else the manifest lists is signed, and nobody could say of what record it is."""
    explained = {*views_of(facts), *map(contract_file, contracts_of(facts))}
    for file in sorted(set(files) - proving - explained):
        if not findings.of(file):
            told = "no entry tells of it, and it is no file of a bundle of this format"
            findings.add(_Kind.UNEXPECTED, file, told)


def _value(
    files: Mapping[str, bytes], file: str, findings: BundleFindings
) -> tuple[bool, JsonValue]:
    """Whether the file can be read, and its value."""
    content = files.get(file)
    if content is None:
        if not findings.of(file):
            findings.add(_Kind.MISSING, file, "the entries tell what it should hold")
        return False, None
    try:
        return True, read(content, indented)
    except FormError as error:
        findings.add(_Kind.CHANGED, file, str(error))
        return False, None


def _contents(value: JsonValue, ref: str) -> dict[str, JsonValue] | None:
    """The contents of a contract's file by digest; None where it is of another form."""
    if not isinstance(value, dict) or set(value) != {"ref", "bound"} or value["ref"] != ref:
        return None
    bound = value["bound"]
    if not isinstance(bound, list):
        return None
    found: dict[str, JsonValue] = {}
    for one in bound:
        match one:
            case {"digest": str(of), "content": content} if len(one) == 2 and of not in found:
                found[of] = content
            case _:  # also one that is there twice, of which only the last would be looked at
                return None
    return found


def _digest(content: JsonValue) -> str | None:
    try:
        return digest(content)
    except (ValueError, TypeError):
        return None
