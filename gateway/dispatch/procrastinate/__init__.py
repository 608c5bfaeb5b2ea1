"""Procrastinate: jobs in the record's own PostgreSQL database bring workers word of runs."""

from gateway.dispatch.procrastinate.feed import ProcrastinateFeed
from gateway.dispatch.procrastinate.reminder import REMINDER

__all__ = ["REMINDER", "ProcrastinateFeed"]
