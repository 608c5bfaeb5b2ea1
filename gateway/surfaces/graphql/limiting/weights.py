"""What a field of the schema says of its price: how much it weighs, how long its list is."""

from gateway.model.contract import OperationContract

WEIGHT = "gateway.cost"
"""The key of a field's weight among its extensions in the schema."""

EACH = "gateway.cost.each"
"""The key, among the extensions of a root field, that says that each item of its list argument is a
call: the field weighs as often."""

ASSUMED = "gateway.cost.assumed"
"""The key, among the extensions of a root field, of how long its list is where nobody asks."""

PAGE = 50
"""How long a list of a contract is taken for where nobody asks: the default of our own lists."""

_LONGER = {"policy.decision.search": 1_000}
"""Lists of our own with another default, as their handlers have it."""

_QUERY_WEIGHT = 5
_ACTION_WEIGHT = 40
"""Of a query that an action answers: it takes eight times as long as one of the gateway's own."""

_COMMAND_WEIGHT = 20


def weight_of(contract: OperationContract) -> int:
    """What a call of the contract weighs: what its policy says, or else by its kind."""
    if contract.policy.cost is not None:
        return contract.policy.cost
    if contract.is_command:
        return _COMMAND_WEIGHT
    return _QUERY_WEIGHT if contract.handler is None else _ACTION_WEIGHT


def assumed_of(contract: OperationContract) -> int:
    """How long the list of a contract is where nobody asks."""
    return _LONGER.get(contract.key, PAGE)
