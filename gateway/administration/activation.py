"""Activation: the one place at which the revision that decides in this process is exchanged.

A revision is put in force by its record and by nothing else; what is here follows the record.
Activations are numbered there, so that whoever comes late, with what he read or committed earlier,
changes nothing any more.
"""

import logging
from collections.abc import Callable

from gateway.model.elapsed import elapsed
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.policy import Activation, Changeset
from gateway.model.ports import Page, Records
from gateway.policy import Policies, PolicyRevision

_log = logging.getLogger(__name__)


class InForce:
    """Exchanges the revision of ``policies``, on the event loop alone.

    ``changed`` is called after each exchange; it must not raise.
    """

    def __init__(self, policies: Policies) -> None:
        self.policies = policies
        self.number = 0
        self.changed: Callable[[], None] = lambda: None

    def adopt(self, revision: PolicyRevision, number: int, at: float) -> None:
        """Decide under ``revision``, which activation ``number`` put in force.

        ``at`` is a moment, by ``elapsed``, at which the record said so or later became
        certain to say so. An earlier activation than the one that is followed changes nothing.
        """
        if number < self.number:
            return
        self.number = number
        before = self.policies.revision
        if revision.revision != before:
            self.policies.adopt(revision)
            _log.info("policy %s decides from now on, after %s", revision.revision, before)
        self.policies.observe(revision.revision, at)
        if revision.revision != before:
            self.changed()

    def confirm(self, number: int, at: float) -> None:
        """The record still names the revision that decides here."""
        self.number = max(self.number, number)
        self.policies.observe(self.policies.revision, at)


def activation_of(changeset: Changeset, workspace: str, by: str) -> NewEntry:
    """The entry that puts a changeset's revision in force; ``by`` is the subject who does so.

    It brings the edits, so that the revision can be read back from it and its parent; a restored
    one is in the record already.
    """
    body: JsonObject = {
        "revision": changeset.revision,
        "previous": changeset.base,
        "source": "changeset",
        "changesetId": changeset.id,
    }
    if changeset.restores is None:
        body["parent"] = changeset.base
        body["edits"] = [edit.to_json() for edit in changeset.edits]
    return NewEntry(EntryType.POLICY_ACTIVATED, workspace, body, actor=by)


def newest_activation(records: Records) -> Activation | None:
    """The activation that put the revision in force; None before the first."""
    found, _ = records.policy_activations(Page(1))
    return found[0] if found else None


def moment() -> float:
    """The present moment as ``adopt`` wants it."""
    return elapsed()
