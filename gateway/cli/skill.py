"""gateway skill"""

import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from gateway.cli.options import FAILED, OK, USAGE, with_settings
from gateway.contracts import load_contracts
from gateway.loading import load_registry
from gateway.model.problem import Issue
from gateway.model.system import SystemClock
from gateway.model.time import parse
from gateway.settings import Settings
from gateway.shipped import shipped_schema
from gateway.skills import (
    MAX_ARCHIVE,
    artifact_issues,
    host_of,
    load_trust,
    manifest_issues,
    parse_manifest,
    read_private_key,
    request_of,
    sign_manifest,
    type_issues,
    verify_manifest,
    with_artifact,
)

T = TypeVar("T")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAYS = 36_500


class _Expiry(click.ParamType[Any]):
    """When a signature expires: a moment with an offset, or a number of days such as 90d."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        text = str(value)
        try:
            if text.endswith("d") and text[:-1].isdecimal() and int(text[:-1]) <= _DAYS:
                return SystemClock().now() + timedelta(days=int(text[:-1]))
            return parse(text)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is no moment; write 2027-01-01T00:00:00Z, or 90d", param, ctx)


@click.group()
def skill() -> None:
    """Signed skills. Both commands work offline."""


@skill.command()
@click.argument("manifest", type=_FILE)
@click.option("--key", "key_file", type=_FILE, required=True,
              help="The private key: PEM, Ed25519 or RSA, not encrypted.")  # fmt: skip
@click.option("--key-id", help="The name of the key in trust policies.")
@click.option("--expires", type=_Expiry(), metavar="MOMENT",
              help="When the signature expires: RFC 3339, or days such as 90d.")  # fmt: skip
@click.option("--artifact", type=_FILE,
              help="The zip archive; its digest and files go into the manifest.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
              help="Where to write the signed manifest. [default: standard output]")  # fmt: skip
def sign(
    manifest: Path,
    key_file: Path,
    key_id: str | None,
    expires: datetime | None,
    artifact: Path | None,
    output: Path | None,
) -> None:
    """Sign a manifest (JSON). The kind of the key says with which algorithm."""
    content = _usable(manifest, parse_manifest)
    if artifact is not None:
        content = _usable(artifact, lambda raw: with_artifact(content, raw), MAX_ARCHIVE)
    found = type_issues(load_contracts([shipped_schema() / "control-plane"]), content)
    if found:
        _tell(found)
        sys.exit(FAILED)
    key = _usable(key_file, read_private_key)
    now = SystemClock().now()
    signed = _usable(
        manifest,
        lambda _: sign_manifest(content, key, issued_at=now, key_id=key_id, expires_at=expires),
    )
    found = list(manifest_issues(request_of(signed)))
    if found:
        _tell(found)
        sys.exit(FAILED)
    text = json.dumps(signed, indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
    else:
        try:
            output.write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            _unusable(output, error)
        click.echo(f"signed with {signed['signature']['algorithm']}: {output}")


@skill.command()
@click.argument("manifest", type=_FILE)
@click.option("--artifact", type=_FILE, help="The zip archive, to be checked too.")
@with_settings
def verify(*, settings: Settings, manifest: Path, artifact: Path | None) -> None:
    """Check a signed manifest as an installation would; prints the verdict and every issue.

    The trust policy is skills.yaml in the folder of policies.
    """
    content = _usable(manifest, parse_manifest)
    registry = load_registry(settings)
    found = type_issues(registry, content)
    if not found:
        trust, host = load_trust(settings.policy_dir), host_of(registry)
        report = verify_manifest(request_of(content), trust, host, SystemClock().now())
        click.echo(f"manifest digest: {report.manifest_digest}")
        if artifact is not None and report.verified:
            raw = _usable(artifact, lambda raw: raw, MAX_ARCHIVE)
            found_in_it = artifact_issues(request_of(content), raw, registry, trust)
            report = report.with_issues(found_in_it)
        found = list(report.issues)
    _tell(found)
    click.echo("NOT VERIFIED" if found else "verified")
    sys.exit(FAILED if found else OK)


def _usable(path: Path, read: Callable[[bytes], T], limit: int = 1_048_576) -> T:
    """What ``read`` makes of a file; the command ends where it cannot be used."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise ValueError(f"it is larger than {limit} bytes")
        return read(content)
    except (OSError, ValueError) as error:
        _unusable(path, error)


def _unusable(path: Path, error: Exception) -> NoReturn:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    click.echo(f"gateway: {path} cannot be used: {reason}.", err=True)
    sys.exit(USAGE)


def _tell(issues: list[Issue]) -> None:
    for issue in issues:
        click.echo(f"{issue.code} {issue.path or '/'}: {issue.message}")
