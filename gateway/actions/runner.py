"""The runner: from a contract's handler to whoever performs it."""

from collections.abc import Iterable

from gateway.actions.checks import problems_of
from gateway.actions.http import HttpActions
from gateway.actions.python import PythonActions
from gateway.model.action import ActionCall, ActionOutcome, Declined
from gateway.model.contract import HttpHandler, OperationContract, PythonHandler
from gateway.model.problem import Issue


class ActionRunner:
    """How a step reaches the world: implements ``model.ports.Actions``.

    Args:
        http: Performs http handlers; closed with the runner.
        python: Performs python handlers; closed with the runner.
    """

    def __init__(self, http: HttpActions, python: PythonActions) -> None:
        self.http = http
        self.python = python

    async def perform(self, call: ActionCall) -> ActionOutcome:
        """Make one attempt. Never raises for what the world does; see the three outcomes."""
        match call.contract.handler:
            case HttpHandler() as handler:
                return await self.http.perform(call, handler)
            case PythonHandler() as handler:
                return await self.python.perform(call, handler)
            case None:
                detail = f"{call.contract.ref} has no handler that performs it."
                return Declined("NOT_IMPLEMENTED", detail, 501)

    async def close(self) -> None:
        """Close connections and threads."""
        await self.http.close()
        await self.python.close()


def check_handlers(contracts: Iterable[OperationContract], runner: ActionRunner) -> list[Issue]:
    """What would keep the handlers of ``contracts`` from being performed, all of it at once.

    Looks at addresses, placeholders, headers, secrets and hosts of http handlers, and imports the
    targets of python handlers. An issue's ``path`` is the contract's file.
    """
    return [
        Issue(contract.meta.source, code, f"{contract.ref}: {message}")
        for contract in contracts
        for code, message in problems_of(contract, runner.http, runner.python)
    ]
