"""The whole play: every part of it in its order, and what was found afterwards."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from gateway.model.contract import OperationContract
from tests.canary import asking, calling, runs
from tests.canary.crowd import Person, Told
from tests.canary.erasing import Erased, drive_erasure
from tests.canary.generated import GUESTS
from tests.canary.searching import Hit, Searcher
from tests.canary.stage import Stage

_RUN_MODES = ("ok", "declared", "failure", "wrong", "extra", "truncated", "slow", "reject", "dry")
_QUICK_MODES = ("ok", "wrong", "reject", "truncated", "declared")


def play(stage: Stage, say: Callable[[str], None] = lambda _: None) -> None:
    """Drive everything that the gateway does."""
    stage.follow(stage.hans, stage.world.olga, stage.rita)
    for name, part in (
        ("direct calls and questions", _direct_and_questions),
        ("malformed calls", calling.drive_malformed),
        ("documents", calling.drive_documents),
        ("runs", drive_runs),
        ("a crash", drive_crash),
        ("everything", asking.drive_everything),
    ):
        begun = time.monotonic()
        part(stage)
        say(f"{name}: {time.monotonic() - begun:.1f} s")


def _direct_and_questions(stage: Stage) -> None:
    """Both at once, since calls that fail wait until they are tried again."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(asking.drive_questions, stage)
        calling.drive_direct(stage)
        asked.result()


def drive_runs(stage: Stage) -> None:
    """A run of each action, each in another way; in the long form in every way."""
    modes = {one.ref: _RUN_MODES for one in stage.actions}
    if stage.quick:
        order = itertools.cycle(_QUICK_MODES)
        made_up_or_shipped = [one for one in stage.actions if one.key != GUESTS["key"]]
        modes = {one.ref: (next(order),) for one in made_up_or_shipped}

    def every(contract: OperationContract) -> None:
        for mode in modes.get(contract.ref, ("ok",)):
            runs.Run(stage, contract, mode).play()

    stage.at_once(every, stage.actions)
    commands = [one for one in stage.actions if one.is_command]
    for contract in commands[: 3 if stage.quick else None]:
        runs.drive_grants(stage, contract)


def drive_crash(stage: Stage) -> None:
    """Kill the gateway while actions are under way, look at what it leaves, and go on."""
    commands = [one for one in stage.actions if one.is_command][:6]
    with ThreadPoolExecutor(len(commands)) as pool:
        for contract in commands:
            pool.submit(_until_killed, runs.Run(stage, contract, "slow", seconds=1.0))
        time.sleep(2.0)
        stage.crash()
    stage.known["left by the crash"] = list(stage.searcher.in_folder(stage.folder))
    stage.revive()
    for run in stage.known["runs"][-len(commands) :]:
        runs.Run(stage, commands[0], "ok").read(run)
    stage.follow(stage.hans, stage.rita)


def _until_killed(run: runs.Run) -> None:
    try:
        run.play()
    except (httpx.HTTPError, KeyError):
        return


def hits_on_disk(stage: Stage) -> list[Hit]:
    """Canaries in whatever lies in the folder: data, keys, logs, temporary files."""
    return list(stage.searcher.in_folder(stage.folder))


def hits_in_answers(stage: Stage, *, privileged: bool = False) -> list[Hit]:
    """Canaries in what anybody was told who may see none, or in what those were who may."""
    told = [one for one in stage.gateway.crowd.told if one.privileged is privileged]
    return _hits_in(stage.searcher, told)


def hits_in_webhooks(stage: Stage) -> list[Hit]:
    """Canaries in what was sent to webhook endpoints."""
    sent = [Told("webhook", one.path, one.body) for one in stage.receiver.messages]
    return _hits_in(stage.searcher, sent)


def hits_in_telemetry(stage: Stage, metrics: bytes) -> list[Hit]:
    """Canaries in spans, and in ``metrics`` as they were told."""
    sent = [Told("the collector", "spans", body) for body in stage.spans.bodies]
    return _hits_in(stage.searcher, [*sent, Told("Prometheus", "metrics", metrics)])


def seen_again(stage: Stage, person: Person) -> list[Hit]:
    """Canaries in what ``person`` is shown when everything is read once more.

    For whoever may see PII that is all of it, until it is erased: then it is nothing, and nothing
    on a stage that was restored from a backup either.
    """
    before = len(stage.gateway.crowd.told)
    for run in stage.known["runs"]:
        reading = runs.Run(stage, stage.actions[0], "ok")
        reading.read_as(person, run)
        reading.export_as(person, run)
    told = [one for one in stage.gateway.crowd.told[before:] if one.who == person.name]
    return _hits_in(stage.searcher, told)


def _hits_in(searcher: Searcher, told: list[Told]) -> list[Hit]:
    seen: dict[bytes, Told] = {one.content: one for one in told}
    return [
        hit
        for content, one in seen.items()
        for hit in searcher.in_bytes(content, f"{one.who}: {one.what}")
    ]


@dataclass(frozen=True, slots=True)
class Findings:
    """Where canaries were found: on disk while the gateway ran, after it was killed and after it
    was stopped; in what was told to whom; the fields that those who may were shown; and what was
    left of the erased. ``fields`` says of each needle what it was planted in."""

    running: list[Hit]
    killed: list[Hit]
    stopped: list[Hit]
    answers: list[Hit]
    webhooks: list[Hit]
    telemetry: list[Hit]
    spans: int
    shown: frozenset[str]
    erased: Erased
    fields: dict[str, str]
    counts: dict[str, int]


def findings(stage: Stage, say: Callable[[str], None] = lambda _: None) -> Findings:
    """Look everywhere, erase, look again, and stop the gateway for the last look."""
    running = hits_on_disk(stage)
    metrics = httpx.get(f"{stage.gateway.url}/metrics").raise_for_status().content
    shown = frozenset(hit.field for hit in hits_in_answers(stage, privileged=True))
    begun = time.monotonic()

    def told(what: str) -> None:
        say(f"{what}: {time.monotonic() - begun:.1f} s")

    erased = drive_erasure(stage, lambda: seen_again(stage, stage.rita), told)
    found = Findings(
        running=running,
        killed=stage.known["left by the crash"],
        stopped=hits_on_disk(stage),
        answers=hits_in_answers(stage),
        webhooks=hits_in_webhooks(stage),
        telemetry=hits_in_telemetry(stage, metrics),
        spans=len(stage.spans.spans),
        shown=shown,
        erased=erased,
        fields={needle: one.where for needle, one in stage.canaries.planted.items()},
        counts=stage.counts,
    )
    told("searched")
    return found
