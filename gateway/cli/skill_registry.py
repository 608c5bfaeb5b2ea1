"""gateway skill install and list"""

import sys
from pathlib import Path
from urllib.parse import quote

import click

from gateway.cli.exits import FAILED, OK
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.remote.client import Client
from gateway.cli.remote.documents import INSTALL_SKILL, SKILLS
from gateway.cli.remote.options import with_gateway, with_page
from gateway.cli.signed_files import usable
from gateway.model.json import JsonObject, is_unicode
from gateway.skills import MAX_ARCHIVE, Request, parse_manifest, request_of

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NAMELESS = "it names no skill, version or artifact"
_TONES = {"INSTALLED": Tone.GOOD, "DISABLED": Tone.QUIET}


@click.command(short_help="Install a signed skill at a running gateway.")
@click.argument("manifest", type=_FILE)
@click.option("--artifact", type=_FILE, help="The zip archive, which is uploaded first.")
@with_gateway
@with_output
def install(*, gateway: Client, out: Output, manifest: Path, artifact: Path | None) -> None:
    """Install a signed skill at a running gateway, in the workspace of your token.

    `gateway skill verify` tells beforehand what an install would find. Exits with 1 if the gateway
    refuses the skill.
    """
    request = usable(manifest, _request)
    if artifact is not None:
        archive = usable(artifact, bytes, MAX_ARCHIVE)
        gateway.upload(f"/skills/artifacts/{quote(request.artifact_digest, safe=':')}", archive)
    given = {
        "skillKey": request.key,
        "version": request.version,
        "artifactDigest": request.artifact_digest,
        "manifest": request.manifest,
    }
    done = gateway.call(INSTALL_SKILL, input=given)
    out.tell(done, lambda: _show_installed(done, out))
    sys.exit(OK if done["verified"] else FAILED)


def _request(content: bytes) -> Request:
    """What a manifest asks for.

    Raises:
        ValueError: it is no manifest.
    """
    try:
        request = request_of(parse_manifest(content))
    except (KeyError, TypeError):
        raise ValueError(_NAMELESS) from None
    if not all(map(_is_name, (request.key, request.version, request.artifact_digest))):
        raise ValueError(_NAMELESS)
    return request


def _is_name(value: object) -> bool:
    return isinstance(value, str) and is_unicode(value)


def _show_installed(done: JsonObject, out: Output) -> None:
    for issue in done["issues"] or ():
        out.line(f"{issue['code']}: {issue['message']}")
    state = Toned(str(done["status"]), _TONES.get(str(done["status"]), Tone.PLAIN))
    out.line(f"{done['skillKey']} {done['version']}: ", state)


@click.command("list", short_help="List the skills of a running gateway.")
@click.option("--all", "with_disabled", is_flag=True, help="Those that are disabled, too.")
@with_page(50)
@with_gateway
@with_output
def list_skills(
    *, gateway: Client, out: Output, with_disabled: bool, limit: int, offset: int
) -> None:
    """List the skills that are installed in the workspace of your token."""
    given = {"includeDisabled": with_disabled, "limit": limit, "offset": offset}
    found = gateway.call(SKILLS, input=given)
    columns = ("skill", "version", "status", "publisher", "installed")

    def show() -> None:
        out.table(columns, [_row(one) for one in found["items"]])
        if out.for_people:
            out.line(Toned(f"{len(found['items'])} of {found['total']}", Tone.QUIET))

    out.tell(found, show)


def _row(skill: JsonObject) -> list[str | Toned]:
    status = str(skill["status"])
    return [
        skill["skillKey"],
        skill["version"],
        Toned(status, _TONES.get(status, Tone.PLAIN)),
        skill["publisher"] or "",
        skill["installedAt"] or "",
    ]
