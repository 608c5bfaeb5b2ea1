"""WHAT may be called: contract files loaded, checked and registered, and values validated."""

from gateway.contracts.bundle import Bundle, contents_of, link, name_clashes, read_drafts
from gateway.contracts.io import Io
from gateway.contracts.json_schema import contract_json_schema
from gateway.contracts.listings import (
    CONNECTION,
    CONNECTION_FIELDS,
    ContinuedList,
    CountedList,
    Listing,
    connection_types,
    listing_of,
)
from gateway.contracts.live import LiveRegistry, Offer
from gateway.contracts.load import load_contracts
from gateway.contracts.names import graphql_field_name, graphql_type_name, operation_type_prefix
from gateway.contracts.paths import classes_at, classes_taken, event_classes_at, pii_of, walked_type
from gateway.contracts.registry import Registry, type_prefix

__all__ = [
    "CONNECTION",
    "CONNECTION_FIELDS",
    "Bundle",
    "ContinuedList",
    "CountedList",
    "Io",
    "Listing",
    "LiveRegistry",
    "Offer",
    "Registry",
    "classes_at",
    "classes_taken",
    "connection_types",
    "contents_of",
    "contract_json_schema",
    "event_classes_at",
    "graphql_field_name",
    "graphql_type_name",
    "link",
    "listing_of",
    "load_contracts",
    "name_clashes",
    "operation_type_prefix",
    "pii_of",
    "read_drafts",
    "type_prefix",
    "walked_type",
]
