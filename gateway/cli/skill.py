"""gateway skill"""

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click

from gateway.cli.new_files import put_file
from gateway.cli.options import FAILED, OK, unusable, with_settings
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.signed_files import usable
from gateway.cli.skill_registry import install, list_skills
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
    """Signed skills: checked offline, installed and listed at a running gateway."""


for command in (install, list_skills):
    skill.add_command(command)


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
@with_output
def sign(
    *,
    manifest: Path,
    key_file: Path,
    key_id: str | None,
    expires: datetime | None,
    artifact: Path | None,
    output: Path | None,
    out: Output,
) -> None:
    """Sign a manifest (JSON). The kind of the key says with which algorithm."""
    content = usable(manifest, parse_manifest)
    if artifact is not None:
        content = usable(artifact, lambda raw: with_artifact(content, raw), MAX_ARCHIVE)
    found = type_issues(load_contracts([shipped_schema() / "control-plane"]), content)
    if found:
        _refuse(found, out)
    key = usable(key_file, read_private_key)
    now = SystemClock().now()
    signed = usable(
        manifest,
        lambda _: sign_manifest(content, key, issued_at=now, key_id=key_id, expires_at=expires),
    )
    found = list(manifest_issues(request_of(signed)))
    if found:
        _refuse(found, out)
    if output is None:
        out.json(signed)
        return
    text = json.dumps(signed, indent=2, ensure_ascii=False)
    try:
        put_file(output, f"{text}\n".encode())
    except OSError as error:
        unusable(output, f"it cannot be written ({error.strerror}).")
    told = f"signed with {signed['signature']['algorithm']}: {output}"
    out.tell({"file": str(output), **signed["signature"]}, lambda: out.line(told))


@skill.command()
@click.argument("manifest", type=_FILE)
@click.option("--artifact", type=_FILE, help="The zip archive, to be checked too.")
@with_settings
@with_output
def verify(*, settings: Settings, manifest: Path, artifact: Path | None, out: Output) -> None:
    """Check a signed manifest as an installation would; prints the verdict and every issue.

    The trust policy is skills.yaml in the folder of policies.
    """
    content = usable(manifest, parse_manifest)
    registry = load_registry(settings)
    found, digest, is_artifact_checked = type_issues(registry, content), None, False
    if not found:
        trust, host = load_trust(settings.policy_dir), host_of(registry)
        report = verify_manifest(request_of(content), trust, host, SystemClock().now())
        digest = report.manifest_digest
        if artifact is not None and report.verified:
            raw = usable(artifact, lambda raw: raw, MAX_ARCHIVE)
            found_in_it = artifact_issues(request_of(content), raw, registry, trust)
            report, is_artifact_checked = report.with_issues(found_in_it), True
        found = list(report.issues)

    def show() -> None:
        if digest is not None:
            out.line(f"manifest digest: {digest}")
        for line in _lines(found):
            out.line(line)
        if not found and not is_artifact_checked:
            out.line("only the manifest was checked: name its zip archive with --artifact")
        out.line(Toned("NOT VERIFIED", Tone.BAD) if found else Toned("verified", Tone.GOOD))

    issues = [issue.to_json() for issue in found]
    told = {"verified": not found, "manifestDigest": digest, "issues": issues}
    out.tell({**told, "artifactChecked": is_artifact_checked}, show)
    sys.exit(FAILED if found else OK)


def _refuse(issues: list[Issue], out: Output) -> NoReturn:
    """Say why a manifest is not signed, and end the command."""

    def show() -> None:
        for line in _lines(issues):
            out.line(line)

    out.tell({"issues": [issue.to_json() for issue in issues]}, show)
    sys.exit(FAILED)


def _lines(issues: list[Issue]) -> list[str]:
    return [f"{issue.code} {issue.path or '/'}: {issue.message}" for issue in issues]
