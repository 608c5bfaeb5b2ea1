"""AUDITING: what the record says of a contract or a person, read for those who audit."""

from gateway.auditing.exporting import (
    CSV,
    FORMATS,
    JSON_LINES,
    RECORD,
    REVIEW,
    Ask,
    Piece,
    Report,
    exported,
)
from gateway.auditing.review import PARTS, Review, RevisionOf, review
from gateway.auditing.search import MOST_LOOKED, Found, Search, search
from gateway.auditing.span import Span, span_of

__all__ = [
    "CSV",
    "FORMATS",
    "JSON_LINES",
    "MOST_LOOKED",
    "PARTS",
    "RECORD",
    "REVIEW",
    "Ask",
    "Found",
    "Piece",
    "Report",
    "Review",
    "RevisionOf",
    "Search",
    "Span",
    "exported",
    "review",
    "search",
    "span_of",
]
