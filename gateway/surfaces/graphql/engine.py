"""What runs operations, whichever transport they come by: one schema, its guards, one door."""

import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary

from graphql import GraphQLSchema

from gateway.model.principal import Principal
from gateway.surfaces.graphql.door import CallContext, Door, Subscribe
from gateway.surfaces.graphql.limiting.cost import cost_of, exceeded_by
from gateway.surfaces.graphql.limiting.deadline import TimedDoor
from gateway.surfaces.graphql.limiting.limit_errors import limit_refusal
from gateway.surfaces.graphql.limiting.repeated import refuse_copies
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.operations.documents import Documents
from gateway.surfaces.graphql.operations.execution import Operation, choose_operation
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.schema.build import ContractSource, build_schema
from gateway.surfaces.graphql.schema.sight import Introspection, MayCall, Sight, sight_of
from gateway.surfaces.graphql.trusted import TrustedDocuments

MOST_OWN = 256
"""How many schemas of workspaces with contracts of their own are kept: those used last. Each takes
1.5 MB beside its documents, and is made in a tenth of a second."""

_log = logging.getLogger(__name__)


class Engine:
    """Makes operations of one schema ready to run, within limits.

    ``door`` performs the governed calls, ``subscribe`` gives the events. ``introspection`` says
    who may read the schema, ``may_call`` which of its root fields are a caller's own.
    ``own_contracts`` gives the contracts of a workspace that has more than those of ``schema``: it
    gets a schema of its own, made when it is first asked for and kept as long as that object lives
    and it is one of the ``MOST_OWN`` that were used last.
    ``trusted`` says which documents are registered, and whether others run; ``build`` makes such
    schemas.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        door: Door,
        *,
        subscribe: Subscribe | None = None,
        introspection: Introspection = Introspection.ON,
        may_call: MayCall = lambda _principal: frozenset(),
        limits: Limits | None = None,
        own_contracts: Callable[[str], ContractSource | None] = lambda _workspace: None,
        trusted: TrustedDocuments | None = None,
        build: Callable[[ContractSource], GraphQLSchema] = build_schema,
    ) -> None:
        self.limits = limits or Limits()
        self._documents = Documents(schema, self.limits)
        self._door = door
        self._subscribe = subscribe
        self._introspection = introspection
        self._may_call = may_call
        self._own_contracts = own_contracts
        self._build = build
        self._trusted = trusted or TrustedDocuments()
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
            RequestRefusedError: the document is not known or not trusted, does not parse, breaks a
                limit or a rule of GraphQL, asks for the schema where the caller may not, has no
                such operation, it costs too much, or it makes too much of its variables.
        """
        chosen = self._trusted.choose(parameters)
        documents = self._documents_for(principal.workspace)

        def seen() -> Sight:
            return sight_of(principal, documents.views, self._introspection, self._may_call)

        document = documents.prepare(chosen.text, seen, is_trusted=chosen.is_kept_apart)
        schema = seen().schema if document.introspects else documents.schema
        definition = choose_operation(document, parameters.operation_name)
        cost = cost_of(document.prices[id(definition)], definition, parameters.variables)
        exceeded = exceeded_by(cost, self.limits)
        if exceeded:
            raise limit_refusal(exceeded, document.shape)
        repeated = document.repeated.get(id(definition))
        if repeated is not None:
            refuse_copies(
                *(repeated, definition, parameters.variables),
                *(self.limits.body_bytes, document.shape),
            )
        self._trusted.note(chosen, document, principal, trace_id)
        door = TimedDoor(self._door, self.limits.operation_seconds)
        context = CallContext(
            *(door, principal, trace_id, self._subscribe, resume_after),
            sees_all=lambda: _sees_all(seen(), documents),
            sees=lambda name: _sees(seen(), name),
        )
        return Operation(
            *(schema, document, definition, parameters, context, self.limits, seen),
            cost=cost.total,
            document_id=chosen.document_id,
        )

    def _documents_for(self, workspace: str) -> Documents:
        source = self._own_contracts(workspace)
        if source is None:
            return self._documents
        found = self._own.pop(source, None)
        if found is None:
            found = self._made(source, workspace)
        self._own[source] = found  # behind all others, as the one that was used last
        if len(self._own) > MOST_OWN:
            del self._own[next(iter(self._own))]
        return found

    def _made(self, source: ContractSource, workspace: str) -> Documents:
        try:
            return Documents(self._build(source), self.limits)
        except Exception:  # what was installed must never keep a workspace from disabling it
            _log.exception("no schema can be made of the contracts of the workspace %s", workspace)
            return self._documents


def _sees_all(sight: Sight, documents: Documents) -> bool:
    return sight.is_open and sight.schema is documents.schema


def _sees(sight: Sight, name: str) -> bool:
    query = sight.schema.query_type
    return query is not None and name in query.fields
