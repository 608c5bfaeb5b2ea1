"""Temporal: one workflow for each run brings workers word of it. Needs the extra ``temporal``."""

from gateway.dispatch.temporal.feed import TemporalFeed
from gateway.dispatch.temporal.signals import TemporalSignals

__all__ = ["TemporalFeed", "TemporalSignals"]
