"""What runs operations, whichever transport they come by: one schema, its guards, one door."""

import logging
from collections.abc import Callable
from functools import partial
from weakref import WeakKeyDictionary

import strawberry

from gateway.model.principal import Principal
from gateway.surfaces.graphql.documents import Documents
from gateway.surfaces.graphql.door import (
    CallContext,
    Door,
    Introspection,
    MayIntrospect,
    Subscribe,
)
from gateway.surfaces.graphql.execution import Operation, choose_operation
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.parameters import Parameters
from gateway.surfaces.graphql.schema import ContractSource, build_schema, core_schema

_log = logging.getLogger(__name__)


class Engine:
    """Makes operations of one schema ready to run, within limits.

    ``door`` performs the governed calls, ``subscribe`` gives the events. ``introspection`` says
    who may read the schema; with ``admin`` it is those for whom ``may_introspect`` is true.
    ``own_contracts`` gives the contracts of a workspace that has more than those of ``schema``: it
    gets a schema of its own, made when it is first asked for and kept as long as that object lives.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        door: Door,
        *,
        subscribe: Subscribe | None = None,
        introspection: Introspection = Introspection.ON,
        may_introspect: MayIntrospect = lambda _principal: False,
        limits: Limits | None = None,
        own_contracts: Callable[[str], ContractSource | None] = lambda _workspace: None,
    ) -> None:
        self.limits = limits or Limits()
        self._documents = Documents(core_schema(schema), self.limits)
        self._door = door
        self._subscribe = subscribe
        self._introspection = introspection
        self._admin_may = may_introspect
        self._own_contracts = own_contracts
        self._own: WeakKeyDictionary[ContractSource, Documents] = WeakKeyDictionary()

    def prepare(
        self,
        parameters: Parameters,
        principal: Principal,
        trace_id: str | None,
        resume_after: str | None = None,
    ) -> Operation:
        """The operation that a request means, ready to run for ``principal``.

        ``resume_after`` is the cursor for a subscription that names none.

        Raises:
            RequestRefusedError: the document does not parse, breaks a limit or a rule of GraphQL,
                asks for the schema where the caller may not, or has no such operation.
        """
        documents = self._documents_for(principal.workspace)
        document = documents.prepare(parameters.query, self._asking(principal))
        definition = choose_operation(document, parameters.operation_name)
        context = CallContext(self._door, principal, trace_id, self._subscribe, resume_after)
        return Operation(documents.schema, document, definition, parameters, context, self.limits)

    def _documents_for(self, workspace: str) -> Documents:
        source = self._own_contracts(workspace)
        if source is None:
            return self._documents
        found = self._own.get(source)
        if found is None:
            found = self._own[source] = self._made(source, workspace)
        return found

    def _made(self, source: ContractSource, workspace: str) -> Documents:
        try:
            return Documents(core_schema(build_schema(source)), self.limits)
        except Exception:  # what was installed must never keep a workspace from disabling it
            _log.exception("no schema can be made of the contracts of the workspace %s", workspace)
            return self._documents

    def _asking(self, principal: Principal) -> Callable[[], bool]:
        if self._introspection is Introspection.ADMIN:
            return partial(self._admin_may, principal)
        return lambda: self._introspection is Introspection.ON
