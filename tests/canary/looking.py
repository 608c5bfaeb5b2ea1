"""Reading everything once more: whatever whoever may see PII can ask the gateway for."""

import contextlib
from datetime import UTC, datetime

import httpx

from tests.canary.calling import ask, call
from tests.canary.cast import Cast
from tests.canary.crowd import Person
from tests.canary.runs import Run
from tests.canary.searching import Hit
from tests.canary.stage import Stage

_REPLAY = 'subscription { controlPlaneEvents(after: "%s") { cursor id type payload } }'


_ECHO = "What is held on "
"""What stands in an export before the name that its caller gave."""


def look(stage: Stage, cast: Cast, *, whole: bool = True) -> list[Hit]:
    """Canaries in what the privileged are shown of those in the cast, and of all events;
    ``whole`` with replays and exports of them too."""
    before = len(stage.gateway.crowd.told)
    _read_runs(stage, cast)
    _read_rights(stage, cast)
    first = _list_events(stage)
    if whole:
        _replay(stage.rita, first)
        _export_record(stage)
    for contract, sent, key in cast.repeats:
        answer = call(stage, stage.hans, contract, sent, key, what="repeated")
        stage.note(f"repeated: {'answered' if answer.get('data') else 'refused'}")
    found = stage.gateway.crowd.told[before:]
    seen = {one.content: one for one in found if one.privileged}
    searcher = stage.searcher
    return [
        hit
        for content, one in seen.items()
        for hit in searcher.in_bytes(content, f"{one.who}: {one.what}")
        if _ECHO not in hit.around
    ]


def needles(hits: list[Hit]) -> set[str]:
    """The needles of canaries that were found; any that is only a part of one as ``?``."""
    return {hit.needle or "?" for hit in hits}


def _read_runs(stage: Stage, cast: Cast) -> None:
    """Traces, plans, approvals, lanes, and the evidence as exported before and anew."""
    rita = stage.rita
    for known in cast.runs:
        run = Run(stage, stage.actions[0], "ok")
        before = rita.fetch("GET", f"/evidence/{known['runId']}")
        stage.note(f"evidence exported before: {before.status_code}")
        run.read_as(rita, known)
        run.do(rita, "execution.lane.get", runId=known["runId"])
        run.export_as(rita, known)
    for known in cast.calls:
        for key in ("trace.get", "plan.get"):
            more = {"includePayloads": True} if key == "trace.get" else {}
            ask(stage, rita, f"controlPlane.{key}", {**known, **more})
    for key in ("grant.list", "approval.list", "webhook.delivery.list"):
        ask(stage, rita, f"controlPlane.{key}", {"limit": 100})


def _read_rights(stage: Stage, cast: Cast) -> None:
    """What is held on each, and what is written of their rights."""
    petra = stage.petra
    for subject in (*cast.subjects, *({"executionId": one["executionId"]} for one in cast.runs)):
        ask(stage, petra, "privacy.subject.export", subject)
    for key in ("erasure", "hold", "consent"):
        ask(stage, petra, f"privacy.{key}.list", {"limit": 100})


def _list_events(stage: Stage) -> str:
    """All events; the cursor of their first page."""
    rita = stage.rita
    cursors: list[str | None] = [None]
    while len(cursors) == 1 or cursors[-1] != cursors[-2]:
        asked = {"limit": 200, **({"after": cursors[-1]} if cursors[-1] else {})}
        cursors.append(ask(stage, rita, "controlPlane.event.list", asked).get("cursor"))
    return str(cursors[1])


def _export_record(stage: Stage) -> None:
    """The record as auditors take it with them, and what they ask about a contract."""
    today = datetime.now(UTC).date()
    review = f"report=review&format=jsonl&on={today}&contract=support.customer.reply"
    for asked in ("report=record&format=csv", review):
        answer = stage.sara.fetch("GET", f"/audit/export?{asked}")
        stage.note(f"audit export: {answer.status_code}")


def _replay(person: Person, after: str) -> None:
    """Follow the events from the first page on until nothing comes for a while."""
    headers = {"authorization": f"Bearer {person.token}", "accept": "text/event-stream"}
    url, body, parts = person.server.url + "/graphql", {"query": _REPLAY % after}, []
    with (
        contextlib.suppress(httpx.ReadTimeout),
        httpx.Client(timeout=0.5) as client,
        client.stream("POST", url, json=body, headers=headers) as answer,
    ):
        parts.extend(answer.iter_bytes())  # what came before the silence is kept
    person.crowd.hear(person.name, "a replay", b"".join(parts), person.privileged)
