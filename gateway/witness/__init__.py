"""A witness: a second party that signs the checkpoints of logs that only ever grow."""

from gateway.witness.book import Book
from gateway.witness.request import MAX_BYTES
from gateway.witness.witness import Answer, Witness, open_witness, trusted_logs

__all__ = ["MAX_BYTES", "Answer", "Book", "Witness", "open_witness", "trusted_logs"]
