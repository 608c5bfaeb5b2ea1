"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import gateway

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gateway"
MAX_LINES = 300

FOREIGN = tuple(
    "".join(parts)  # in parts, so that this file does not hold what it forbids
    for parts in (
        ("/wo", "rk/"),
        ("py", "pi.org"),
        ("registry.npm", "js.org"),
        ("files.python", "hosted.org"),
    )
)
"""A path of somebody's machine, and the addresses of package registries."""

UNFINISHED = re.compile("TO" + r"DO\b|FIX" + r"ME\b|XX" + r"X\b")


def project_files() -> list[Path]:
    """Every file that is committed, or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    return found


def modules() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert found
    return found


def test_no_module_of_the_package_is_longer_than_a_reader_can_hold() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in modules()
    }
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_the_init_of_a_package_exports_names_and_does_nothing_else() -> None:
    offending = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)[:80]}"
        for path in modules()
        if path.name == "__init__.py"
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if not is_export(node)
    ]
    assert offending == []


def is_export(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").startswith("gateway")
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in (
        "__all__",
        "__version__",
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""Doc."""', True),
        ("from gateway.model.plan import Plan", True),
        ("__all__ = ['Plan']", True),
        ("import os", False),
        ("from os import path", False),
        ("VALUE = 1", False),
        ("def f(): ...", False),
        ("print('x')", False),
    ],
)
def test_only_docstrings_own_imports_and_all_count_as_exports(source: str, expected: bool) -> None:
    assert is_export(ast.parse(source).body[0]) is expected


def test_no_unfinished_work_is_marked_in_the_tree() -> None:
    assert lines_matching(UNFINISHED) == []


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    assert lines_matching(re.compile("|".join(map(re.escape, FOREIGN)))) == []


def test_every_folder_of_the_package_is_explained_in_the_architecture_page() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = {
        path.parent.relative_to(PACKAGE).as_posix() for path in modules() if path.parent != PACKAGE
    }
    assert {folder for folder in folders if f"`{folder}/`" not in page} == set()


def test_every_folder_the_architecture_page_explains_exists() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z/]+)/` \|", page, re.MULTILINE)
    assert rows
    assert [folder for folder in rows if not (PACKAGE / folder).is_dir()] == []


def test_the_package_and_the_distribution_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == gateway.__version__


LOCKS = ("runtime", "build", "bench", "deploy", "gql", "ariadne", "conformance", "dev")


def locked(name: str) -> dict[str, str]:
    """Package to version of a lock."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pins}


def declared(name: str) -> list[Requirement]:
    """What pyproject.toml asks for in the environment that a lock describes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    build = groups["build"]
    texts = {
        "runtime": project["project"]["dependencies"],
        "build": build,
        "bench": groups["bench"],
        "deploy": groups["deploy"],
        "gql": groups["gql"],
        "ariadne": groups["ariadne"],
        "conformance": groups["conformance"],
        "dev": [
            *project["project"]["dependencies"],
            *build,
            *(entry for entry in groups["dev"] if isinstance(entry, str)),
        ],
    }[name]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_everything_that_the_project_declares(name: str) -> None:
    pins = locked(name)
    unmet = [
        str(requirement)
        for requirement in declared(name)
        if canonicalize_name(requirement.name) not in pins
        or Version(pins[canonicalize_name(requirement.name)]) not in requirement.specifier
    ]
    assert unmet == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_address_and_hashes_every_package(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=", ""), re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert len(blocks) == len(re.findall(r"^[A-Za-z0-9._-]+==", text, re.MULTILINE))
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", ["runtime", "build"])
def test_the_smaller_locks_agree_with_the_development_lock(name: str) -> None:
    development = locked("dev")
    assert {
        package: version
        for package, version in locked(name).items()
        if development.get(package) != version
    } == {}


def test_every_make_target_that_a_page_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")]
    named = {
        target
        for page in pages
        for run in re.findall(
            r"(?:^|`)make ((?:[a-z]+ ?)+)", page.read_text(encoding="utf-8"), re.M
        )
        for target in run.split()
    }
    assert {"demo", "serve"} <= named
    assert named - targets == set()
