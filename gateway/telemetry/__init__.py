"""What the process tells of its own working: log forms, redaction, and fields that are safe."""

from gateway.telemetry.failures import code_of, failure_of, told_failure
from gateway.telemetry.fields import SAFE_FIELDS, fields
from gateway.telemetry.formats import JsonFormat, TextFormat
from gateway.telemetry.hooks import install_hooks, loop_error
from gateway.telemetry.redaction import redacted
from gateway.telemetry.setup import LogFormat, configure, handler

__all__ = [
    "SAFE_FIELDS",
    "JsonFormat",
    "LogFormat",
    "TextFormat",
    "code_of",
    "configure",
    "failure_of",
    "fields",
    "handler",
    "install_hooks",
    "loop_error",
    "redacted",
    "told_failure",
]
