"""gateway completion"""

import click
from click.shell_completion import ShellComplete, get_completion_class

from gateway.cli.main import COMPLETE_VAR

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the script with which a shell completes the command.

    For bash (4.4 or newer) put `eval "$(gateway completion bash)"` into ~/.bashrc, for zsh
    `eval "$(gateway completion zsh)"` into ~/.zshrc, and for fish write the script to
    ~/.config/fish/completions/gateway.fish.
    """
    found = get_completion_class(shell)
    if found is None:  # click has all three
        raise click.UsageError(f"there is no completion for {shell}")
    made = found(click.Command("gateway"), {}, "gateway", COMPLETE_VAR)
    click.echo(ShellComplete.source(made))  # bash's own looks for bash first
