"""A python handler that runs in the gateway and betrays what it was given wherever it can."""

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

from gateway.actions import ActionContext, ActionError

MODE_FILE = "CANARY_MODE_FILE"
"""The environment variable that names the file that says how the handler behaves."""

MODES = (
    "ok",
    "declared",
    "standard",
    "unknown",
    "crash",
    "exit",
    "wrong",
    "extra",
    "text",
    "stray",
)


def perform(given: dict[str, Any], context: ActionContext) -> Any:
    """Answer with the input, in the way that the mode asks for."""
    file = Path(os.environ[MODE_FILE])
    mode = file.read_text() if file.exists() else "ok"
    said = json.dumps(given, ensure_ascii=False)
    match mode:
        case "declared":
            raise ActionError("TAKEN", f"It is taken by {said}. Also by {given!r}.")
        case "standard":
            raise ActionError("CONFLICT", f"Not with {given['subject']}.")
        case "unknown":
            raise ActionError(str(given["subject"]), said)
        case "crash":
            raise RuntimeError(said)
        case "exit":
            raise SystemExit(said)
        case "wrong":
            return {"o0": {"strange": given}, "o1": [given]}
        case "extra":
            return {str(given["subject"]): given, **_same(given)}
        case "text":
            return said
        case "stray":
            context.emit("canary.never@1.0.0", given)
        case "slow":
            time.sleep(3)
    logging.getLogger("tests.canary").debug("performed")
    return _same(given)


def _same(given: dict[str, Any]) -> dict[str, Any]:
    """What has the same name in input and output."""
    return {
        name: value for name, value in given.items() if name.startswith("s") and name[1:].isdigit()
    }
