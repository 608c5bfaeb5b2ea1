"""PII that was copied by hand: literals of a step held against what the execution has read.

A reference says where a value comes from, so that its flow is known before anything runs. Whoever
writes a plan can also read a value and write it down again. So the literals that go into an input
which does not declare the class are compared with the PII that completed steps have read.
"""

from collections.abc import Iterator, Sequence

from gateway.contracts import Registry, classes_taken, walked_type
from gateway.model.contract import OperationContract
from gateway.model.execution import Step, StepStatus
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import PiiClasses
from gateway.model.plan import PlanStep, reference_of
from gateway.model.ports import Records, Sealer
from gateway.model.sealing import unseal_all
from gateway.runtime.pii_flow import in_words
from gateway.runtime.pii_read import Key, PiiRead, Place
from gateway.runtime.pii_text import MIN_DIGITS, forms_of

MAX_LITERALS = 10_000
"""The most texts of one step that are compared; with more of them it may not run."""

_PATH = tuple[str, ...]


def copies(step: PlanStep, contract: OperationContract, read: Sequence[PiiRead]) -> Iterator[str]:
    """Why a step may not run: each literal in it that is a copy of PII which it does not take.

    The sentences say where it was read and where it stands, and hold no value.
    """
    if not any(read):
        return
    for count, (path, text) in enumerate(_literals(step)):
        if count == MAX_LITERALS:
            yield (
                f"It has more than {MAX_LITERALS} texts, too many to be compared with the PII that "
                "was read before. Split the step."
            )
            return
        takes = classes_taken(contract, ".".join(part for part in path if not part.isdecimal()))
        copied = _copied(text, takes, read)
        if copied is not None:
            at, missing = _known_part(path, contract), in_words(copied.classes - takes)
            yield (
                f"PII would leak: the literal at {at} repeats {copied.step}.{copied.path} "
                f"({in_words(copied.classes)}), which was read before, and {contract.key} does not "
                f"declare {missing} there. Take it out, or declare the class in policy.pii of "
                f"{contract.key}."
            )


def has_literals(step: PlanStep) -> bool:
    """True where a step holds anything that could be a copy."""
    return next(_literals(step), None) is not None


def _known_part(path: _PATH, contract: OperationContract) -> str:
    """The path as far as the contract names it: what follows may be personal data itself."""
    known: list[str] = []
    for part in path:
        names = ".".join([*(name for name in known if not name.isdecimal()), part])
        is_index = part.isdecimal() and known != []
        if not is_index and walked_type(contract.input, contract.types, names) is None:
            break
        known.append(part)
    return ".".join(known)


def _copied(text: str, takes: PiiClasses, read: Sequence[PiiRead]) -> Place | None:
    """Where a value was read that stands in ``text``, if it was nowhere read as what may stand
    there."""
    met: dict[Key, list[Place]] = {}
    forms = forms_of(text)
    for each in read:
        for key, places in each.met_by(forms):
            met.setdefault(key, []).extend(places)
    for places in met.values():
        if not any(place.classes <= takes for place in places):
            return places[0]
    return None


def _literals(step: PlanStep) -> Iterator[tuple[_PATH, str]]:
    for name, value in step.input.items():
        yield from _texts(value, (name,), refers=bool(step.depends_on))


def _texts(value: JsonValue, path: _PATH, *, refers: bool) -> Iterator[tuple[_PATH, str]]:
    """Every text, long number and key in a literal, with the path to it."""
    if refers and reference_of(value) is not None:
        return
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from _texts(item, (*path, key), refers=refers)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, str(index)), refers=refers)
    elif isinstance(value, int) and len(str(value)) >= MIN_DIGITS:
        yield path, str(value)


def read_by(
    step: str,
    contract: OperationContract | None,
    output: JsonObject,
    known: dict[str, PiiRead],
) -> PiiRead:
    """What a step has read, from ``known`` where it was looked at before."""
    found = known.get(step)
    if found is None:
        found = PiiRead() if contract is None else PiiRead.of(step, contract, output)
        known[step] = found
    return found


def read_in_run(
    records: Records,
    registry: Registry,
    sealer: Sealer,
    workspace: str,
    execution_id: str | None,
) -> tuple[PiiRead, ...]:
    """The PII that an execution's completed steps have read; what was erased counts no more."""
    execution = records.execution(workspace, execution_id) if execution_id else None
    steps = records.steps(execution.plan_id) if execution and execution.plan_id else []
    return tuple(filter(None, (read_by_step(registry, sealer, workspace, one) for one in steps)))


def read_by_step(registry: Registry, sealer: Sealer, workspace: str, step: Step) -> PiiRead | None:
    """The PII that one recorded step has read, None where there is none or it was erased."""
    contract = registry.operations.get(step.contract)
    if step.status is not StepStatus.COMPLETED or step.output is None or contract is None:
        return None
    try:
        output = unseal_all(sealer, workspace, step.output)
    except ValueError:
        return None
    return PiiRead.of(step.key, contract, output)
