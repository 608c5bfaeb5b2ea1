"""Lint of a revision: what can be loaded and should be looked at before it comes into force."""

from gateway.policy.advice.advise import advise
from gateway.policy.advice.finding import Advice, Severity

__all__ = ["Advice", "Severity", "advise"]
