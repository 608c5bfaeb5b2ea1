"""The reference of the contracts as static pages: files that need no gateway and no network."""

from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from gateway.contracts import Registry
from gateway.contracts.reference import Wanted, as_json, detail_of, found_contracts, summary_of
from gateway.surfaces.console.app import STATIC
from gateway.surfaces.console.rendering import TEMPLATES, environment

OWN_TEMPLATES = Path(__file__).parent / "templates"
"""The templates of these pages; what a contract's reference is made of are the console's."""

INDEX = "index.html"
STYLE = "reference.css"
GENERATOR = "gateway contracts docs"
"""How a page says what made it."""

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'"
)


def page_name(ref: str) -> str:
    """The file of a contract's page."""
    return f"{ref}.html"


def reference_files(registry: Registry, title: str) -> Iterator[tuple[str, str]]:
    """The files of the reference by name: the index, a page for each contract, the style sheet."""
    shared = {"title": title, "policy": POLICY, "generator": GENERATOR}
    found = found_contracts(registry, Wanted(), lambda _: True)
    known = {contract.ref for contract in found}

    def url_of(ref: str) -> str:
        return page_name(ref) if ref in known else ""

    found.sort(key=lambda one: one.meta.domain)  # in a domain they stay in their order
    by_domain = groupby(found, key=lambda one: one.meta.domain)
    domains = [
        (domain, [as_json(summary_of(registry, one)) for one in those])
        for domain, those in by_domain
    ]
    told = {**shared, "url_of": url_of, "domains": domains, "total": len(found)}
    yield INDEX, _templates().get_template("reference/index.html").render(told)
    page = _templates().get_template("reference/contract.html")
    for contract in found:
        detail = as_json(detail_of(registry, contract))
        yield page_name(contract.ref), page.render({**shared, "url_of": url_of, "contract": detail})
    yield STYLE, (STATIC / "console.css").read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return environment().overlay(loader=FileSystemLoader([OWN_TEMPLATES, TEMPLATES]))
