"""Erasing a cast: two people agree, what is left is looked for, and every backup is restored."""

import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from gateway.rights.receipts import verify_receipt
from tests.canary.calling import ask
from tests.canary.cast import Cast, drive_cast
from tests.canary.filling import JsonObject
from tests.canary.looking import look, needles
from tests.canary.opening import opened, wrapped_keys
from tests.canary.searching import Hit
from tests.canary.stage import Stage
from tests.world import wait_until

RESTORES = ("erased", "data restored", "data and key store restored", "key folder restored")
"""When is looked for what was erased."""

_VERIFIED = ("erased", "data restored")
"""When the record is verified, too: after it told of the erasures, and after it learned of them."""


@dataclass
class Erased:
    """What was found of a cast, by when it was looked for: in answers, and among all that the keys
    of the folder open; which wrapped keys were left in the key folder; what failed to verify."""

    cast: Cast
    shown: dict[str, list[Hit]] = field(default_factory=dict)
    open: dict[str, list[Hit]] = field(default_factory=dict)
    keys_left: list[str] = field(default_factory=list)
    keys_destroyed: int = 0
    faults: list[str] = field(default_factory=list)
    again: list[Hit] = field(default_factory=list)

    @property
    def shown_before(self) -> set[str]:
        """What the privileged were shown before the erasure."""
        return needles(self.shown["before"])

    def lost(self, when: str) -> set[str]:
        """What of those who stay was found before and is not found any more."""
        now = needles(self.shown[when]), needles(self.open[when])
        before = self.shown_before, needles(self.open["before"])
        return self.cast.stays & ((before[0] - now[0]) | (before[1] - now[1]))

    def fallen(self, when: str) -> list[Hit]:
        """What was found of those to erase."""
        hits = (*self.shown[when], *self.open[when])
        return [hit for hit in hits if (hit.needle or "?") in self.cast.falls]


def drive_erasure(
    stage: Stage, see_again: Callable[[], list[Hit]], say: Callable[[str], None]
) -> Erased:
    """Erase a cast, stop the gateway, and start others on whatever was restored from backups."""
    erased = Erased(drive_cast(stage))
    data, keys = stage.gateway.data_dir, stage.gateway.key_dir
    backup, mixed = stage.folder / "backup", stage.folder / "mixed"
    say("the cast is played")
    erased.shown["before"] = look(stage, erased.cast)
    _copy_out(stage, backup)
    _open(stage, erased, "before", backup / "data", backup / "keys")
    done = _erase(stage, erased)
    erased.again = see_again()
    _replay_webhooks(stage)
    _look(stage, erased, "erased")
    stage.gateway.stop()
    _open(stage, erased, "erased", data, keys)
    _left_of(erased, backup / "keys", keys, done)
    say("erased, and looked for")
    shutil.copytree(keys, mixed)
    _put_store(backup / "keys", mixed)
    folders = {
        "data restored": (backup / "data", keys),
        "data and key store restored": (backup / "data", mixed),  # the tombstones alone know
        "key folder restored": (data, backup / "keys"),  # the record alone knows
    }
    with ThreadPoolExecutor(len(folders)) as pool:  # at once, for starting takes long
        todo = [pool.submit(_restored, stage, erased, *one) for one in folders.items()]
        for one in todo:
            one.result()
    say("restored, and looked for")
    return erased


def _restored(stage: Stage, erased: Erased, when: str, folders: tuple[Path, Path]) -> None:
    """Look before another gateway on restored folders, and into these."""
    with stage.restored(when, *folders) as other:
        _look(other, erased, when)
    _open(other, erased, when, other.gateway.data_dir, other.gateway.key_dir)


def _look(stage: Stage, erased: Erased, when: str) -> None:
    """Look for everybody in all that is shown; meanwhile chain and projections are verified."""
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(stage.gateway.command, "audit", "verify") if when in _VERIFIED else None
        erased.shown[when] = look(stage, erased.cast, whole=when == "erased")
        if told is not None and told.result().returncode != 0:
            erased.faults.append(f"{when}: {told.result().stdout}{told.result().stderr}")


def _open(stage: Stage, erased: Erased, when: str, data: Path, keys: Path) -> None:
    """Look for everybody in whatever the keys open, as a thief of both folders would."""
    plain = opened(data, keys, stage.folder / "scratch")
    erased.open[when] = list(stage.searcher.in_bytes(plain, f"opened with the keys, {when}"))


def _erase(stage: Stage, erased: Erased) -> list[JsonObject]:
    """Ask, approve, wait; the erasures, which are done."""
    asked = []
    for subject in erased.cast.subjects:
        said = [stage.canaries.text(f"privacy.erasure {what}") for what in ("note", "decision")]
        told = {**subject, "ground": "SUBJECT_REQUEST", "note": said[0]}
        erasure = ask(stage, stage.petra, "privacy.subject.erase", told)
        approve = {"erasureId": erasure["erasureId"], "note": said[1]}
        assert ask(stage, stage.paul, "privacy.erasure.approve", approve), subject
        asked.append(erasure["erasureId"])
        known = list(stage.canaries.planted.values())[-2:]
        erased.cast.falls |= {canary.needle for canary in known}
    done: list[JsonObject] = []
    for erasure_id in asked:

        def is_done(erasure_id: str = erasure_id) -> bool:
            found = ask(stage, stage.petra, "privacy.erasure.get", {"erasureId": erasure_id})
            is_erased = bool(found and found["erasure"]["status"] == "ERASED")
            if is_erased:
                done.append(found["erasure"])
            return is_erased

        wait_until(is_done, 20.0, lambda erasure_id=erasure_id: f"{erasure_id} is not ERASED")
    return done


def _left_of(erased: Erased, before: Path, keys: Path, done: list[JsonObject]) -> None:
    """See whether receipts hold, and what is left of destroyed keys in the key folder."""
    public = (keys / "checkpoint-signing.pub.pem").read_text()
    for one in done:
        report = verify_receipt(one["receipt"], [public])
        erased.faults += [f"receipt: {report}"] if report.fault else []
    after = wrapped_keys(keys)
    gone = {one: wrapped for one, wrapped in wrapped_keys(before).items() if one not in after}
    erased.keys_destroyed = len(gone)
    for path in keys.iterdir():
        content = path.read_bytes()
        erased.keys_left += [
            f"{path.name}: {one}" for one, wrapped in gone.items() if wrapped in content
        ]


def _replay_webhooks(stage: Stage) -> None:
    """Have what was delivered before be sent once more."""
    olga = stage.world.olga
    found = ask(stage, olga, "controlPlane.webhook.delivery.list", {"limit": 200})
    events = [one for one in found["items"] if one["type"].startswith(("canary", "support."))]
    for one in events[:20]:
        told = {"deliveryId": one["deliveryId"], "replayedBy": "olga"}
        ask(stage, olga, "controlPlane.webhook.delivery.replay", told)


def _copy_out(stage: Stage, to: Path) -> None:
    """Copy both folders; databases as SQLite backs them up, for the gateway may run."""
    for folder, name in ((stage.gateway.data_dir, "data"), (stage.gateway.key_dir, "keys")):
        databases = shutil.ignore_patterns("*.db", "*.db-wal", "*.db-shm")
        shutil.copytree(folder, to / name, ignore=databases)
        for path in folder.glob("*.db"):
            copy = to / name / path.name
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            copy.chmod(0o600)


def _put_store(backup: Path, keys: Path) -> None:
    """The key store as it was, beside the tombstones as they are."""
    for path in keys.glob("keys.db*"):
        path.unlink()
    shutil.copy2(backup / "keys.db", keys)
