"""Install GraphiQL for the gateway: one HTML file with everything inside, no CDN.

Run by ``make graphiql``. It needs npm and node, installs exactly what
``scripts/graphiql/package-lock.json`` pins (npm checks the integrity) in a temporary folder, and
writes ``gateway/surfaces/graphql/http/static/graphiql.html``.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINNED = ROOT / "scripts" / "graphiql"
PAGE = ROOT / "gateway" / "surfaces" / "graphql" / "static" / "graphiql.html"

RENDER = """
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { writeFileSync } from 'node:fs';
writeFileSync('graphiql.html', renderGraphiQL({
  title: 'GraphiQL',
  endpoint: '/graphql',
  defaultQuery: '# Write a query here, and a token under Headers:\\n'
    + '# { "authorization": "Bearer ..." }\\n\\nquery { __typename }\\n',
}));
"""

_OUTSIDE = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//""")


def main() -> int:
    """Install the page; the exit status is 0 if it is in place."""
    for tool in ("npm", "node"):
        if shutil.which(tool) is None:
            print(f"{tool} is not installed. Install Node.js, or do without GraphiQL.")
            return 1
    with tempfile.TemporaryDirectory() as folder:
        try:
            page = render(Path(folder))
        except subprocess.CalledProcessError as error:
            print(f"{error.cmd[0]} failed with status {error.returncode}; its output is above.")
            return 1
    if _OUTSIDE.search(page):
        print("The rendered page would load from another origin; it was not installed.")
        return 1
    install(page)
    print(f"GraphiQL is in {PAGE.relative_to(ROOT)} ({len(page) // 1024} KiB).")
    return 0


def render(folder: Path) -> str:
    """The page, rendered by the pinned package installed in ``folder``."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PINNED / name, folder)
    subprocess.run(["npm", "ci", "--no-progress"], cwd=folder, check=True)
    subprocess.run(["node", "--input-type=module", "-e", RENDER], cwd=folder, check=True)
    return (folder / "graphiql.html").read_text(encoding="utf-8").strip() + "\n"


def install(page: str) -> None:
    """Put the page in its place, whole or not at all."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    fresh = PAGE.with_suffix(".new")
    fresh.write_text(page, encoding="utf-8")
    fresh.replace(PAGE)


if __name__ == "__main__":
    sys.exit(main())
