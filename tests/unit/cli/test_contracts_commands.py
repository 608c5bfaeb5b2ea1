"""``gateway contracts list``, ``show``, ``new`` and ``docs``, called as a user calls them."""

import errno
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.contracts import load_contracts
from gateway.loading import contract_folders

ROOT = Path(__file__).parents[3]
SUPPORT = ["--schema-dir", str(ROOT / "schema" / "support")]
PARCEL = (
    *("--kind", "command", "--title", "Send parcel", "--description", "Sends a parcel."),
    *("--owners", "shop.logistics, shop.desk", "--input", "parcelId: ID!"),
    *("--input", "email:EmailAddress", "--output", "status:String!"),
    *("--service", "https://parcels.example/{parcelId}"),
)
ANSWERS = [
    *("shop.parcel.send", "sometimes", "command", "Send parcel", "Sends a parcel.", ""),
    *("shop.logistics", "", "", "high", "parcelId: ID!", "no colon", "weight: Flaot", ""),
    *("status: String!", "", "https://parcels.example/{parcelId}", ""),
]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of one's own with ``schema/``, and no settings."""
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)
    (tmp_path / "schema").mkdir()
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, answers: list[str] | None = None) -> Result:
    sent = None if answers is None else "".join(f"{one}\n" for one in answers)
    return CliRunner().invoke(main, ["contracts", *arguments], input=sent, catch_exceptions=False)


def told(*arguments: str) -> object:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_contracts_are_listed_and_narrowed() -> None:
    listed = told("list", "--domain", "support", "--risk", "high", *SUPPORT)
    assert isinstance(listed, list)
    assert [one["key"] for one in listed] == ["support.refund.issue", "support.refund.reverse"]
    lines = run("list", "--kind", "query", "--text", "ORDER", "--domain", "support", *SUPPORT)
    assert lines.stdout == "support.order.lookup@1.0.0\tquery\tlow\tstable\tLook up order\n"
    assert run("list", "--tag", "nothing").stdout == ""


def test_a_contract_is_shown_whole() -> None:
    shown = told("show", "support.refund.issue", *SUPPORT)
    assert isinstance(shown, dict)
    assert (shown["ref"], shown["handler"]["method"]) == ("support.refund.issue@1.0.0", "POST")
    text = run("show", "support.refund.issue@1.0.0", *SUPPORT).stdout
    for part in ("customerEmail\tEmailAddress\tcontact", "ORDER_NOT_FOUND\t404", "key: support."):
        assert part in text


@pytest.mark.parametrize("name", ["support.refund.isue", "support.refund.issue@9.0.0", "x\x1b[1m"])
def test_a_contract_that_is_not_there_is_refused(name: str) -> None:
    done = run("show", name, *SUPPORT)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "NOT_FOUND" in done.stderr
    assert "\x1b" not in done.stderr
    assert ("did you mean 'support.refund.issue" in done.stderr) is name.startswith("support")


def test_a_new_contract_is_asked_for_and_loads() -> None:
    done = run("new", answers=ANSWERS)
    assert done.exit_code == 0, done.output
    assert "none of command, query" in done.stderr
    assert "did you mean 'Float'?" in done.stderr
    assert done.stdout.startswith("Wrote schema/shop/parcel.send.yaml.")
    contract = load_contracts(contract_folders([Path("schema")])).resolve("shop.parcel.send")
    assert contract is not None
    assert (contract.risk, contract.policy.auth) == ("high", "user")
    assert contract.capability == "shop.core@1.0.0"
    assert run("lint", "--schema-dir", "schema").exit_code == 0


def test_a_new_contract_is_written_without_a_question() -> None:
    done = told("new", "shop.parcel.send", "--no-ask", *PARCEL)
    assert done == {"file": "schema/shop/parcel.send.yaml", "contract": "shop.parcel.send@1.0.0"}
    contract = load_contracts([Path("schema")]).resolve("shop.parcel.send")
    assert contract is not None
    assert contract.policy.pii == ("email",), "what looks like personal data is declared"
    assert contract.meta.owners == ("shop.logistics", "shop.desk")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("shop.parcel.send", "--no-ask"), "--title is missing"),
        (("Shop", "--no-ask", *PARCEL), "is not dotted lowerCamel names"),
        (("shop.parcel.send", "--no-ask", *PARCEL, "--output", "at:Wen"), "there is no type 'Wen'"),
        (("shop.parcel.send", "--no-ask", *PARCEL, "--risk", "some"), "is none of low, medium"),
        (("shop.parcel.send", *PARCEL), "nobody answers 'Domain'; say --domain, or --no-ask for"),
        (("shop.parcel.send", "--kind", "query"), "nobody answers 'Title'; say --title."),
    ],
)
def test_what_a_new_contract_lacks_is_said_and_nothing_written(
    arguments: tuple[str, ...], said: str
) -> None:
    done = run("new", *arguments, answers=[])
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
    assert list(Path("schema").iterdir()) == []


def test_a_new_contract_that_would_not_load_is_not_written() -> None:
    wrong = ("shop.parcel.send", "--no-ask", *PARCEL, "--service", "parcels/{nothing}")
    done = run("new", *wrong)
    assert done.exit_code == 2
    assert "CONTRACT_HANDLER_INVALID" in done.stderr
    assert list(Path("schema").iterdir()) == []


def test_no_file_is_written_over() -> None:
    file = Path("schema/shop/parcel.send.yaml")
    file.parent.mkdir()
    kept = "kind: types\ndomain: shop\ntypes: {Size: [S, L]}\n"
    file.write_text(kept)
    done = run("new", "shop.parcel.send", "--no-ask", *PARCEL)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "schema/shop/parcel.send.yaml is there already" in done.stderr
    assert file.read_text() == kept


class Links(HTMLParser):
    """Where the links of a page lead, its ids, and what a page must not hold."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.policy = ""
        self.open: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.add(tag)
        self.links += [str(said[name]) for name in ("href", "src") if name in said]
        self.ids += [str(said["id"])] if "id" in said else []
        assert not any(name.startswith("on") or name == "style" for name in said)
        if said.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(said["content"])
        if tag not in ("meta", "link", "br", "input", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()


EVIL = '<script>alert("x")</script>{{ 7 * 7 }}'
MINE = "shop.parcel.send@1.0.0"


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the built-in contracts and of one that says evil things of itself."""
    folder, schema = tmp_path_factory.mktemp("docs") / "reference", tmp_path_factory.mktemp("own")
    said = ("--description", EVIL, "--title", EVIL, "--folder", str(schema))
    assert run("new", "shop.parcel.send", "--no-ask", *PARCEL, *said).exit_code == 0
    assert run("docs", str(folder), "--schema-dir", str(schema)).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def pages(docs: Path) -> dict[str, Links]:
    return {page.name: Links(page) for page in docs.glob("*.html")}


def test_every_contract_has_a_page_and_every_link_leads_somewhere(pages: dict[str, Links]) -> None:
    refs = [*load_contracts(contract_folders([])).operations, MINE]
    assert pages.keys() == {"index.html", *(f"{ref}.html" for ref in refs)}
    assert {link for link in pages["index.html"].links if "@" in link} == pages.keys() - {
        "index.html"
    }
    for name, page in pages.items():
        assert page.open == []
        assert len(page.ids) == len(set(page.ids)), name
        for link in page.links:
            target, _, fragment = link.partition("#")
            if target == "reference.css":
                continue
            assert not fragment or fragment in pages[target or name].ids, (name, link)


def test_pages_hold_no_script_and_ask_for_nothing_else(docs: Path, pages: dict[str, Links]) -> None:
    for name, page in pages.items():
        assert page.tags.isdisjoint({"script", "style", "iframe", "img", "form"})
        assert page.policy.startswith("default-src 'none'; style-src 'self'")
        assert not any("//" in link for link in page.links)
        assert (docs / name).stat().st_size < 200_000
    assert "@import" not in (docs / "reference.css").read_text()
    assert "url(" not in (docs / "reference.css").read_text()


def test_what_a_contract_says_is_escaped(docs: Path) -> None:
    text = (docs / f"{MINE}.html").read_text()
    assert "{{ 7 * 7 }}" in text
    assert "&lt;script&gt;" in text


def test_pages_of_contracts_that_are_gone_are_removed(docs: Path, tmp_path: Path) -> None:
    there = tmp_path / "out"
    there.mkdir()
    for name in ("index.html", f"{MINE}.html", "reference.css"):
        (there / name).write_bytes((docs / name).read_bytes())
    assert run("docs", "out").exit_code == 0
    assert not (there / f"{MINE}.html").exists()
    assert MINE not in (there / "index.html").read_text()


def test_a_folder_with_something_else_is_left_alone() -> None:
    Path("mine").mkdir()
    Path("mine/page.html").write_bytes(b"<p>mine \xff</p>")
    done = run("docs", "mine")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "mine/page.html is no page" in done.stderr
    assert [path.name for path in Path("mine").iterdir()] == ["page.html"]


def test_a_style_sheet_of_somebody_else_is_left_alone() -> None:
    Path("mine").mkdir()
    Path("mine/reference.css").write_text("mine")
    done = run("docs", "mine")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "mine/reference.css is no page" in done.stderr
    assert Path("mine/reference.css").read_text() == "mine"


def test_pages_are_whole_on_a_full_disk_and_what_was_begun_goes(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "out"
    there.mkdir()
    for name in ("index.html", f"{MINE}.html", "reference.css"):
        (there / name).write_bytes((docs / name).read_bytes())
    (there / f"{MINE}.html.0123456789abcdef.part").write_text("begun")
    with monkeypatch.context() as full:
        full.setattr("gateway.model.system.os.fsync", _full)
        done = run("docs", "out")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "PRECONDITION_FAILED" in done.stderr
    assert (there / "index.html").read_bytes() == (docs / "index.html").read_bytes()
    assert run("docs", "out").exit_code == 0
    assert not list(there.glob("*.part"))


def test_a_contract_that_cannot_be_written_whole_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.fsync", _full)
    done = run("new", "shop.parcel.send", "--no-ask", *PARCEL)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "cannot be written (No space left on device)" in done.stderr
    assert not [path for path in Path("schema").rglob("*") if path.is_file()]


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
