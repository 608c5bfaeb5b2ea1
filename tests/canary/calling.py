"""Direct calls of every contract: well, malformed, denied, failing in every way, and repeated."""

import json
from typing import Any

from gateway.model.contract import HttpHandler, OperationContract
from tests.canary import handlers, service
from tests.canary.crowd import Person
from tests.canary.filling import Filler, JsonObject, selection
from tests.canary.stage import Stage


def call(
    stage: Stage,
    person: Person,
    contract: OperationContract,
    value: Any,
    key: str | None = None,
    what: str = "direct",
) -> JsonObject:
    """The whole answer to a call, with everything selected."""
    field = stage.field_of(contract)
    name = field[0].upper() + field[1:]
    kind = "mutation" if contract.is_command else "query"
    asked = selection(contract.output, contract.types)
    declared, passed = "", ""
    variables: JsonObject = {"input": value}
    if key is not None:
        declared, passed = ", $key: String", ", idempotencyKey: $key"
        variables["key"] = key
    if contract.input:
        text = (
            f"{kind} ($input: {name}Input!{declared}) "
            f"{{ {field}(input: $input{passed}) {{ {asked} }} }}"
        )
    else:
        text, variables = f"{kind} {{ {field} {{ {asked} }} }}", {}
    answer = person.tell(text, variables)
    stage.count(f"{what} {contract.kind.value}", answer)
    return answer


def ask(stage: Stage, person: Person, key: str, value: JsonObject) -> JsonObject:
    """The output of a built-in operation; empty where it was refused."""
    contract = stage.registry.resolve(key)
    assert contract is not None, key
    answer = call(stage, person, contract, value, what=key.partition(".")[2])
    return (answer.get("data") or {}).get(stage.field_of(contract)) or {}


def modes_of(contract: OperationContract) -> tuple[str, ...]:
    """How the handler of a contract can be made to behave."""
    return service.MODES if isinstance(contract.handler, HttpHandler) else handlers.MODES


def drive_direct(stage: Stage) -> None:
    """Each action in each way, by a person; the usual way by others too, and once more."""
    stage.at_once(lambda contract: _directly(stage, contract), stage.actions)


def _directly(stage: Stage, contract: OperationContract) -> None:
    filler = Filler(stage.canaries, contract, "(sent directly)")
    value = filler.input()
    key = f"key-{contract.key}" if contract.is_command else None
    for person in (stage.hans, stage.hans, stage.rita, stage.robot, stage.stranger):
        call(stage, person, contract, value, key)
    if key is not None:
        call(stage, stage.hans, contract, filler.input(), key)
    modes = modes_of(contract)
    if stage.quick:
        is_http = isinstance(contract.handler, HttpHandler)
        modes = _some_modes(stage) if is_http else modes[:-1]
    for mode in modes:
        with stage.answering(contract, mode):
            sent = Filler(stage.canaries, contract, f"(sent directly, {mode})").input()
            call(stage, stage.hans, contract, sent, what=f"direct, {mode}")


def _some_modes(stage: Stage) -> tuple[str, ...]:
    """Three ways in which a service answers, one of which takes long."""
    short = [mode for mode in service.MODES if mode not in service.RETRIED]
    return (stage.random.choice(service.RETRIED), *stage.random.sample(short, 2))


def drive_malformed(stage: Stage) -> None:
    """Bad values next to canaries, for every contract that takes an input."""
    for contract in [*stage.actions, *stage.built_in]:
        if contract.input and contract.policy.pii:
            for value in _malformed(stage, contract):
                call(stage, stage.hans, contract, value, what="malformed")


def _malformed(stage: Stage, contract: OperationContract) -> list[Any]:
    filler = Filler(stage.canaries, contract, "(sent malformed)")
    good, said = filler.input(), stage.canaries.text(f"{contract.ref} beside the input")
    private = [name for name in contract.input if name in contract.policy.pii]
    wrong = [{**filler.input(), name: {said: [said]}} for name in private]
    wrong += [{**filler.input(), name: [[said], {"x": said}]} for name in private]
    wrong += [{**filler.input(), name: f"{said} {said}@"} for name in private]
    wrong += [{**filler.input(), name: {"x": [[7]]}} for name in contract.input]
    wrong += [{**filler.input(), name: None} for name in contract.input]
    wrong += [{**good, said: said}, {**good, f"{said}@example.com": 1}, [good], said]
    deep: Any = said
    for _ in range(70):
        deep = {said: deep}
    wrong += [{**filler.input(), name: deep} for name in private]
    return stage.random.sample(wrong, min(len(wrong), 6)) if stage.quick else wrong


def drive_documents(stage: Stage) -> None:
    """Values in documents rather than in variables, documents that do not parse or validate."""
    for contract in stage.actions:
        field, filler = (
            stage.field_of(contract),
            Filler(stage.canaries, contract, "(in a document)"),
        )
        kind = "mutation" if contract.is_command else "query"
        shown = selection(contract.output, contract.types)
        said = stage.canaries.text(f"{contract.ref} in a document")
        token = said.split()[1]
        literal = _literal(filler.input())
        quoted = json.dumps(said)
        for argument in (
            literal,
            _literal({**filler.input(), "subject": {said: said}}, names=False),
            f"{{subject: {quoted}, i0: {{x: {quoted}}}, i1: [{quoted}], i2: {quoted}}}",
            f"{{subject: [{quoted}], i0: {token}, i1: {token}}}",
            f"{{subject: {said}}}",
            f"{{subject: {token}@example.com}}",
            f"{{subject: {token} {token}}}",
            f'{{subject: "{token}}}',
            f"{{subject: '{token}'}}",
            quoted,
            token,
        ):
            text = f"{kind} {{ {field}(input: {argument}) {{ {shown} }} }}"
            stage.count("document", stage.hans.tell(text))
        name = field[0].upper() + field[1:]
        text = (
            f"{kind} ($input: {name}Input!, $n: Int, $b: Boolean = true) "
            f"{{ {field}(input: $input) {{ __typename @include(if: $b) @skip(if: false) }} }}"
        )
        for variables in (
            {"input": filler.input(), "n": said, "b": said},
            {"input": said},
            {"input": {**filler.input(), said: said}, "n": 1},
            {"input": [filler.input()], "b": None},
        ):
            stage.count("variables", stage.hans.tell(text, variables))
    _raw_requests(stage)


def _literal(value: Any, *, names: bool = True) -> str:
    """A value in GraphQL's notation; ``names`` False writes keys in quotes, which is an error."""
    if isinstance(value, dict):
        inner = ", ".join(
            f"{key if names and key.isidentifier() else json.dumps(key)}: {_literal(item)}"
            for key, item in value.items()
        )
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(_literal(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _raw_requests(stage: Stage) -> None:
    """Requests that are no GraphQL at all."""
    said = stage.canaries.text("a request that is none")
    hans = stage.hans
    for body in (
        said,
        json.dumps(said),
        json.dumps([said]),
        json.dumps({said: said}),
        json.dumps({"query": {said: said}}),
        json.dumps({"query": "{ __typename }", "variables": said, "operationName": [said]}),
        json.dumps({"query": "{ __typename }", "operationName": said}),
        f'{{"query": "{{ __typename }}", "variables": {{"{said}": 1, "{said}": 2}}}}',
        f'{{"query": "{said}", "variables": {{"a": {said}}}}}',
    ):
        for kind in ("application/json", "text/plain", said.encode("ascii", "replace").decode()):
            headers = {"content-type": kind}
            hans.fetch("POST", "/graphql", content=body.encode(), headers=headers)
    hans.fetch("GET", "/graphql", params={"query": f'{{ a(x: "{said}") }}', "variables": said})
    hans.fetch("GET", "/graphql", params={"query": "{ __typename }", said: said})
    hans.fetch("GET", f"/evidence/{said.split()[1]}")
    hans.fetch("GET", f"/{said.split()[1]}")
    hans.fetch("POST", "/graphql", json={}, headers={"authorization": f"Bearer {said.split()[1]}"})
