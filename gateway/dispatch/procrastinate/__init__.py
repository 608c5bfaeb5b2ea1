"""Procrastinate: jobs in the record's own PostgreSQL database bring workers word of runs."""

from gateway.dispatch.procrastinate.feed import ProcrastinateFeed
from gateway.dispatch.procrastinate.reminder import REMINDER
from gateway.dispatch.procrastinate.schema import create_schema, has_schema

__all__ = ["REMINDER", "ProcrastinateFeed", "create_schema", "has_schema"]
