"""The JSON Schema of contract files, for editors: made of the tables that the loader reads with."""

from gateway.contracts.format import CAPABILITY, EVENT, KINDS, OPERATION, TYPES
from gateway.model.json import JsonObject

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PARTS = {
    "operation": (OPERATION, ["command", "query"]),
    "event": (EVENT, ["event"]),
    "capability": (CAPABILITY, ["capability"]),
    "types": (TYPES, ["types"]),
}


def contract_json_schema() -> JsonObject:
    """The format of a contract file as JSON Schema 2020-12.

    It says what an editor can check while somebody writes; what needs other files or other parts
    of the same file (references, PII paths, placeholders) is checked when contracts are loaded.
    """
    definitions = {name: record.schema() for name, (record, _) in _PARTS.items()}
    definitions["operation"]["dependentRequired"] = {"handler": ["risk"]}
    return {
        "$schema": _DIALECT,
        "$id": "urn:contract-gateway:schema:contract",
        "title": "Contract file",
        "description": "An operation, an event, a capability, or types that a domain shares.",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(KINDS)}},
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"enum": kinds}}},
                "then": {"$ref": f"#/$defs/{name}"},
            }
            for name, (_, kinds) in _PARTS.items()
        ],
        "$defs": definitions,
    }
