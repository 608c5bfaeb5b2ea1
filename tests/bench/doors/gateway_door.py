"""The whole gateway: tokens verified, each call decided among 10,000 rules, commands recorded."""

import shutil
import sys
import tempfile
from pathlib import Path

import uvicorn
import uvloop

from gateway.identity import LocalIssuer
from gateway.model.collector import spare_what_is_loaded
from gateway.serving import create_app, listen
from gateway.shipped import shipped_policies
from gateway.surfaces.graphql import server_options
from tests.bench.doors.contracts import FILES
from tests.bench.world import OLGA, bench_gateway

RULES = 10_000


def policies(folder: Path) -> Path:
    """The shipped policies with so many more rules about who may call what."""
    shutil.copytree(shipped_policies(), folder)
    lines = [
        f"p, role{number % 10}, w{number // 10}, bench.rows.list, call, allow"
        for number in range(RULES)
    ]
    path = folder / "access.csv"
    path.write_text(path.read_text() + "\n".join(lines) + "\n")
    return folder


async def main() -> None:
    """Serve until killed; the port and a token are printed first."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = {"policy_dir": policies(folder / "policies")}
        async with bench_gateway(folder / "gateway", contracts=FILES, **given) as gateway:
            issuer = LocalIssuer.open(gateway.settings.key_dir)
            token = issuer.issue(OLGA.subject, OLGA.type, ("admin",), OLGA.workspace, 3600)
            with listen(gateway.settings) as sock:
                sys.stdout.write(f"{sock.getsockname()[1]} {token}\n")
                sys.stdout.flush()
                options = {"access_log": False, "log_level": "warning", "lifespan": "off"}
                config = uvicorn.Config(create_app(gateway), **options, **server_options())  # type: ignore[arg-type] # each option has its type
                spare_what_is_loaded()  # as ``gateway serve``
                await uvicorn.Server(config).serve(sockets=[sock])


if __name__ == "__main__":
    uvloop.run(main())
