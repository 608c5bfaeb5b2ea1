"""Checking what contracts say of one another: emitted events, compensations, capabilities."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gateway.contracts.drafts import Draft
from gateway.contracts.findings import Findings, nearest, suggestion
from gateway.contracts.io import Io, input_io
from gateway.contracts.paths import assignable, value_type
from gateway.model.contract import Compensation, EventContract, Kind, OperationContract
from gateway.model.json import JsonValue
from gateway.model.plan import REFERENCE, reference_of
from gateway.model.problem import ProblemError


@dataclass(frozen=True, slots=True)
class Links:
    """Everything that was read, by reference, to check one contract against the others.

    ``broken`` names contracts whose fields could not all be read: what refers to them is not
    checked further than that they exist.
    """

    operations: Mapping[str, OperationContract]
    events: Mapping[str, EventContract]
    capabilities: Collection[str]
    broken: Collection[str]
    findings: Findings

    def check_operation(self, draft: Draft, contract: OperationContract) -> None:
        """Note events and compensations that do not exist or do not fit."""
        if draft.sound("emits"):
            for index, ref in enumerate(contract.emits):
                at = draft.node.place("emits", index)
                if self._exists(ref, self.events, "event", at) and contract.handler is not None:
                    self._check_payload(draft, contract, ref, at)
        if contract.compensation is not None and draft.sound("compensation"):
            self._check_compensation(draft, contract, contract.compensation)

    def check_capability(self, draft: Draft) -> None:
        """Note operations, events and capabilities that a capability names and do not exist."""
        for index, ref in enumerate(draft.read.get("requires", ())):
            at = draft.node.place("requires", index)
            self._exists(ref, self.capabilities, "capability", at)
        provides = draft.read.get("provides", {})
        for index, ref in enumerate(provides.get("operations", ())):
            at = draft.node.place("provides", "operations", index)
            self._exists(ref, self.operations, "operation", at)
        for index, ref in enumerate(provides.get("events", ())):
            at = draft.node.place("provides", "events", index)
            self._exists(ref, self.events, "event", at)

    def _exists(self, ref: str, known: Collection[str], what: str, at: str) -> bool:
        if ref in known:
            return True
        message = f"there is no {what} {ref}{suggestion(ref, known)}; mend it or add its file"
        self.findings.add(at, "CONTRACT_REFERENCE_UNKNOWN", message)
        return False

    def _check_payload(self, draft: Draft, contract: OperationContract, ref: str, at: str) -> None:
        """The gateway builds the payload from output and input, by name; the output goes first."""
        if ref in self.broken or not draft.sound("input", "output", "types"):
            return
        event = self.events[ref]
        for name, wanted in event.payload.items():
            source = contract.output.get(name, contract.input.get(name))
            if source is None and wanted.required:
                message = (
                    f"{ref} needs {name}: {wanted}, which neither output nor input has; add it"
                )
                self.findings.add(at, "CONTRACT_REFERENCE_UNKNOWN", message)
            elif source and not assignable(source, contract.types, wanted, event.types):
                message = f"{ref} needs {name}: {wanted}, here it is {source}; give both one type"
                self.findings.add(at, "CONTRACT_VALUE_INVALID", message)

    def _check_compensation(
        self, draft: Draft, contract: OperationContract, compensation: Compensation
    ) -> None:
        at = draft.node.place("compensation", "contract")
        if not self._exists(compensation.contract, self.operations, "operation", at):
            return
        undo = self.operations[compensation.contract]
        if contract.kind is not Kind.COMMAND:
            message = "a query changes nothing, so there is nothing to undo; remove 'compensation'"
            place = draft.node.key_place("compensation")
            self.findings.add(place, "CONTRACT_VALUE_INVALID", message)
        if undo.kind is not Kind.COMMAND:
            message = f"{undo.ref} is a query and undoes nothing; name a command"
            self.findings.add(at, "CONTRACT_VALUE_INVALID", message)
        if undo.ref in self.broken or not draft.sound("input", "output", "types"):
            return
        given = compensation.input
        for name, wanted in undo.input.items():
            if wanted.required and name not in given:
                message = f"{undo.ref} requires the input {name}: {wanted}; add it"
                place = draft.node.place("compensation", "input")
                self.findings.add(place, "CONTRACT_FIELD_MISSING", message)
        io = input_io(undo)
        for name, value in given.items():
            place = draft.node.place("compensation", "input", name)
            self._check_argument(contract, undo, name, value, place, io)

    def _check_argument(
        self,
        contract: OperationContract,
        undo: OperationContract,
        name: str,
        value: JsonValue,
        at: str,
        io: Io,
    ) -> None:
        if name not in undo.input:
            hint = nearest(name, undo.input)
            message = f"{undo.ref} has no input {name!r}{hint}; mend or remove it"
            self.findings.add(at, "CONTRACT_FIELD_UNKNOWN", message)
        elif _holds_reference(value):
            self._check_reference(contract, undo, name, value, at)
        else:
            for message in _literal_issues(io, name, value):
                self.findings.add(at, "CONTRACT_VALUE_INVALID", message)

    def _check_reference(
        self,
        contract: OperationContract,
        undo: OperationContract,
        name: str,
        value: JsonValue,
        at: str,
    ) -> None:
        target = reference_of(value)
        if target is None:
            message = (
                f"a reference stands alone as the value of {name!r}; write {{$from: output.path}}"
            )
            self.findings.add(at, "CONTRACT_VALUE_INVALID", message)
            return
        side, _, path = target.partition(".")
        fields = {"input": contract.input, "output": contract.output}.get(side, {})
        source = value_type(fields, contract.types, path)
        wanted = undo.input[name]
        if source is None:
            message = f"there is no {target!r}; write output.path or input.path of this contract"
            self.findings.add(at, "CONTRACT_REFERENCE_UNKNOWN", message)
        elif not assignable(source, contract.types, wanted, undo.types):
            message = (
                f"{target} is {source}, but {name} of {undo.ref} is {wanted}; pick one that fits"
            )
            self.findings.add(at, "CONTRACT_VALUE_INVALID", message)


def _holds_reference(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return REFERENCE in value or any(_holds_reference(member) for member in value.values())
    return isinstance(value, list) and any(_holds_reference(item) for item in value)


def _literal_issues(io: Io, name: str, value: JsonValue) -> list[str]:
    """What is wrong with a literal for the input ``name``, other fields aside."""
    try:
        io.check({name: value})
    except ProblemError as error:
        at = f"/{name}"
        return [
            f"{issue.path.removeprefix('/')} {issue.message}"
            for issue in error.problem.issues
            if issue.path == at or issue.path.startswith(f"{at}/")
        ]
    return []
