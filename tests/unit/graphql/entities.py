"""Contracts that load entities, and a shop behind them, for the tests of what loads by key."""

from dataclasses import replace
from typing import Any

from gateway.model.contract import Entity, ObjectType
from gateway.model.problem import refuse
from tests.unit.graphql.support import PING, Catalogue, FakeDoor, fields, operation

ORDER = ObjectType("Order", fields(orderId="ID!", total="Float", note="String"))
PARCEL = ObjectType("Parcel", fields(number="Int!", depot="String!", id="ID!"))

ORDER_GET = replace(
    operation(
        "shop.order.get",
        given=fields(order="ID!", verbose="Boolean"),
        answer=fields(found="Order"),
        types=(ORDER,),
    ),
    entity=Entity({"orderId": "order"}, within="found"),
)
ORDER_LIST = operation("shop.order.list", answer=fields(items="[Order!]!"), types=(ORDER,))
BOOKING = replace(
    operation(
        "shop.booking.get",
        given=fields(room="String", day="Date"),
        answer=fields(day="Date!", room="String!", guest="String!"),
        pii=("guest",),
    ),
    entity=Entity({"room": "room", "day": "day"}),
)
PARCEL_GET = replace(
    operation(
        "shop.parcel.get",
        given=fields(number="Int!", depot="String!"),
        answer=fields(parcel="Parcel!"),
        types=(PARCEL,),
    ),
    entity=Entity({"number": "number", "depot": "depot"}, within="parcel"),
)
SHOP = {
    "shopBookingGet": BOOKING,
    "shopOrderGet": ORDER_GET,
    "shopOrderList": ORDER_LIST,
    "shopParcelGet": PARCEL_GET,
    "shopPing": PING,
}


def shop() -> Catalogue:
    """The contracts as a registry."""
    return Catalogue(SHOP)


def order(given: dict[str, Any]) -> dict[str, Any]:
    """The shop has orders o-1 to o-9; o-secret is refused, o-odd answers another order, o-gone
    is null, o-left-out is not in the output, and others are not found."""
    name = given["order"]
    if name == "o-secret":
        raise refuse("FORBIDDEN", "Not yours.")
    if name == "o-gone":
        return {"found": None}
    if name == "o-left-out":
        return {}
    if name == "o-odd":
        return {"found": {"orderId": "o-1", "total": 1.5}}
    if not (len(name) == 3 and name.startswith("o-")):
        raise refuse("NOT_FOUND", "There is no such order.")
    return {"found": {"orderId": name, "total": 1.5, "note": f"of {name}"}}


def shop_door() -> FakeDoor:
    """What answers for the shop."""
    items = [order({"order": name})["found"] for name in ("o-1", "o-2")]
    return FakeDoor(
        {
            "shop.order.get": order,
            "shop.order.list": {"items": items},
            "shop.booking.get": lambda given: {**given, "guest": None},
            "shop.parcel.get": lambda given: {"parcel": {**given, "id": "own"}},
        }
    )
