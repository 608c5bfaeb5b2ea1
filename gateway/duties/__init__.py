"""DUTIES: what exactly one of several processes does, and who that is."""

from gateway.duties.duties import Begin, Duties
from gateway.duties.leadership import Leadership
from gateway.duties.noticing import Noticing

__all__ = ["Begin", "Duties", "Leadership", "Noticing"]
