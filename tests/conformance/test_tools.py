"""Clients and code generators that nobody here wrote, as their users run them."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.clients import FOLDER, node
from tests.conformance.tools import MODULES, npm, python, run, told
from tests.world import World

JsonObject = dict[str, Any]
OPERATIONS = FOLDER / "operations.graphql"

QUERY = {
    "query": "query ($limit: Int) { controlPlaneExecutionList(input: {limit: $limit}) { total } }",
    "variables": {"limit": 2},
}
MUTATION = {
    "query": "mutation ($text: String!) { controlPlaneIntentSubmit("
    'input: {workspaceId: "acme", text: $text}) { executionId status } }',
    "variables": {"text": "Please refund o-1001"},
}
PARTIAL = {
    "query": '{ asked: __typename controlPlaneExecutionGet(input: {executionId: "none"}) '
    "{ execution { executionId } } }"
}
INVALID = {"query": "{ nothing }"}
UNFIT = {"query": QUERY["query"], "variables": {"limit": "many"}}

Send = Callable[..., list[JsonObject]]


def asked(world: World, requests: list[JsonObject], **more: Any) -> str:
    url = f"{world.gateway.url}/graphql"
    return json.dumps({"url": url, "token": world.olga.token, "requests": requests, **more})


def apollo(world: World, *requests: JsonObject, **more: Any) -> list[JsonObject]:
    return told(run(node(), "apollo.mjs", asked(world, list(requests), **more)))


def urql(world: World, *requests: JsonObject, **more: Any) -> list[JsonObject]:
    return told(run(node(), "urql.mjs", asked(world, list(requests), **more)))


def gql(world: World, *requests: JsonObject, **more: Any) -> list[JsonObject]:
    return told(run(python("gql"), "gql_client.py", asked(world, list(requests), **more)))


def problem(answer: JsonObject) -> tuple[str, int]:
    """The code and the status of the only problem that a client was told."""
    (error,) = answer["errors"]
    found = error["extensions"]["problem"]
    assert found["code"] == error["extensions"]["code"]
    return found["code"], found["status"]


@pytest.mark.parametrize("send", [apollo, urql, gql])
def test_a_client_gets_data_and_every_problem_with_its_extensions(world: World, send: Send) -> None:
    mutation, query, partial, invalid, unfit = send(world, MUTATION, QUERY, PARTIAL, INVALID, UNFIT)
    submitted = mutation["data"]["controlPlaneIntentSubmit"]
    assert world.execution(submitted["executionId"])["status"] == submitted["status"]
    assert query["data"]["controlPlaneExecutionList"]["total"] >= 1
    assert (mutation["errors"], query["errors"]) == ([], [])
    assert partial["data"] == {"asked": "Query", "controlPlaneExecutionGet": None}
    assert problem(partial) == ("NOT_FOUND", 404)
    assert partial["errors"][0]["path"] == ["controlPlaneExecutionGet"]
    assert (invalid["data"], unfit["data"]) == (None, None)
    assert problem(invalid) == ("GRAPHQL_VALIDATION_FAILED", 422)
    assert problem(unfit) == ("VALIDATION_FAILED", 422)


def test_urql_asks_by_get_and_gets_the_same(world: World) -> None:
    query, partial, invalid = urql(world, QUERY, PARTIAL, INVALID, byGet=True)
    assert query["errors"] == []
    assert problem(partial) == ("NOT_FOUND", 404)
    assert problem(invalid) == ("GRAPHQL_VALIDATION_FAILED", 422)


def test_gql_reads_the_schema_and_holds_requests_to_it(world: World) -> None:
    query, partial = gql(world, QUERY, PARTIAL, isChecked=True)
    assert query["errors"] == []
    assert problem(partial) == ("NOT_FOUND", 404)
    with pytest.raises(AssertionError, match="Cannot query field 'nothing'"):
        gql(world, INVALID, isChecked=True)


def test_graphql_codegen_makes_types_that_compile_and_typed_documents_that_run(
    world: World, tmp_path: Path
) -> None:
    url = f"{world.gateway.url}/graphql"
    told_ = {"CODEGEN_URL": url, "CODEGEN_TOKEN": world.olga.token}
    env = {**os.environ, **told_, "CODEGEN_OUT": str(tmp_path)}
    run(npm("graphql-codegen"), "--config", "codegen.mjs", env=env)
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(FOLDER / "typed.ts", tmp_path)
    options = ["--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"]
    run(npm("tsc"), *options, "schema.ts", "typed.ts", cwd=tmp_path)
    (answer,) = told(run(node(), "typed.js", url, world.olga.token, cwd=tmp_path))
    assert world.execution(answer["executionId"])["status"] == answer["status"] == "RECEIVED"
    assert answer["total"] >= 1


def test_graphql_inspector_finds_no_change_between_what_is_served_and_what_is_printed(
    world: World, tmp_path: Path
) -> None:
    served, printed = tmp_path / "served.graphql", tmp_path / "printed.graphql"
    told_ = ["--header", f"authorization: Bearer {world.olga.token}"]
    url = f"{world.gateway.url}/graphql"
    inspect = npm("graphql-inspector")
    run(inspect, "introspect", url, *told_, "--write", served)
    printed.write_text(world.gateway.command("schema", "print").stdout)
    said = run(inspect, "diff", printed, served)
    assert "No breaking changes detected" in said
    # Introspection tells no directives that are applied; it tells everything else.
    changes = [line for line in said.splitlines() if line.removeprefix("[log]").strip()]
    assert [line for line in changes if "[log]" in line and "Directive " not in line] == []
    assert "All documents are valid" in run(inspect, "validate", OPERATIONS, served)


def test_ariadne_codegen_makes_a_client_that_runs(world: World, tmp_path: Path) -> None:
    url = f"{world.gateway.url}/graphql"
    (tmp_path / "pyproject.toml").write_text(
        "[tool.ariadne-codegen]\n"
        f'remote_schema_url = "{url}"\n'
        'remote_schema_headers = {authorization = "$GATEWAY_TOKEN"}\n'
        f'queries_path = "{OPERATIONS}"\n'
        'target_package_name = "made"\n'
        "async_client = false\n"
    )
    env = {**os.environ, "GATEWAY_TOKEN": f"Bearer {world.olga.token}"}
    run(python("ariadne"), "-m", "ariadne_codegen", cwd=tmp_path, env=env)
    made = json.dumps({"url": url, "token": world.olga.token, "folder": str(tmp_path)})
    submitted, listed, refused = told(run(python("ariadne"), "ariadne_client.py", made))
    assert world.execution(submitted["executionId"])["status"] == submitted["status"]
    assert listed["total"] >= 1
    assert refused["message"].startswith("There is no execution none")
