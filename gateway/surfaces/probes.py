"""The paths at which machines look after a process. They are let in always, and logged quietly."""

METRICS = "/metrics"
PROBES = frozenset({"/healthz", "/readyz", METRICS})
