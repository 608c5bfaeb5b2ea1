"""Calls the client that ariadne-codegen made and prints a line of JSON for each answer.

What to do is the first argument: {url, token, folder}; the folder holds the package ``made``.
"""

import json
import sys
from typing import Any

asked = json.loads(sys.argv[1])
sys.path.insert(0, asked["folder"])

from made import Client  # noqa: E402 - it is in the folder that was given
from made.exceptions import GraphQLClientError  # noqa: E402


def tell(what: Any) -> None:
    print(json.dumps(what), flush=True)


with Client(url=asked["url"], headers={"authorization": f"Bearer {asked['token']}"}) as client:
    submitted = client.submit(text="Please refund o-1001").control_plane_intent_submit
    assert submitted is not None
    tell({"executionId": submitted.execution_id, "status": submitted.status})
    listed = client.executions(limit=5).control_plane_execution_list
    assert listed is not None
    tell({"total": listed.total})
    try:
        client.execution(execution_id="none")
    except GraphQLClientError as error:
        tell({"error": type(error).__name__, "message": str(error)})
