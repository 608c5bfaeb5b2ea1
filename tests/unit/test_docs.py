"""The documents say what the code does: error pages, the state machine, links, the README."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from gateway.contracts import load_contracts
from gateway.model.execution import TRANSITIONS
from gateway.model.problem import STANDARD

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(page for page in (ROOT / "docs" / "errors").glob("*.md") if page.name != "README.md")
CODE = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where there is one

# --- Which codes the package uses -----------------------------------------------------------

TELLERS = ("Declined", "Issue", "Problem", "problem", "refuse")
"""What takes a code, as its first or second argument or as ``code=``."""

NOT_CODES = re.compile(
    "GATEWAY_.*"  # settings
    "|SQLITE_.*"  # SQLite's own names for its errors
    "|NO_COLOR"  # a variable that many commands know
    "|SSL_CERT_.*"  # those of OpenSSL
    "|STRAWBERRY_.*"  # a switch of that library
)


@cache
def modules() -> list[ast.Module]:
    """The package, parsed once for all tests."""
    return [
        ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "gateway").rglob("*.py"))
    ]


def upper_case_texts(tree: ast.AST) -> Iterator[str]:
    """Every literal in the tree that could be a code, but for lists of exported names."""
    nodes = list(ast.walk(tree))
    exported = {
        id(name)
        for node in nodes
        if isinstance(node, ast.Assign) and called(node.targets[0]) == "__all__"
        for name in ast.walk(node.value)
    }
    for node in nodes:
        if isinstance(node, ast.Constant) and id(node) not in exported:
            text = str(node.value)
            if re.fullmatch(CODE, text) and not NOT_CODES.fullmatch(text):
                yield text


def told_codes(tree: ast.AST) -> Iterator[str]:
    """The codes of one word: those given straight to what tells a problem. (Elsewhere a word in
    capitals may be anything, such as GET.)"""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if called(call.func) in TELLERS:
            named = [given.value for given in call.keywords if given.arg == "code"]
            for argument in (*call.args[:2], *named):
                yield from upper_case_texts(argument)


def called(func: ast.expr) -> str:
    """The last name of what is called; empty if it is no name."""
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else ""


def codes_of(tree: ast.AST) -> set[str]:
    """The codes that a module uses."""
    return {text for text in upper_case_texts(tree) if "_" in text} | set(told_codes(tree))


def declared_codes() -> set[str]:
    """The errors that loaded contracts declare."""
    texts = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "schema").rglob("*.yaml")
        if not any(part.startswith("_") for part in path.relative_to(ROOT).parts)
    ]
    contracts = [yaml.load(text, LOADER) for text in texts]  # noqa: S506 both loaders are safe
    return {code for contract in contracts for code in (contract.get("errors") or {})}


def documented_codes(page: str) -> set[str]:
    """The code of a page's title, and those that it documents along with it."""
    pattern = rf"^#{{1,2}} `?({CODE})`?$|^- `({CODE})`"
    found = re.findall(pattern, page, re.MULTILINE)
    return {title or bullet for title, bullet in found}


def test_the_search_finds_codes_wherever_they_stand_and_nothing_else() -> None:
    tree = ast.parse(
        """
__all__ = ["SOME_NAME"]
LATE = "TOO_LATE"
CODES = {"missing": "NOT_THERE"}
def find(self, method="GET"):
    self.add("/a", "FROM_HELPER")
    yield Issue("/c", "ONE" if self else "OTHER", "It says NOT_A_CODE.")
    raise problems.refuse(code="WORD")
    open("GATEWAY_PORT")
"""
    )
    assert codes_of(tree) == {"TOO_LATE", "NOT_THERE", "FROM_HELPER", "ONE", "OTHER", "WORD"}


@cache
def used_codes() -> set[str]:
    return set(STANDARD) | declared_codes() | set().union(*map(codes_of, modules()))


def test_every_error_code_has_a_page() -> None:
    documented = {code for page in PAGES for code in documented_codes(page.read_text("utf-8"))}
    assert sorted(used_codes() - documented) == []


def test_every_page_names_codes_that_exist() -> None:
    known = used_codes() | {text for tree in modules() for text in upper_case_texts(tree)}
    stale = {page.name: documented_codes(page.read_text("utf-8")) - known for page in PAGES}
    assert {name: sorted(codes) for name, codes in stale.items() if codes} == {}


def faults_of(name: str, text: str) -> list[str]:
    """What is wrong with the form of an error page."""
    lines = text.splitlines()
    title, meaning = lines[0], next((line for line in lines[1:] if line), "")
    status = re.search(r"^\*\*Status\*\*: *(\S.*)$", text, re.MULTILINE)
    faults = []
    if title != f"# {name}":
        faults.append(f"its title is {title!r}, not '# {name}'")
    if not meaning or meaning.startswith(("#", "*", "-")):
        faults.append("no line under the title says what it means")
    if not status:
        faults.append("there is no '**Status**: ...' line")
    elif name in STANDARD and not re.match(rf"{STANDARD[name].status}\b", status.group(1)):
        faults.append(f"its status is not {STANDARD[name].status}")
    faults += [
        f"the section {heading!r} is missing or empty"
        for heading in ("## Why it happens", "## What to do")
        if not re.search(rf"^{heading}\n+(?!#)\S", text, re.MULTILINE)
    ]
    return faults


def test_the_error_pages_have_the_agreed_sections() -> None:
    assert PAGES
    found = {page.name: faults_of(page.stem, page.read_text("utf-8")) for page in PAGES}
    assert {name: faults for name, faults in found.items() if faults} == {}


GOOD_PAGE = """# CONFLICT

The state does not allow it.

**Status**: 409

## Why it happens

Two came at once.

## What to do

Read the state.
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# CONFLICT", "# GONE"),
        ("The state does not allow it.\n\n", ""),
        ("409", "404"),
        ("**Status**: 409", ""),
        ("## Why it happens", "## Why"),
        ("Read the state.", ""),
    ],
)
def test_a_page_of_another_form_is_found(old: str, new: str) -> None:
    assert faults_of("CONFLICT", GOOD_PAGE) == []
    assert faults_of("CONFLICT", GOOD_PAGE.replace(old, new)) != []


def test_the_index_of_error_pages_links_each_of_them() -> None:
    index = (ROOT / "docs" / "errors" / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"^\| \[\w+\]\((\w+\.md)\)", index, re.MULTILINE)
    assert linked == [page.name for page in PAGES]


# --- The state machine in ARCHITECTURE.md -----------------------------------------------------

DRAWN = {
    (status.value.upper(), to.value.upper())
    for status, following in TRANSITIONS.items()
    for to in following
}


def architecture() -> str:
    return (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_the_table_of_transitions_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| ([A-Z_]+) \| ([A-Z_, -]+) \|$", architecture(), re.MULTILINE)
    assert [source for source, _ in rows] == [status.value.upper() for status in TRANSITIONS]
    shown = {(source, to) for source, tos in rows for to in tos.split(", ") if to != "-"}
    assert shown == DRAWN


def test_the_diagram_draws_every_transition_between_two_states() -> None:
    diagram = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", architecture(), re.DOTALL)
    assert diagram
    arrows = re.findall(r"^ *([A-Z_]+) --> ([A-Z_]+)", diagram.group(1), re.MULTILINE)
    assert len(arrows) == len(set(arrows))
    assert set(arrows) == {(source, to) for source, to in DRAWN if source != to}


# --- Links, decisions, README -----------------------------------------------------------------


def documents() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_link_inside_the_project_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in documents()
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
        if not target.startswith(("http:", "https:", "#"))
        and not (page.parent / unquote(target.split("#")[0])).exists()
    ]
    assert broken == []


def test_decisions_are_numbered_without_gaps_and_say_what_was_weighed() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert pages
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.match(rf"# {page.name[:4]} \S", text), page.name
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Why not the alternatives", "Consequences"], (
            page.name
        )


def unknown_tests(text: str) -> list[str]:
    """The tests, written `path::name`, that a text names and the tree has not got."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) == text.count("::"), "each is written `path::name`"
    return [f"{path}::{name}" for path, name in named if name not in functions_of(ROOT / path)]


def functions_of(path: Path) -> set[str]:
    """The names of the test functions of a file; none where there is no such file."""
    if not path.is_file():
        return set()
    body = ast.parse(path.read_text(encoding="utf-8")).body
    functions = (node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in functions if node.name.startswith("test_")}


def test_every_known_failing_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "known-failings.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (\d+)\. ", text, flags=re.MULTILINE)[1:]
    assert [int(number) for number in sections[::2]] == list(range(1, 21))
    for section in sections[1::2]:
        title, why, *_ = section.split("\n\n")
        assert "\n" not in title
        assert why.endswith("."), title
        assert re.search(r"^- `tests/", section, re.MULTILINE), title
    assert unknown_tests(text) == []


def test_a_test_that_does_not_exist_is_found() -> None:
    here = "tests/unit/test_docs.py"
    mine = "test_a_test_that_does_not_exist_is_found"
    text = f"`{here}::{mine}` `{here}::unknown_tests` `{here}::gone`"
    assert unknown_tests(text) == [f"{here}::unknown_tests", f"{here}::gone"]
    assert unknown_tests("`tests/unit/nowhere.py::test_x`") == ["tests/unit/nowhere.py::test_x"]


def operations(folder: str) -> set[str]:
    """The keys of the operation contracts in a folder of ``schema/``."""
    found = (
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (ROOT / "schema" / folder).rglob("*.yaml")
    )
    return {meta["key"] for meta in found if meta["kind"] in ("command", "query")}


def test_the_readme_names_every_operation_of_the_control_plane() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `control-plane\.[a-z-]+` \|(.*?)\|$", readme, re.MULTILINE)
    works = {f"controlPlane.{name}" for row in rows for name in re.findall(r"`([a-zA-Z.]+)`", row)}
    assert works == operations("control-plane")


def test_the_readme_names_every_operation_of_policy() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(policy\.[a-z]+)` \|(.*?)\|$", readme, re.MULTILINE)
    shown = {
        f"policy.{name}": capability
        for capability, row in rows
        for name in re.findall(r"`([a-zA-Z.]+)`", row)
    }
    contracts = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (ROOT / "schema" / "policy-admin").rglob("*.yaml")
    ]
    assert shown == {
        meta["key"]: meta["capability"].split("@")[0]
        for meta in contracts
        if meta["kind"] in ("command", "query")
    }


def test_the_contract_shown_in_the_readme_loads(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "shown.yaml").write_text(shown, encoding="utf-8")
    assert list(load_contracts([tmp_path]).operations) == ["shop.refund.issue@1.0.0"]
