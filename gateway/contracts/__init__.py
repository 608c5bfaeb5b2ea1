"""WHAT may be called: contract files loaded, checked and registered, and values validated."""

from gateway.contracts.bundle import Bundle, contents_of, link, name_clashes, read_drafts
from gateway.contracts.io import Io
from gateway.contracts.json_schema import contract_json_schema
from gateway.contracts.live import LiveRegistry, Offer
from gateway.contracts.load import load_contracts
from gateway.contracts.names import graphql_field_name, graphql_type_name, operation_type_prefix
from gateway.contracts.paths import classes_at, classes_taken, event_classes_at, pii_of, walked_type
from gateway.contracts.registry import Registry

__all__ = [
    "Bundle",
    "Io",
    "LiveRegistry",
    "Offer",
    "Registry",
    "classes_at",
    "classes_taken",
    "contents_of",
    "contract_json_schema",
    "event_classes_at",
    "graphql_field_name",
    "graphql_type_name",
    "link",
    "load_contracts",
    "name_clashes",
    "operation_type_prefix",
    "pii_of",
    "read_drafts",
    "walked_type",
]
