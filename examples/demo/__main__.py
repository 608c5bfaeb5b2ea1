"""``python -m examples.demo``: plays the story; exits 0 only if every claim held."""

import sys
import tempfile
from pathlib import Path

from examples.demo.client import sign_in
from examples.demo.processes import StartError, example_service, gateway
from examples.demo.story import Story
from examples.demo.telling import ClaimError, chapter, say


def main() -> int:
    """Play the story in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as name:
        folder = Path(name)
        data = folder / "data"
        try:
            with example_service(folder) as service, gateway(folder, service) as url:
                chapter("The gateway and an example service run, each in its own process")
                say(f"gateway {url}/graphql   service {service}")
                agent = sign_in(url, data, "agent-7", "agent", "user", "planner")
                olga = sign_in(url, data, "olga", "human", "admin")
                fiona = sign_in(url, data, "fiona", "human", "user", "approver")
                pete = sign_in(url, data, "pete", "human", "policy-approver")
                Story(folder, service, agent, olga, fiona, pete).tell()
        except (ClaimError, StartError) as error:
            print(f"\nThe demo failed: {error}", file=sys.stderr)
            return 1
    print("\nEvery claim held. Next: README.md, `make serve`.")
    return 0


sys.exit(main())
