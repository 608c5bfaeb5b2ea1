"""gateway policy"""

import sys
from collections import Counter

import click

from gateway.cli.options import FAILED, OK, with_settings
from gateway.loading import load_registry
from gateway.policy import CaseStatus, load_policies, run_cases
from gateway.settings import Settings


@click.group()
def policy() -> None:
    """The policies."""


@policy.command()
@with_settings
def test(*, settings: Settings) -> None:
    """Run the expected decisions in the policies' cases/ folder."""
    registry = load_registry(settings)
    policies = load_policies(settings.policy_dir, registry)
    results = run_cases(policies, registry, settings.policy_dir)
    counts = Counter(result.status for result in results)
    for result in results:
        if result.status is CaseStatus.FAILED:
            click.echo(f"FAILED {result.at} {result.name}")
            for message in result.messages:
                click.echo(f"  {message}")
    click.echo(
        f"{policies.revision}: {counts[CaseStatus.PASSED]} cases passed, "
        f"{counts[CaseStatus.FAILED]} failed, {counts[CaseStatus.SKIPPED]} skipped"
    )
    sys.exit(FAILED if counts[CaseStatus.FAILED] else OK)
