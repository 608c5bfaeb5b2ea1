"""Uploads of skills' archives, under the decision that governs installing them."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.model.principal import Principal
from gateway.model.problem import Issue, ProblemError, invalid, refuse
from gateway.operations.skills import INSTALL
from gateway.pipeline import Call, Pipeline, denial
from gateway.skills import (
    ARTIFACT_DIGEST_MISMATCH,
    DIGEST,
    MAX_ARCHIVE,
    ArtifactStore,
    refusal,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ArtifactUploads:
    """Takes archives into the store."""

    pipeline: Pipeline
    store: ArtifactStore

    async def receive(
        self, principal: Principal, digest: str, content: AsyncIterator[bytes], trace_id: str | None
    ) -> bool:
        """Keep the archive ``sha256:<hex>``; False if it was there already.

        An archive by itself does nothing: what it is good for is decided when it is installed.

        Raises:
            ProblemError: FORBIDDEN or UNAUTHENTICATED where the caller may not install skills,
                VALIDATION_FAILED, RATE_LIMITED, PAYLOAD_TOO_LARGE, ARTIFACT_DIGEST_MISMATCH,
                LIMIT_EXCEEDED.
        """
        pipeline = self.pipeline
        contract = pipeline.registry.operations[INSTALL]
        call = Call(contract, {"artifactDigest": digest}, principal, None, trace_id)
        await pipeline.policies.settle()
        access = pipeline.policies.access(principal, contract)
        if not access.allowed:
            await pipeline.recorder.denied(call, access.to_json())
            raise ProblemError(denial(call, access))
        if not DIGEST.fullmatch(digest):
            told = "A digest is written sha256: and 64 hex digits in lower case."
            raise invalid([Issue("/digest", "INVALID_FORMAT", told)])
        await pipeline.limiter.take(contract, principal)
        archive = await _whole(content, digest)
        is_new = await asyncio.to_thread(self.store.put, digest, archive)
        _log.info("artifact %s: %s", digest, "kept" if is_new else "was here already")
        return is_new


async def _whole(content: AsyncIterator[bytes], digest: str) -> bytes:
    """The content, if it is what the digest says; never more of it than an archive may have."""
    found, hashed = bytearray(), hashlib.sha256()
    async for chunk in content:
        found += chunk
        hashed.update(chunk)
        if len(found) > MAX_ARCHIVE:
            told = f"An artifact has at most {MAX_ARCHIVE} bytes."
            raise refuse("PAYLOAD_TOO_LARGE", told)
    if f"sha256:{hashed.hexdigest()}" != digest:
        told = "The content does not have the digest that it was sent under. Send it again."
        raise ProblemError(refusal((Issue("", ARTIFACT_DIGEST_MISMATCH, told),)))
    return bytes(found)
