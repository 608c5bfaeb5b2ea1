"""PII rules whose field no contract has."""

from collections.abc import Iterator

from gateway.contracts import Registry, pii_of
from gateway.model.contract import OperationContract
from gateway.policy.advice.finding import FIELD_UNKNOWN, Advice, Severity, on_row
from gateway.policy.advice.near import NearNames
from gateway.policy.advice.reach import ANY, Reach, Reaches
from gateway.policy.revision import field_classes
from gateway.policy.rules.models import CLASS_PREFIX
from gateway.policy.rules.selectors import glob


def unknown_fields(reaches: Reaches) -> Iterator[Advice]:
    """PII rules that match no PII field of any loaded contract which they select.

    A rule for one contract that names a field is an error, a wider one a warning.
    """
    fields = [frozenset(_names(reaches.revision.registry, one)) for one in reaches.contracts]
    answers: dict[tuple[int, str], bool] = {}
    for rule in reaches.pii:
        key = (rule.contracts, rule.field)
        if key not in answers:
            answers[key] = not rule.contracts or _matched(reaches, fields, rule)
        if answers[key]:
            continue
        exact = reaches.selector(rule.row).exact
        if rule.field == ANY and not exact:
            continue  # it is meant for whatever comes
        names = set().union(*_fields_of(fields, rule.contracts))
        severity = Severity.ERROR if exact and rule.field != ANY else Severity.WARNING
        yield on_row(severity, FIELD_UNKNOWN, rule.row, "field", _told(rule, names))


def _names(registry: Registry, contract: OperationContract) -> Iterator[str]:
    """The PII fields of a contract and their classes, as rules name them."""
    fields = list(pii_fields(registry, contract))
    yield from fields
    yield from (f"{CLASS_PREFIX}{one}" for name in fields for one in field_classes(contract, name))


def pii_fields(registry: Registry, contract: OperationContract) -> Iterator[str]:
    """The fields for which policy is asked: ``input.<path>`` and ``output.<path>``.

    Those are the PII of the contract, and what stands in it under the names of PII of its events.
    """
    yield from (f"input.{path}" for path in pii_of(contract, "input"))
    yield from (f"output.{path}" for path in pii_of(contract, "output"))
    for ref in contract.emits:
        event = registry.events.get(ref)
        for path in event.pii if event is not None else ():
            head = path.partition(".")[0]
            sides = {"input": contract.input, "output": contract.output}
            named = [side for side, known in sides.items() if head in known]
            yield from (f"{side}.{path}" for side in named or sides)


def _matched(reaches: Reaches, fields: list[frozenset[str]], rule: Reach) -> bool:
    matches = glob(rule.field) if "*" in rule.field else None
    for known in _fields_of(fields, rule.contracts):
        if not reaches.effort.spend(1 + len(known) if matches else 1):
            return True  # nothing is said of what was not looked at
        if rule.field in known or (matches and any(map(matches, known))):
            return True
    return False


def _fields_of(fields: list[frozenset[str]], contracts: int) -> Iterator[frozenset[str]]:
    while contracts:
        lowest = contracts & -contracts
        yield fields[lowest.bit_length() - 1]
        contracts ^= lowest


def _told(rule: Reach, names: set[str]) -> str:
    if not names:
        return f"no contract that {rule.row['obj']} selects declares PII, so nothing is asked of it"
    near = NearNames(sorted(names)).of(rule.field)
    hint = f"; did you mean {near!r}?" if near else ""
    fields_first = sorted(names, key=lambda name: (name.startswith(CLASS_PREFIX), name))
    some = ", ".join(fields_first[:5])
    selected = f"no contract that {rule.row['obj']} selects"
    return f"{selected} has the PII field {rule.field}{hint} (there are {some})"
