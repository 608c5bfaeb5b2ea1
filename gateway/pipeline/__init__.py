"""ONE GOVERNED CALL: the ordered stages, listed in one function (``Pipeline.call``)."""

from gateway.pipeline.admission import Admission, Bounds, Gauges, Priority
from gateway.pipeline.answers import Answer, accept_answer
from gateway.pipeline.call import Admitted, Call
from gateway.pipeline.consented import require_consent
from gateway.pipeline.governed import Pipeline
from gateway.pipeline.handlers import Bindings, Command, Direct, Query, Refused
from gateway.pipeline.limiter import ProcessRateLimits, RateLimiter
from gateway.pipeline.observed import ObservedPipeline
from gateway.pipeline.record import CallRecorder
from gateway.pipeline.refusals import declined, denial
from gateway.pipeline.standing import require_standing, require_taken_up

__all__ = [
    "Admission",
    "Admitted",
    "Answer",
    "Bindings",
    "Bounds",
    "Call",
    "CallRecorder",
    "Command",
    "Direct",
    "Gauges",
    "ObservedPipeline",
    "Pipeline",
    "Priority",
    "ProcessRateLimits",
    "Query",
    "RateLimiter",
    "Refused",
    "accept_answer",
    "declined",
    "denial",
    "require_consent",
    "require_standing",
    "require_taken_up",
]
