"""The format of contract files: every kind of file, its fields, and what is not honoured yet.

These tables are the one place that says what may stand in a file. The loader reads with them and
``json_schema`` prints them for editors.
"""

from gateway.contracts import names
from gateway.contracts.pii_shape import PiiShape
from gateway.contracts.shapes import Choice, Field, Flag, Many, Record, Table, Text, Whole
from gateway.contracts.type_shapes import (
    FIELDS,
    Duration,
    Json,
    NamedTypeShape,
    OneOf,
    StatusCodes,
    TypeText,
)
from gateway.model.contract import AuthLevel, CapabilityKind, RateKey, Risk, Stability

_key = Text("a key of dotted lowerCamel names such as support.refund.issue", names.KEY, 120)
_capability_key = Text("a key such as support.core", names.CAPABILITY_KEY, 120)
_version = Text("a semantic version such as 1.0.0", names.VERSION, 60)
_reference = Text("a reference such as support.refund.issue@1.0.0", names.REFERENCE, 200)
_capability_reference = Text(
    "a reference such as support.core@1.0.0", names.CAPABILITY_REFERENCE, 200
)
_label = Text("a short name without spaces", r"[A-Za-z0-9][A-Za-z0-9._:/-]*", 100)
_path = Text(
    "a dotted path of field names such as customer.email",
    rf"{names.FIELD_NAME}(?:\.{names.FIELD_NAME})*",
    300,
)
_domain = Text("a domain in lower case with dashes, such as support", names.DOMAIN, 60)
_type_name = Text("a type name: letters, digits and _, first a capital", names.TYPE_NAME, 80)
_error_code = Text("an error code such as ORDER_NOT_FOUND", names.ERROR_CODE, 80)

_NOT_PII = Table(_path, Text("the reason why it is no personal data", max_length=300))

_title = Field(Text(max_length=200), "A short name for people.", required=True)
_description = Field(Text(), "What it does or means, in a sentence or two.", required=True)
_stability = Field(Choice([one.value for one in Stability]), "How settled it is.")
_owners = Many(_label, least=1)
_types = Field(
    Table(_type_name, NamedTypeShape()),
    "Named types of this file: a list is an enum, a mapping a nested model.",
)

_META = {
    "key": Field(_key, "The name under which everything refers to it.", required=True),
    "version": Field(_version, "Its semantic version.", required=True),
    "title": _title,
    "description": _description,
    "goal": Field(Text(), "What it is there to achieve."),
    "context": Field(Text(), "When and by whom it is used."),
    "domain": Field(_domain, "The domain that it belongs to.", required=True),
    "owners": Field(_owners, "The teams that answer for it.", required=True),
    "tags": Field(Many(_label), "Words to find it by; policy may use them."),
    "stability": _stability,
}

_ROLES = "grant it to roles in the access rules under policies/ and remove it here"
_VERDICTS = "write the condition as a rule under policies/ and remove it here"

_RATE_LIMIT = Record(
    {
        "rpm": Field(Whole(1, 1_000_000), "Calls a minute.", required=True),
        "key": Field(
            Choice([one.value for one in RateKey]), "Who shares the limit.", required=True
        ),
    }
)

_POLICY = Record(
    {
        "auth": Field(
            Choice([one.value for one in AuthLevel]), "The level a caller needs.", required=True
        ),
        "pii": Field(
            PiiShape(_path),
            "Dotted paths into input or output that are personal data, or their classes by path.",
        ),
        "notPii": Field(_NOT_PII, "Paths that look like personal data and are none, with why."),
        "subject": Field(
            _path, "Path into input or output of the name of the person whose data the PII is."
        ),
        "consent": Field(
            _label, "The purpose to which the subject must have consented; needs 'subject'."
        ),
        "idempotent": Field(
            Flag(), "Whether repeating a call does no harm; always so for queries."
        ),
        "rateLimit": Field(_RATE_LIMIT, "At most so many calls a minute."),
        "escalate": Field(
            Choice(["human_review"], nullable=True), "human_review asks a human at every call."
        ),
        "cost": Field(
            Whole(1, 10_000), "What a call weighs in a request: 5 for queries, 20 for commands."
        ),
    },
    unsupported={
        **dict.fromkeys(("roles", "anyRole", "permissions", "anyPermission"), _ROLES),
        **dict.fromkeys(("flags", "policies"), _VERDICTS),
        "fieldPolicies": "write PII rules under policies/ and remove it here",
    },
)

_ERROR = Record(
    {
        "http": Field(Whole(400, 599), "The HTTP status.", required=True),
        "description": _description,
        "when": Field(Text(), "In which situation it happens."),
        "gqlCode": Field(_error_code, "The same as the error's own code."),
        "retryable": Field(Flag(), "Whether trying again may help."),
    }
)

_TIMEOUT = Field(Duration(), "How long an attempt may take: 5s, 500ms or seconds.")
_IDEMPOTENCY_KEY = Field(Flag(), "Whether the handler honours the idempotency key.")

HTTP_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_HTTP = Record(
    {
        "method": Field(Choice(HTTP_METHODS), "The HTTP method."),
        "url": Field(
            Text(max_length=2000), "Absolute; {name} is filled from the input.", required=True
        ),
        "headers": Field(
            Table(Text("a header name", r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", 100), Text()),
            "Sent with each call; ${secret:NAME} is filled in when calling.",
        ),
        "timeout": _TIMEOUT,
        "idempotencyKey": _IDEMPOTENCY_KEY,
        "errors": Field(StatusCodes(), "Which declared error an HTTP status stands for."),
    }
)

_PYTHON = Record(
    {
        "target": Field(
            Text(
                "an entry point such as package.module:function",
                r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*",
                300,
            ),
            "package.module:function.",
            required=True,
        ),
        "timeout": _TIMEOUT,
        "idempotencyKey": _IDEMPOTENCY_KEY,
    }
)

_HANDLER = OneOf(
    Record(
        {
            "http": Field(_HTTP, "Performed by a service over HTTP."),
            "python": Field(_PYTHON, "Performed by a function in this process."),
        },
        unsupported={"mcp": "use an http or python handler"},
    )
)

_COMPENSATION = Record(
    {
        "contract": Field(_reference, "The command that undoes this one.", required=True),
        "input": Field(
            Table(FIELDS.key, Json()),
            "Its input: literals, or {$from: output.path} and {$from: input.path}.",
            required=True,
        ),
    }
)

_ENTITY = Record(
    {
        "in": Field(FIELDS.key, "The output field that holds it; without it, the output itself."),
        "key": Field(
            Table(FIELDS.key, FIELDS.key, least=1),
            "The fields that identify it, each with the input field that takes it.",
            required=True,
        ),
    }
)

_LATER = "remove it from this file"

OPERATION = Record(
    {
        **_META,
        "kind": Field(Choice(["command", "query"]), "A command changes, a query reads.", True),
        "capability": Field(_capability_reference, "The capability it is granted with."),
        "risk": Field(Choice([one.value for one in Risk]), "How much harm a call can do."),
        "input": Field(FIELDS, "Input fields and their types."),
        "output": Field(
            Table(FIELDS.key, TypeText(), least=1), "Output fields and their types.", True
        ),
        "types": _types,
        "errors": Field(Table(_error_code, _ERROR), "The errors a caller must expect."),
        "policy": Field(_POLICY, "What it demands of its callers.", True),
        "emits": Field(Many(_reference), "The events that it may emit."),
        "handler": Field(_HANDLER, "Who performs it; none for built-in operations."),
        "compensation": Field(_COMPENSATION, "How a completed call is undone."),
        "entity": Field(_ENTITY, "What a query loads by its key."),
    },
    unsupported={
        **dict.fromkeys(("analytics", "audit", "telemetry", "success"), _LATER),
        **dict.fromkeys(("examples", "acceptance", "implementations"), _LATER),
        "transport": "names of fields follow from the key: remove it from this file",
        "sideEffects": "list the events under 'emits'",
        "io": "write 'input', 'output' and 'errors' at the top of the file",
        "meta": "write its fields at the top of the file",
    },
)

EVENT = Record(
    {
        **_META,
        "kind": Field(Choice(["event"]), "An event.", True),
        "payload": Field(FIELDS, "Payload fields and their types.", True),
        "types": _types,
        "pii": Field(
            PiiShape(_path),
            "Dotted paths into the payload that are personal data, or their classes by path.",
        ),
        "notPii": Field(_NOT_PII, "Paths that look like personal data and are none, with why."),
    },
    unsupported={"meta": "write its fields at the top of the file", "telemetry": _LATER},
)

_PROVIDES = Record(
    {
        "operations": Field(Many(_reference), "Operations that it offers."),
        "events": Field(Many(_reference), "Events that it offers."),
    },
    unsupported=dict.fromkeys(("resources", "workflows", "presentations"), _LATER),
)

CAPABILITY = Record(
    {
        "key": Field(_capability_key, "The name that contracts refer to.", True),
        "version": _META["version"],
        "kind": Field(Choice(["capability"]), "A capability.", True),
        "title": _title,
        "description": _description,
        "domain": Field(_domain, "The domain it belongs to; else the first part of its key."),
        "owners": Field(_owners, "The teams that answer for it."),
        "tags": _META["tags"],
        "stability": _stability,
        "type": Field(Choice([one.value for one in CapabilityKind]), "What it offers.", True),
        "requires": Field(Many(_capability_reference), "Capabilities that it builds on."),
        "provides": Field(_PROVIDES, "What it offers."),
    },
    unsupported={"meta": "write its fields at the top of the file"},
)

TYPES = Record(
    {
        "kind": Field(Choice(["types"]), "Named types shared by the contracts of a domain.", True),
        "domain": _META["domain"],
        "types": Field(_types.shape, _types.about, required=True),
    }
)

KINDS: dict[str, Record] = {
    "command": OPERATION,
    "query": OPERATION,
    "event": EVENT,
    "capability": CAPABILITY,
    "types": TYPES,
}
"""The record of each kind of file."""
