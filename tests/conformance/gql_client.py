"""Sends requests one after another with gql and prints a line of JSON for each.

What to send is the first argument: {url, token, requests: [{query, variables}], isChecked}; with
``isChecked`` the client asks for the schema first and holds the requests to it.
"""

import json
import sys
from typing import Any

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport

asked = json.loads(sys.argv[1])
transport = RequestsHTTPTransport(
    url=asked["url"], headers={"authorization": f"Bearer {asked['token']}"}
)


def tell(data: Any, errors: Any) -> None:
    print(json.dumps({"data": data, "errors": errors}), flush=True)


with Client(
    transport=transport, fetch_schema_from_transport=asked.get("isChecked", False)
) as session:
    for request in asked["requests"]:
        document = gql(request["query"])
        document.variable_values = request.get("variables")
        try:
            tell(session.execute(document), [])
        except TransportQueryError as error:
            tell(error.data, error.errors)
