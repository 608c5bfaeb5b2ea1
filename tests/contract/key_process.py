"""A process that uses shared keys: ``python -m tests.contract.key_process KEY_DIR URL``.

It reads commands from its standard input, one JSON list a line, and answers each with one line.
Between them another thread opens what was opened last, without pause.
"""

import json
import sys
import threading
from pathlib import Path

from gateway.model.json import JsonObject
from gateway.model.pii import ErasedError, Owner
from gateway.model.problem import ProblemError
from gateway.privacy import Keyring, KeyringSealer


def main(key_dir: Path, url: str) -> None:
    keyring = Keyring.open(key_dir, database=url)
    sealer = KeyringSealer(keyring)
    last: list[JsonObject] = []
    threading.Thread(target=keep_opening, args=(sealer, last), daemon=True).start()
    print("ready", flush=True)  # noqa: T201 - the parent reads it
    for line in sys.stdin:
        command, value = json.loads(line)
        try:
            if command == "seal":
                answer = sealer.seal(Owner("acme", value), "a.b@1.0.0", "input.email", value)
                keyring.data.settle()
            else:
                answer = {"value": sealer.unseal("acme", value)}
                last[:] = [value]
        except ErasedError:
            answer = {"error": "erased"}
        except ProblemError as error:
            answer = {"error": error.problem.code}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the parent reads it


def keep_opening(sealer: KeyringSealer, last: list[JsonObject]) -> None:
    while True:
        for envelope in last[:]:
            try:
                sealer.unseal("acme", envelope)
            except (ValueError, ProblemError):
                last.clear()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
