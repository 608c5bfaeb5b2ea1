"""The contracts that a skill brings: read from its archive, and held to what a skill may bring.

A skill extends what may be called; it must not slip under rules that were written for others. So
its contracts live in a domain and under keys of their own, belong to the skill's own capability,
and are performed over HTTP: no code of a skill runs in the gateway.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from gateway.contracts import Bundle, Registry, link, read_drafts
from gateway.contracts.drafts import Draft
from gateway.contracts.findings import Findings
from gateway.model.contract import HttpHandler, OperationContract
from gateway.model.problem import Issue
from gateway.skills.archive import digest_of, read_archive
from gateway.skills.issues import ARTIFACT_DIGEST_MISMATCH, MANIFEST_INVALID
from gateway.skills.manifest import Request
from gateway.skills.trust import TrustPolicy

FOLDER = "contracts/"
"""Where in an archive the contract files lie."""

MAX_TIMEOUT = 30.0
"""Seconds that the handler of a skill's contract may take."""

_SECRET = re.compile(r"\$\{secret:([A-Za-z_][A-Za-z0-9_]*)\}")
_CODE = "SKILL_CONTRACT_REFUSED"
_NOTHING = Bundle({}, {}, ())


def open_archive(
    request: Request, content: bytes, base: Registry, trust: TrustPolicy
) -> tuple[Bundle, tuple[Issue, ...]]:
    """The contracts in the archive of a skill whose manifest is trusted, and every issue."""
    contents = read_archive(content, request.files)
    if contents.issues:
        return _NOTHING, contents.issues
    secrets = trust.secrets_of(request.manifest["publisher"]["id"])
    return load_bundle(request.ref, contents.files, base, secrets)


def artifact_issues(
    request: Request, content: bytes, base: Registry, trust: TrustPolicy
) -> tuple[Issue, ...]:
    """What is wrong with an archive in a file, held to the trusted manifest of ``request``."""
    if digest_of(content) != request.artifact_digest:
        told = "The file is not the artifact that the manifest describes."
        return (Issue("/artifact/digest", ARTIFACT_DIGEST_MISMATCH, told),)
    if not request.files:
        return ()
    return open_archive(request, content, base, trust)[1]


def load_bundle(
    ref: str, files: Mapping[str, bytes], base: Registry, secrets: Collection[str] = ()
) -> tuple[Bundle, tuple[Issue, ...]]:
    """The contracts of the skill ``ref`` (``key@version``) among its files, and every issue.

    ``base`` are the contracts of the gateway's own files, ``secrets`` the names of those that
    handlers may use.
    """
    chosen = {
        path: content
        for path, content in files.items()
        if path.startswith(FOLDER) and path.endswith(".yaml")
    }
    if not chosen:
        return _NOTHING, ()
    key = ref.partition("@")[0]
    if key in {known.partition("@")[0] for known in base.capabilities}:
        told = (
            f"{key} is a capability of the gateway's own; a skill of this key brings no contracts."
        )
        return _NOTHING, (Issue("/skill/key", MANIFEST_INVALID, told),)
    findings = Findings()
    drafts = read_drafts(chosen, findings)
    bundle = link(drafts, base, findings)
    for draft in drafts:
        for place, message in _draft_issues(draft, base):
            findings.add(place, _CODE, message)
        contract = bundle.operations.get(draft.ref)
        if contract is not None:
            for place, message in _operation_issues(draft, contract, ref, bundle, base):
                findings.add(place, _CODE, message)
            for place, message in _handler_issues(draft, contract, secrets):
                findings.add(place, _CODE, message)
    return bundle, tuple(
        Issue(one.path, MANIFEST_INVALID, f"{one.path} {one.code}: {one.message}")
        for one in findings.issues
    )


_Told = Iterator[tuple[str, str]]


def _draft_issues(draft: Draft, base: Registry) -> _Told:
    if draft.kind == "capability":
        yield draft.node.at, "a skill's capability is made from its manifest; remove the file"
        return
    if draft.domain in {other.domain for other in base.drafts}:
        message = f"the domain {draft.domain!r} is the gateway's own; choose another"
        yield draft.node.place("domain"), message
    segments = {first_word(other.ref) for other in base.drafts if other.ref}
    if draft.ref and first_word(draft.ref) in segments:
        message = (
            f"keys that begin with {first_word(draft.ref)!r} are the gateway's own; choose others"
        )
        yield draft.node.place("key"), message


def first_word(ref: str) -> str:
    """The first word of a contract's key."""
    return ref.partition("@")[0].partition(".")[0]


def _operation_issues(
    draft: Draft, contract: OperationContract, ref: str, bundle: Bundle, base: Registry
) -> _Told:
    place = draft.node.place
    if contract.capability != ref:
        yield place("capability"), f"the capability of a skill's contracts is its own: {ref}"
    for index, event in enumerate(contract.emits):
        if event not in bundle.events:
            message = f"{event} is not an event of this skill; a skill emits only its own"
            yield place("emits", index), message
    undo = contract.compensation.contract if contract.compensation else ""
    own = base.operations.get(undo)
    if own is not None and own.handler is None:
        message = f"{undo} is performed by the gateway itself and undoes nothing of a skill"
        yield place("compensation", "contract"), message


def _handler_issues(draft: Draft, contract: OperationContract, secrets: Collection[str]) -> _Told:
    place, handler = draft.node.place, contract.handler
    if not isinstance(handler, HttpHandler):
        yield place("handler"), "a skill's contract is performed by `handler: {http: ...}` alone"
        return
    if handler.timeout > MAX_TIMEOUT:
        message = f"a skill's handler may take {MAX_TIMEOUT:g} s at most"
        yield place("handler", "http", "timeout"), message
    for header, value in handler.headers.items():
        for name in _SECRET.findall(value):
            if name not in secrets:
                message = f"the trust policy does not let this publisher use the secret {name}"
                yield place("handler", "http", "headers", header), message
