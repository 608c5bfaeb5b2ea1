"""RIGHTS OF PEOPLE: what is held on somebody is exported, erased, held, kept and consented to."""

from gateway.rights.build import Pace, Rights, open_rights
from gateway.rights.calendar import Reading
from gateway.rights.desk import Desk, Named
from gateway.rights.exporting import Held, Holdings, document_of
from gateway.rights.lateness import NOTHING, Looked, being_carried_out
from gateway.rights.receipts import ReceiptReport, verify_receipt
from gateway.rights.retention import Retention, RetentionRule, load_retention
from gateway.rights.sweeper import Overdue, Sweeper, erasures_to_do

__all__ = [
    "NOTHING",
    "Desk",
    "Held",
    "Holdings",
    "Looked",
    "Named",
    "Overdue",
    "Pace",
    "Reading",
    "ReceiptReport",
    "Retention",
    "RetentionRule",
    "Rights",
    "Sweeper",
    "being_carried_out",
    "document_of",
    "erasures_to_do",
    "load_retention",
    "open_rights",
    "verify_receipt",
]
