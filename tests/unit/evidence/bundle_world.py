"""A real record of one run with personal data, an exporter over it, and altered bundles."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from gateway.blobs import Blobs, FolderBlobs
from gateway.contracts import Bundle, Registry, contents_of
from gateway.evidence import (
    BundleReport,
    Exported,
    Exporter,
    build_exporter,
)
from gateway.evidence.archive import write_archive
from gateway.journal import Checkpointer, SqliteJournal
from gateway.model.decision import Treatment
from gateway.model.entry import EntryType, NewEntry
from gateway.model.pii import Owner
from gateway.model.plan import PlanStep
from gateway.model.ports import Tx
from gateway.privacy import Keyring, KeyringSealer
from tests.contract.journal_story import DECISION, SteppingClock, Story
from tests.loaded import load_contracts

SCHEMA = Path(__file__).parents[3] / "schema" / "support"
REFUND = "support.refund.issue@1.0.0"
EMAIL = "canarymail.5512@example.com"
TEXT = "Canarytext wants her money"
AMOUNT = 310.5

Treat = Callable[[str, str], Treatment]


def raw(_contract: str, _field: str) -> Treatment:
    return Treatment.RAW


def masked(_contract: str, _field: str) -> Treatment:
    return Treatment.MASK


def dropped(_contract: str, _field: str) -> Treatment:
    return Treatment.DROP


@lru_cache
def registry() -> Registry:
    return load_contracts([SCHEMA])


@dataclass
class BundleWorld:
    """One run on a real record, and an exporter over it."""

    folder: Path
    journal: SqliteJournal
    keyring: Keyring
    exporter: Exporter
    story: Story = field(default_factory=lambda: Story("one"))

    @classmethod
    async def open(cls, folder: Path, blobs: Blobs | None = None) -> "BundleWorld":
        clock = SteppingClock()
        journal = await SqliteJournal.open(folder / "gateway.db", clock=clock, writer="w")
        keyring = Keyring.open(folder)
        checkpointer = Checkpointer(journal, keyring.signer)
        loaded = registry()
        contents = contents_of(Bundle(loaded.operations, loaded.events, loaded.drafts))
        exporter = build_exporter(
            *(journal, KeyringSealer(keyring), keyring.signer, clock, checkpointer.checkpoint),
            blobs=blobs or FolderBlobs(folder / "evidence"),
            content_of=contents.get,
        )
        return cls(folder, journal, keyring, exporter)

    async def append(self, *entries: NewEntry) -> None:
        def unit(tx: Tx) -> None:
            for entry in entries:
                tx.append(entry)

        await self.journal.write(unit)

    def sealed_input(self) -> dict[str, Any]:
        sealer = self.exporter.sealer
        email = sealer.seal(
            Owner(self.story.workspace, "call/1"), REFUND, "input.customerEmail", EMAIL
        )
        return {"orderId": "o-1", "amount": AMOUNT, "currency": "EUR", "customerEmail": email}

    async def play(self, *, whole: bool = True) -> None:
        """A refund that was approved and made; another run moves a chain of its own."""
        story, sealer = self.story, self.exporter.sealer
        contract = "controlPlane.intent.submit@1.0.0"
        text = sealer.seal(Owner(story.workspace, "call/1"), contract, "input.text", TEXT)
        value = self.sealed_input()
        bound = registry().operations[REFUND].digest
        step = PlanStep("step_a", "a", REFUND, bound, value, pii=("customerEmail",))
        compiled = story.compiled()
        compiled.body["steps"] = [step.to_json()]
        decision = DECISION | {"policyRevision": "sha256:2", "reasons": ["over the limit"]}
        asked = story.requested("a", "ap_1")
        asked.body.update(arguments=value, decision=decision)
        given = story.voted("a", "ap_1", "fiona", approved=True)
        made = story.dispatched("a", approvalId="ap_1")
        made.body.update(contract=REFUND, input=value, decision=decision)
        other = Story("foreign", workspace="rival")
        begun = [story.received(text=text), compiled, story.verified("a"), story.started(), asked]
        await self.append(*other.whole("z"), *begun)
        if whole:
            await self.append(given, made, story.completed("a"), story.ended())

    async def export(self, treat: Treat = masked, by: str = "olga") -> Exported:
        story = self.story
        return await self.exporter.export(story.workspace, story.run_id, by, treat)

    async def record(self, exported: Exported, by: str = "olga") -> int:
        """Record a bundle, as the operation does."""

        def unit(tx: Tx) -> int:
            found = tx.execution(self.story.workspace, self.story.execution_id)
            assert found is not None
            number = found.bundles + 1
            body = {
                "runId": exported.run_id,
                "number": number,
                "digest": exported.bundle.digest,
                "size": len(exported.bundle.content),
                "throughSeq": exported.bundle.through_seq,
                "masked": exported.bundle.masked,
            }
            kind = EntryType.EVIDENCE_EXPORTED
            tx.append(NewEntry(kind, self.story.workspace, body, self.story.execution_id, by))
            return number

        return await self.journal.write(unit)


@lru_cache
def exported_bundles() -> tuple[bytes, bytes, str]:
    """A masked and a raw bundle of the same run, and the public key that signed them."""

    async def make() -> tuple[bytes, bytes, str]:
        with TemporaryDirectory() as folder:
            world = await BundleWorld.open(Path(folder))
            await world.play()
            made = [(await world.export(treat)).bundle.content for treat in (masked, raw)]
            await world.journal.close()
            return made[0], made[1], world.keyring.signer.public_key_pem

    return anyio.run(make)


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_files(content: bytes, changes: dict[str, bytes | None]) -> bytes:
    """A copy of a bundle with files replaced or added, and those left out that are None."""
    files: dict[str, bytes | None] = {**files_of(content), **changes}
    return write_archive({name: data for name, data in files.items() if data is not None})


def named(report: BundleReport) -> set[tuple[str, int | None]]:
    """The files, with the entries' numbers, in which something was found."""
    return {(finding.file, finding.seq) for finding in report.findings}


def lines_of(content: bytes) -> list[dict[str, Any]]:
    lines = files_of(content)["entries.jsonl"].decode().splitlines()
    return [json.loads(line) for line in lines]


def with_lines(content: bytes, lines: list[dict[str, Any]]) -> bytes:
    """A copy of a bundle with other entries, spelled as an exporter spells them."""
    spelled = [
        json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
        for line in lines
    ]
    return with_files(content, {"entries.jsonl": "".join(spelled).encode()})
