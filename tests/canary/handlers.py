"""A python handler that runs in the gateway and betrays what it was given wherever it can."""

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.actions import ActionContext, ActionError

MODE_FILE = "CANARY_MODE_FILE"
"""The environment variable that names the file that says how the handler behaves."""

JsonObject = dict[str, Any]


def perform(given: JsonObject, context: ActionContext) -> Any:
    """Answer with the input, in the way that the mode asks for."""
    file = Path(os.environ[MODE_FILE])
    mode = file.read_text() if file.exists() else "ok"
    logging.getLogger("tests.canary").debug("performing")
    return _WAYS.get(mode, _same)(given, context)


def _same(given: JsonObject, _: ActionContext) -> JsonObject:
    """What has the same name in input and output."""
    names = (name for name in given if name.startswith("s") and name[1:].isdigit())
    return {name: given[name] for name in names}


def _declared(given: JsonObject, _: ActionContext) -> None:
    raise ActionError("TAKEN", f"It is taken by {json.dumps(given)}. Also by {given!r}.")


def _standard(given: JsonObject, _: ActionContext) -> None:
    raise ActionError("CONFLICT", f"Not with {given['subject']}.")


def _unknown(given: JsonObject, _: ActionContext) -> None:
    raise ActionError(str(given["subject"]), json.dumps(given))


def _crash(given: JsonObject, _: ActionContext) -> None:
    raise RuntimeError(json.dumps(given))


def _exit(given: JsonObject, _: ActionContext) -> None:
    raise SystemExit(json.dumps(given))


def _wrong(given: JsonObject, _: ActionContext) -> JsonObject:
    return {"o0": {"strange": given}, "o1": [given]}


def _extra(given: JsonObject, context: ActionContext) -> JsonObject:
    return {str(given["subject"]): given, **_same(given, context)}


def _text(given: JsonObject, _: ActionContext) -> str:
    return json.dumps(given)


def _stray(given: JsonObject, context: ActionContext) -> JsonObject:
    context.emit("canary.never@1.0.0", given)
    return _same(given, context)


def _slow(given: JsonObject, context: ActionContext) -> JsonObject:
    time.sleep(3)
    return _same(given, context)


_WAYS: dict[str, Callable[[JsonObject, ActionContext], Any]] = {
    "ok": _same,
    "declared": _declared,
    "standard": _standard,
    "unknown": _unknown,
    "crash": _crash,
    "exit": _exit,
    "wrong": _wrong,
    "extra": _extra,
    "text": _text,
    "stray": _stray,
    "slow": _slow,
}

MODES = tuple(_WAYS)
"""Every way in which it behaves, the slow one last."""
