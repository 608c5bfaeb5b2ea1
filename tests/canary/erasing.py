"""Erasing a cast: two people agree, what is left is looked for, and every backup is restored."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.canary.calling import ask
from tests.canary.cast import Cast, drive_cast
from tests.canary.filling import JsonObject
from tests.canary.looking import look, needles
from tests.canary.opening import opened, wrapped_keys
from tests.canary.searching import Hit
from tests.canary.stage import Stage
from tests.processes import GATEWAY, ROOT
from tests.world import wait_until

RESTORES = ("erased", "data restored", "key store restored", "key folder restored")
"""When is looked for what was erased."""


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
    """Erase a cast and restore from backups; the gateway is stopped at the end, the folders are
    those of after the erasure."""
    erased = Erased(drive_cast(stage))
    say("the cast is played")
    data, keys = stage.gateway.data_dir, stage.gateway.key_dir
    kept = stage.folder.with_name(f"{stage.folder.name}-kept")
    backup, now = kept / "backup", kept / "now"

    def look_and_stop(when: str) -> None:
        erased.shown[when] = look(stage, erased.cast)
        if when != "before":
            _verify(stage, erased, when)
        stage.gateway.stop()
        plain = opened(data, keys, stage.folder / "tmp" / "scratch")
        erased.open[when] = list(stage.searcher.in_bytes(plain, f"opened, {when}"))

    look_and_stop("before")
    _copy_out(stage, backup)
    stage.revive()
    done = _erase(stage, erased)
    erased.again = see_again()
    _replay_webhooks(stage)
    say("erased")
    look_and_stop("erased")
    _left_of(stage, erased, backup, done)
    _copy_out(stage, now)
    for when, restore in (
        ("data restored", lambda: _put(backup / "data", data)),
        ("key store restored", lambda: (_put(now / "data", data), _put_store(backup, keys))),
        ("key folder restored", lambda: (_put(now / "data", data), _put(backup / "keys", keys))),
    ):
        restore()
        stage.revive()
        look_and_stop(when)
        say(when)
    return erased


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


def _verify(stage: Stage, erased: Erased, when: str) -> None:
    """Chain and projections hold."""
    told = stage.gateway.command("audit", "verify")
    if told.returncode != 0:
        erased.faults.append(f"{when}: {told.stdout}{told.stderr}")


def _left_of(stage: Stage, erased: Erased, backup: Path, done: list[JsonObject]) -> None:
    """Receipts hold, and no byte of a destroyed key is left in the key folder."""
    keys = stage.gateway.key_dir
    receipt = stage.folder / "receipt.json"
    public = str(keys / "checkpoint-signing.pub.pem")
    for one in done[:2]:
        receipt.write_text(json.dumps(one["receipt"]))
        command = [*GATEWAY, "privacy", "receipt", "verify", str(receipt), "--public-key", public]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if told.returncode != 0:
            erased.faults.append(f"receipt: {told.stdout}{told.stderr}")
    before, after = wrapped_keys(backup / "keys"), wrapped_keys(keys)
    gone = {key_id: wrapped for key_id, wrapped in before.items() if key_id not in after}
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
    """Copy both folders of a gateway that does not run."""
    shutil.copytree(stage.gateway.data_dir, to / "data")
    shutil.copytree(stage.gateway.key_dir, to / "keys")


def _put(backup: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)


def _put_store(backup: Path, keys: Path) -> None:
    """The key store as it was, beside the tombstones as they are."""
    for path in keys.glob("keys.db*"):
        path.unlink()
    for path in (backup / "keys").glob("keys.db*"):
        shutil.copy2(path, keys)
