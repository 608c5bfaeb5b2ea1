"""Contracts as a reference tells of them: found, described, with their source and an example."""

from gateway.contracts.reference.build import detail_of, summary_of
from gateway.contracts.reference.catalogue import Wanted, found_contracts
from gateway.contracts.reference.detail import (
    ContractDetail,
    ContractSummary,
    FieldTable,
    as_json,
)
from gateway.contracts.reference.scalars import SCALAR_NOTES

__all__ = [
    "SCALAR_NOTES",
    "ContractDetail",
    "ContractSummary",
    "FieldTable",
    "Wanted",
    "as_json",
    "detail_of",
    "found_contracts",
    "summary_of",
]
