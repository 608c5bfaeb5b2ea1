"""What schemathesis needs to know of the gateway; it loads this in an environment of its own.

Its own check for GraphQL takes any error for one of the server, NOT_FOUND as well.
"""

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

TEXTS = st.text(max_size=40).map(nodes.String)
SCALARS = (
    *("CountryCode", "Currency", "Date", "DateTime", "EmailAddress", "JSON", "JSONObject"),
    *(
        "Latitude",
        "Locale",
        "Longitude",
        "NonEmptyString",
        "PhoneNumber",
        "Time",
        "TimeZone",
        "URL",
    ),
)

for name in SCALARS:  # whatever they are, the gateway must say no to a wrong one
    numbers = st.integers(-(2**31), 2**31 - 1).map(nodes.Int)
    objects = st.just(nodes.Object(fields=())) if name.startswith("JSON") else st.nothing()
    schemathesis.graphql.scalar(name, st.one_of(TEXTS, numbers, objects))


@schemathesis.check
def the_gateway_does_not_fail(
    _context: schemathesis.CheckContext, response: schemathesis.Response, _case: schemathesis.Case
) -> None:
    """No failure but a refusal under load, by status or by code."""
    assert response.status_code < 500 or response.status_code == 503, "a status of failure"
    codes = [error["extensions"]["code"] for error in response.json().get("errors", ())]
    assert "INTERNAL_ERROR" not in codes, "an error of the gateway's own"
