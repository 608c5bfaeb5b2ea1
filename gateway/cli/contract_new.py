"""gateway contracts new: asks what a contract needs and writes a file that loads."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import click

from gateway.cli.new_files import new_file
from gateway.cli.options import fail, with_settings
from gateway.cli.output import Output, with_output
from gateway.contracts import Registry, load_contracts, names
from gateway.contracts.authoring import FIRST_VERSION, NewContract, contract_text, suspected_pii
from gateway.contracts.findings import suggestion
from gateway.loading import contract_folders
from gateway.model.contract import AuthLevel, Kind, Risk
from gateway.model.problem import problem
from gateway.model.types import SCALARS, parse_type
from gateway.settings import Settings

_Read = TypeVar("_Read")
_TARGET = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"


@click.command("new", short_help="Ask what a contract needs, and write its file.")
@click.argument("key", required=False)
@click.option("--kind", help="command (it changes something) or query (it only reads).")
@click.option("--title", help="A short name for people.")
@click.option("--description", help="What it does, in a sentence or two.")
@click.option("--domain", help="The domain it belongs to. [default: the first part of the key]")
@click.option("--owners", help="The teams that answer for it, divided by commas.")
@click.option("--capability", metavar="KEY@VERSION", help="The capability it is granted with. "
              "[default: <domain>.core@1.0.0]")  # fmt: skip
@click.option("--auth", help="Who may call it, as far as no rule says more: anonymous, user or "
              "admin. [default: user]")  # fmt: skip
@click.option("--risk", help="How much harm a call can do: low, medium, high or critical. "
              "[default: medium for commands, low for queries]")  # fmt: skip
@click.option("--input", multiple=True, metavar="NAME:TYPE",
              help="A field that it takes, such as orderId:ID!; repeatable.")  # fmt: skip
@click.option("--output", multiple=True, metavar="NAME:TYPE",
              help="A field that it answers; repeatable.")  # fmt: skip
@click.option("--pii", metavar="PATHS", help="The paths of personal data, divided by commas. "
              "[default: what looks like some]")  # fmt: skip
@click.option(
    "--service",
    metavar="URL",
    help="The service that performs it; {name} is filled from the input.",
)
@click.option(
    "--function", metavar="MODULE:FUNCTION", help="The function that performs it instead."
)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("schema"),
              show_default=True, help="The folder of contracts to write it to.")  # fmt: skip
@click.option("--no-ask", is_flag=True, help="Ask nothing: take defaults for what is not said.")
@with_output
@with_settings
def new_contract(
    *, settings: Settings, out: Output, folder: Path, no_ask: bool, **said: object
) -> None:
    """Ask for whatever is not said by flags, and write the file of a new contract, which loads
    beside those that are there. A file that exists is never written over."""
    if not os.path.isdir(folder):  # noqa: PTH112 (a Path of a long name raises)
        told = f"There is no folder {folder}. Create it, or name another with --folder."
        fail(problem("NOT_FOUND", told))
    registry = load_contracts(contract_folders((*settings.schema_dir, folder)))
    new = _asked(_Asking(said, silent=no_ask), registry)
    path = folder / new.file_name
    _write(path, contract_text(new, registry))
    written = {"file": str(path), "contract": f"{new.key}@{FIRST_VERSION}"}
    out.tell(written, lambda: _tell(out, path))


def _tell(out: Output, path: Path) -> None:
    out.line(f"Wrote {path}.")
    out.line("Check it with 'gateway contracts lint', and say who may call it in policies/.")


def _write(path: Path, text: str) -> None:
    """Write a file that must not be there: whole, since half of a contract stops every start."""
    try:
        path.parent.mkdir(exist_ok=True)
        with new_file(path) as file:
            file.write(text.encode())
    except FileExistsError:
        told = f"{path} is there already. Choose another key, or edit that file."
        fail(problem("CONFLICT", told))
    except OSError as error:
        fail(problem("PRECONDITION_FAILED", f"{path} cannot be written ({error.strerror})."))


@dataclass(frozen=True, slots=True)
class _Asking:
    """Where answers come from: what was ``said`` by flags, else whoever sits there, or defaults."""

    said: Mapping[str, object]
    silent: bool

    def one(
        self, flag: str, question: str, read: Callable[[str], _Read], default: str | None = None
    ) -> _Read:
        """One answer. A wrong one is asked for again, or ends the command if a flag gave it."""
        given = self.said.get(flag)
        if given is not None:
            return read(str(given))
        if not self.silent:
            return _prompt(flag, question, read, default)
        if default is None:
            raise click.UsageError(f"{_name(flag)} is missing; say it, or leave out --no-ask.")
        return read(default)

    def fields(self, flag: str, question: str, types: frozenset[str]) -> dict[str, str]:
        """Fields by name, until an empty answer."""
        given = self.said.get(flag)
        if isinstance(given, tuple) and given:
            return dict(_field(str(one), types) for one in given)
        found: dict[str, str] = {}
        while not self.silent:
            read = _prompt(flag, question, lambda text: _maybe_field(text, types), "")
            if read is None:
                break
            found |= dict([read])
        return found


def _name(flag: str) -> str:
    return "KEY" if flag == "key" else f"--{flag}"


def _prompt(flag: str, question: str, read: Callable[[str], _Read], default: str | None) -> _Read:
    try:
        answer: _Read = click.prompt(
            question, default=default, value_proc=read, err=True, show_default=bool(default)
        )
    except click.Abort:
        if sys.stdin.isatty():
            raise
        others = ", or --no-ask for defaults" if default is not None else ""
        told = f"nobody answers {question!r}; say {_name(flag)}{others}."
        raise click.UsageError(told) from None
    except UnicodeDecodeError:
        raise click.UsageError(f"what answers {question!r} is not UTF-8.") from None
    return answer


def _asked(asking: _Asking, registry: Registry) -> NewContract:
    """What the author says, in the order in which it is asked."""
    key = asking.one("key", "Key, such as support.refund.issue", _key(registry))
    kind = asking.one("kind", "Kind (command or query)", _member(Kind), "command")
    title = asking.one("title", "Title", _text)
    description = asking.one("description", "What it does", _text)
    domain = asking.one("domain", "Domain", _matching(names.DOMAIN, "a domain such as support"),
                        _kebab(key.partition(".")[0]))  # fmt: skip
    owners = asking.one("owners", "Owners, divided by commas", _words)
    capability = asking.one("capability", "Capability", _capability, f"{domain}.core@1.0.0")
    auth = asking.one("auth", "Callers (anonymous, user or admin)", _member(AuthLevel), "user")
    harmless = "low" if kind is Kind.QUERY else "medium"
    risk = asking.one("risk", "Risk (low, medium, high or critical)", _member(Risk), harmless)
    types = SCALARS | registry.domain_types(domain).keys()
    taken = asking.fields("input", "Input field (name: Type, empty to end)", types)
    answered = asking.fields("output", "Output field (name: Type, empty to end)", types)
    if not answered:
        raise click.UsageError("a contract answers something; say at least one --output.")
    target = asking.said.get("function")
    url = "" if target else asking.one("service", "URL of the service", _text)
    at = _matching(_TARGET, "package.module:function")(str(target)) if target else ""
    new = NewContract(
        *(key, kind, title, description, domain, owners, capability, auth, risk),
        *(taken, answered),
        url=url,
        target=at,
    )
    found = ",".join(suspected_pii(new, registry))
    return replace(new, pii=asking.one("pii", "Personal data (paths)", _words_or_none, found))


def _key(registry: Registry) -> Callable[[str], str]:
    matching = _matching(names.KEY, "dotted lowerCamel names such as support.refund.issue")

    def read(text: str) -> str:
        key = matching(text)
        if registry.resolve(key) is not None:
            raise click.BadParameter(f"{key} is there already; choose another.")
        return key

    return read


def _text(text: str) -> str:
    if not text.strip():
        raise click.BadParameter("say something here.")
    return text.strip()


def _words(text: str) -> tuple[str, ...]:
    return _words_or_none(_text(text))


def _words_or_none(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _capability(text: str) -> str:
    return _matching(names.CAPABILITY_REFERENCE, "a reference such as support.core@1.0.0")(text)


def _matching(pattern: str, what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text.strip()):
            raise click.BadParameter(f"{text[:100]!r} is not {what}.")
        return text.strip()

    return read


_Member = TypeVar("_Member", Kind, AuthLevel, Risk)


def _member(known: type[_Member]) -> Callable[[str], _Member]:
    def read(text: str) -> _Member:
        try:
            return known(text.strip().lower())
        except ValueError:
            told = ", ".join(one.value for one in known)
            raise click.BadParameter(f"{text[:100]!r} is none of {told}.") from None

    return read


def _maybe_field(text: str, types: frozenset[str]) -> tuple[str, str] | None:
    return _field(text, types) if text.strip() else None


def _field(text: str, types: frozenset[str]) -> tuple[str, str]:
    """A field and its type, as ``orderId: ID!`` says them."""
    name, colon, said = (part.strip() for part in text.partition(":"))
    if not colon or not re.fullmatch(names.FIELD_NAME, name):
        raise click.BadParameter(f"{text[:100]!r} is not a field such as 'orderId: ID!'.")
    try:
        ref = parse_type(said)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None
    if ref.named not in types:
        hint = suggestion(ref.named, types)
        raise click.BadParameter(f"there is no type {ref.named!r}{hint}; types of your own are "
                                 "added to the file later.")  # fmt: skip
    return name, str(ref)


def _kebab(word: str) -> str:
    """``orderDesk`` as ``order-desk``."""
    return re.sub(r"(?<!^)([A-Z])", r"-\1", word).lower()
