"""What the trusted documents of a gateway mean for a request: which text runs, or none.

A request brings a text, or names a document: by ``documentId`` (GraphQL over HTTP, appendix A), or
by Apollo's ``extensions.persistedQuery``. All that comes of it is a text, which then passes the
guards of every text; trust lifts no limit.
"""

import hashlib
import logging
from enum import StrEnum
from typing import NamedTuple

from gateway.model.principal import Principal
from gateway.model.problem import Issue, problem
from gateway.surfaces.graphql.errors import RequestRefusedError, error_entry
from gateway.surfaces.graphql.operations.documents import Document
from gateway.surfaces.graphql.requests.parameters import DocumentName, Parameters
from gateway.surfaces.graphql.trusted.manifests import SHA256
from gateway.surfaces.graphql.trusted.persisted_queries import PersistedQueries
from gateway.surfaces.graphql.trusted.store import DocumentStore, TrustedDocument
from gateway.telemetry import fields

_log = logging.getLogger("gateway.documents")


class Mode(StrEnum):
    """What trusted documents are for: nothing, watching, speed, or a list of all that may run."""

    OFF = "off"
    LOG = "log"
    PREFER = "prefer"
    REQUIRE = "require"


class Chosen(NamedTuple):
    """The text that a request means: the registered document that it is, if it is one; whether it
    is kept apart from what others send; and the hash to keep it under once it proved valid."""

    text: str
    document: TrustedDocument | None = None
    is_kept_apart: bool = False
    to_persist: str | None = None

    @property
    def document_id(self) -> str | None:
        """The id of the registered document by which logs tell it: the digest of its text."""
        return self.document.digest if self.document else None


class TrustedDocuments:
    """The documents that are registered, and what ``mode`` makes of them and of all others.

    ``persisted`` keeps what clients register themselves; None where they may not.
    """

    def __init__(
        self,
        mode: Mode = Mode.OFF,
        store: DocumentStore | None = None,
        persisted: PersistedQueries | None = None,
    ) -> None:
        if mode is Mode.REQUIRE and persisted is not None:
            raise ValueError("clients register no documents where registered ones alone may run")
        self._mode = mode
        self._store = DocumentStore() if store is None or mode is Mode.OFF else store
        self._persisted = persisted

    def choose(self, parameters: Parameters) -> Chosen:
        """The text that is to run.

        Raises:
            RequestRefusedError: PERSISTED_QUERY_NOT_FOUND or PERSISTED_QUERY_NOT_SUPPORTED for a
                name without a text, BAD_REQUEST for a name that is that of another text,
                DOCUMENT_NOT_TRUSTED where only registered texts may run.
        """
        text, name = parameters.query, parameters.document
        if text is None:
            return self._named(name) if name is not None else self._chosen("")
        if name is not None and (self._mode is not Mode.OFF or self._persisted is not None):
            self._require_same(name, text)
        chosen = self._chosen(text)
        if chosen.document is not None:
            return chosen
        if self._mode is Mode.REQUIRE:
            raise _not_trusted()
        if name is not None and name.is_hash and self._persisted is not None:
            return Chosen(text, to_persist=_digits(name))
        return chosen

    def note(
        self, chosen: Chosen, document: Document, principal: Principal, trace_id: str | None
    ) -> None:
        """Note that ``chosen`` is valid and about to run."""
        if chosen.to_persist is not None and self._persisted is not None:
            self._persisted.keep(chosen.to_persist, chosen.text)
        if self._mode is not Mode.LOG or chosen.document is not None:
            return
        if _log.isEnabledFor(logging.INFO):
            shape = document.shape.shape
            told = fields(
                document=shape.document,
                digest=shape.digest,
                principal_type=principal.type.value,
                workspace=principal.workspace or None,
                trace_id=trace_id,
            )
            _log.info("a document that is not registered", extra=told)

    def _chosen(self, text: str) -> Chosen:
        found = self._store.by_text(text)
        return Chosen(text, found, found is not None and self._keeps_apart)

    @property
    def _keeps_apart(self) -> bool:
        return self._mode in (Mode.PREFER, Mode.REQUIRE)

    def _named(self, name: DocumentName) -> Chosen:
        found = self._store.by_name(name.id)
        if found is not None:
            return Chosen(found.text, found, self._keeps_apart)
        if self._persisted is not None and name.is_hash:
            text = self._persisted.get(_digits(name))
            if text is not None:
                return Chosen(text)
            raise _not_found(name, "Send its text along with its hash, which is then known")
        if self._mode is Mode.OFF:
            raise _not_supported(name)
        if self._mode is Mode.REQUIRE:
            raise _not_found(name, "Register it with `gateway documents add`")
        raise _not_found(name, "Send its text, or register it with `gateway documents add`")

    def _require_same(self, name: DocumentName, text: str) -> None:
        """Refuse a text under a name that is that of another text.

        An id that is neither known nor a hash says nothing of the text, which then counts alone.
        """
        found = self._store.by_name(name.id)
        if found is not None:
            is_same = found.text == text
        else:
            digits = hashlib.sha256(text.encode()).hexdigest()
            is_hash = name.is_hash or name.id.startswith(SHA256)
            is_same = not is_hash or _digits(name) == digits
        if not is_same:
            detail = (
                "The document is not the one that its id names: provided sha does not match "
                "query. Send the SHA-256 of the text as it is sent, or the text alone."
            )
            told = problem("BAD_REQUEST", detail, issues=(Issue(name.path, "BAD_REQUEST", detail),))
            raise RequestRefusedError(told.status, [error_entry(told)])


def _digits(name: DocumentName) -> str:
    return name.id.removeprefix(SHA256)


def _not_trusted() -> RequestRefusedError:
    detail = (
        "This gateway runs registered documents only, and this text is none of them. Send a text "
        "or an id that is registered, or register it with `gateway documents add`."
    )
    told = problem(
        "DOCUMENT_NOT_TRUSTED", detail, issues=(Issue("/query", "DOCUMENT_NOT_TRUSTED", detail),)
    )
    return RequestRefusedError(told.status, [error_entry(told)])


def _not_found(name: DocumentName, remedy: str) -> RequestRefusedError:
    detail = f"No document of this id is known here. {remedy}."
    return _told_to_client("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound", detail, name)


def _not_supported(name: DocumentName) -> RequestRefusedError:
    detail = "This gateway knows no documents by id. Send the text of the document."
    code = "PERSISTED_QUERY_NOT_SUPPORTED"
    return _told_to_client(code, "PersistedQueryNotSupported", detail, name)


def _told_to_client(
    code: str, message: str, detail: str, name: DocumentName
) -> RequestRefusedError:
    """A refusal whose message is the word that clients compare with (urql, Apollo Kotlin and iOS
    know nothing else); the sentence for people is the problem's detail."""
    told = problem(code, detail, issues=(Issue(name.path, code, detail),))
    return RequestRefusedError(told.status, [{**error_entry(told), "message": message}])
