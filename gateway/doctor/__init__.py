"""What a gateway needs to start, looked at beforehand: reading only, each with its remedy."""

from gateway.doctor.examining import CHECKS, examine, is_well
from gateway.doctor.findings import Finding, State, failures, ok

__all__ = ["CHECKS", "Finding", "State", "examine", "failures", "is_well", "ok"]
