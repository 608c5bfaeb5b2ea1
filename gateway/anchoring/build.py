"""Putting anchors and witnesses together."""

import secrets

from gateway.actions import Secrets
from gateway.anchoring.anchor import Anchor
from gateway.anchoring.config import guard_of
from gateway.anchoring.cosigner import Cosigner
from gateway.anchoring.courier import Courier, Target
from gateway.anchoring.exchange import Exchange
from gateway.anchoring.file_anchor import FileAnchor
from gateway.anchoring.history import JournalHistory, next_after
from gateway.anchoring.http_anchors import LogAnchor, WebhookAnchor
from gateway.anchoring.schedule import Schedule
from gateway.anchoring.service import Anchoring
from gateway.anchoring.targets import AnchorTarget, Destinations, FileTarget, WebhookTarget
from gateway.model.anchor import TargetKind
from gateway.model.ports import Clock, Journal
from gateway.webhooks.post import Poster


def build_anchoring(destinations: Destinations, journal: Journal, clock: Clock) -> Anchoring:
    """What brings the checkpoints of this journal to these destinations, to be started."""
    guard = guard_of(destinations.hosts)
    history = JournalHistory(journal)

    def anchor(target: AnchorTarget) -> Anchor:
        if isinstance(target, FileTarget):
            return FileAnchor(target.path, history)
        if isinstance(target, WebhookTarget):
            poster = Poster(guard, Secrets(), clock, content_type="application/json")
            return WebhookAnchor(target, poster)
        return LogAnchor(target, Exchange(guard, clock), Secrets())

    targets = [
        *(Target(TargetKind.ANCHOR, one.id, anchor(one)) for one in destinations.anchors),
        *(
            Target(TargetKind.WITNESS, one.id, Cosigner(one, Exchange(guard, clock), history))
            for one in destinations.witnesses
        ),
    ]
    schedule = Schedule(secrets.SystemRandom().random, destinations.retry_scale)
    return Anchoring(
        journal, tuple(Courier(one, journal, clock, schedule, next_after) for one in targets)
    )
