"""Where the contracts, policies and examples are that come with the gateway.

An installed package holds them in ``gateway/shipped_data``; in a source checkout they are the
folders ``schema``, ``policies`` and ``examples`` beside the package.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped_schema() -> Path:
    """The folder of the shipped contracts.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    return _shipped("schema")


def shipped_policies() -> Path:
    """The folder of the shipped policies.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    return _shipped("policies")


def shipped_examples() -> Path:
    """The folder of the package ``examples``, with the demo and the service that it acts on.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    return _shipped("examples")


def _shipped(name: str) -> Path:
    for folder in (_PACKAGE / "shipped_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"the installation is incomplete: the shipped {name} are not in"
        f" {_PACKAGE / 'shipped_data'}; install contract-gateway again"
    )
