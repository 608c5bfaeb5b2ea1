"""The keys: whether they are there, fit together, and are open to nobody else."""

from collections.abc import Iterator
from pathlib import Path

from gateway.doctor.findings import Finding, failed, ok, skipped, warning
from gateway.identity import LocalIssuer, read_revocations
from gateway.journal import read_record
from gateway.postgres import ANSWER_SECONDS, Connection, database_of
from gateway.privacy.inspection import checkpoint_key_id, root_key_id, roots_in_store
from gateway.settings import Settings


def root_key(settings: Settings) -> Iterator[Finding]:
    """Whether the root key is there, and the one that the key store was made with."""
    name, folder = settings.root_key, settings.key_dir
    if name.startswith("aws-kms:"):
        yield skipped("root key", "AWS KMS keeps it; a start asks for it")
        return
    key_id = root_key_id(name, folder)
    stored = set() if settings.key_database else roots_in_store(folder)
    if key_id is None:
        if stored:
            yield failed(
                "root key",
                f"it is not in {folder}, and sealed data cannot be opened without it",
                "restore root.key from its backup, or name its place with GATEWAY_ROOT_KEY",
            )
        else:
            yield ok("root key", f"there is none yet; the first start makes one in {folder}")
        return
    if others := sorted(stored - {key_id}):
        yield failed(
            "root key",
            f"it is {key_id}, and the key store was made with {', '.join(others)}",
            "restore that one, or name its place with GATEWAY_ROOT_KEY",
        )
        return
    yield ok("root key", f"it is {key_id}")


def signing_key(settings: Settings) -> Iterator[Finding]:
    """Whether the key that signs checkpoints is there, with its public half."""
    if settings.key_database:
        connection = Connection(settings.key_database, "the key store", silence=ANSWER_SECONDS)
        try:
            connection.rows("SELECT 1")
        finally:
            connection.close()
        yield ok("signing key", f"{database_of(settings.key_database)} keeps it, and answers")
        return
    key_id = checkpoint_key_id(settings.key_dir)
    if key_id is not None:
        yield ok("signing key", f"checkpoints are signed with {key_id}")
    elif _has_checkpoints(settings):
        yield failed(
            "signing key",
            f"it is not in {settings.key_dir}, and earlier checkpoints were signed with one",
            "restore the key folder from its backup, or name it with GATEWAY_KEY_DIR",
        )
    else:
        yield ok("signing key", "there is none yet; the first start makes one")


def _has_checkpoints(settings: Settings) -> bool:
    place = settings.record
    if isinstance(place, Path) and not place.exists():
        return False
    return read_record(place, lambda records: records.last_checkpoint() is not None)


def revoked(settings: Settings) -> Iterator[Finding]:
    """Whether what is revoked can be read."""
    path = settings.revoked_tokens
    if path is None:
        yield ok("revoked tokens", "no file of them is named")
        return
    known = read_revocations(path)
    told = (
        f"{len(known.tokens)} tokens, and earlier ones of {len(known.before)} subjects, in {path}"
    )
    yield ok("revoked tokens", told)


def tokens(settings: Settings) -> Iterator[Finding]:
    """Whose tokens are believed, and whether the key that signs development tokens can be used."""
    if not settings.believes_local_tokens:
        yield ok("tokens", "development tokens are not believed")
        return
    if LocalIssuer.is_in(settings.key_dir):
        LocalIssuer.open(settings.key_dir)
    if settings.oidc_issuers or settings.host not in ("127.0.0.1", "::1", "localhost"):
        yield warning(
            "tokens",
            "development tokens are believed: whoever can read the key folder can be anybody",
            "name your identity provider with GATEWAY_OIDC_ISSUERS, and set "
            "GATEWAY_LOCAL_TOKENS=off",
        )
    else:
        yield ok("tokens", f"development tokens are believed, and only {settings.host} is served")
