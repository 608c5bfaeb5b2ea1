"""Contracts, and ways to change one part of them: for each, what the change falls under."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.contracts import Registry
from gateway.model.contract import (
    AuthLevel,
    CapabilityContract,
    CapabilityKind,
    Compensation,
    ContractPolicy,
    Entity,
    EnumType,
    ErrorSpec,
    EventContract,
    HttpHandler,
    Kind,
    Meta,
    ObjectType,
    OperationContract,
    PythonHandler,
    RateKey,
    RateLimit,
    Risk,
    Stability,
)
from gateway.model.pii import PiiClass
from gateway.model.types import parse_type

Fields = Mapping[str, Any]


def fields(**notation: str) -> Fields:
    return {name: parse_type(text) for name, text in notation.items()}


CONTACT, HEALTH = frozenset({PiiClass.CONTACT}), frozenset({PiiClass.HEALTH})
LINE = ObjectType("Line", fields(sku="ID!", note="String", gift="Gift"))
GIFT = EnumType("Gift", ("WRAPPED", "PLAIN"))
SIZE = EnumType("Size", ("S", "L"))
PARCEL = ObjectType("Parcel", fields(kg="Float", fill="Fill"))
FILL = EnumType("Fill", ("PAPER", "AIR"))


def types(*named: ObjectType | EnumType) -> dict[str, ObjectType | EnumType]:
    return {one.name: one for one in (LINE, GIFT, SIZE, *named)}


ORDER = OperationContract(
    meta=Meta(
        *("shop.order.place", "1.0.0", "Place", "Places it.", "shop"),
        owners=("shop.team",),
        tags=("money",),
        stability=Stability.BETA,
        goal="Sell.",
        context="Ever.",
    ),
    kind=Kind.COMMAND,
    input=fields(lines="[Line!]!", email="EmailAddress!", note="String", size="Size"),
    output=fields(orderId="ID!", email="EmailAddress!", total="Float", lines="[Line!]"),
    policy=ContractPolicy(
        AuthLevel.USER,
        pii=("email",),
        rate_limit=RateLimit(60, RateKey.USER),
        subject="email",
        consent="orders",
        pii_classes={"email": CONTACT},
        not_pii={"note": "it is printed"},
    ),
    digest="0" * 64,
    types=types(),
    errors={"SOLD_OUT": ErrorSpec("SOLD_OUT", 409, "None left.")},
    capability="shop.core@1.0.0",
    risk=Risk.MEDIUM,
    emits=("shop.order.placed@1.0.0",),
    handler=HttpHandler("POST", "https://shop.example/orders", timeout=5.0, idempotency_key=True),
    compensation=Compensation("shop.order.cancel@1.0.0", {}),
)
LOOK = replace(
    ORDER,
    meta=replace(ORDER.meta, key="shop.order.look"),
    kind=Kind.QUERY,
    policy=ContractPolicy(AuthLevel.USER, idempotent=True),
    input=fields(limit="Int", offset="Int", after="String"),
    output=fields(orderId="ID!", lines="[Line!]!", total="Int!", next="String"),
    types=types(),
    errors={},
    emits=(),
    handler=PythonHandler("shop:look", 5.0, idempotency_key=True),
    compensation=None,
    entity=Entity({"orderId": "orderId"}),
)
PLACED = EventContract(
    meta=replace(ORDER.meta, key="shop.order.placed"),
    payload=fields(orderId="ID!", email="EmailAddress!", parcel="Parcel"),
    digest="0" * 64,
    types={"Parcel": PARCEL, "Fill": FILL},
    pii=("email",),
    pii_classes={"email": CONTACT},
)
CORE = CapabilityContract(
    meta=replace(ORDER.meta, key="shop.core"),
    requires=("base@1.0.0",),
    operations=("shop.order.place@1.0.0",),
    events=("shop.order.placed@1.0.0",),
)


@dataclass(frozen=True)
class Shop:
    """A set of contracts, of which one of each kind is changed."""

    order: OperationContract = ORDER
    look: OperationContract = LOOK
    placed: EventContract = PLACED
    core: CapabilityContract = CORE
    more: tuple[OperationContract, ...] = ()
    without: frozenset[str] = frozenset()

    def registry(self) -> Registry:
        def kept(*contracts: Any) -> list[Any]:
            return [one for one in contracts if one.ref not in self.without]

        operations = kept(self.order, self.look, *self.more)
        return Registry(operations, kept(self.placed), kept(self.core))


Edit = Callable[[Shop], Shop]


def order(**parts: Any) -> Edit:
    return lambda shop: replace(shop, order=replace(shop.order, **parts))


def policy(**parts: Any) -> Edit:
    def edit(shop: Shop) -> Shop:
        changed = replace(shop.order.policy, **parts)
        return replace(shop, order=replace(shop.order, policy=changed))

    return edit


def meta(**parts: Any) -> Edit:
    return lambda shop: replace(
        shop, order=replace(shop.order, meta=replace(shop.order.meta, **parts))
    )


def handler(**parts: Any) -> Edit:
    return order(handler=replace(ORDER.handler or HttpHandler("GET", ""), **parts))


def look(**parts: Any) -> Edit:
    handled = replace(LOOK.handler or PythonHandler(""), **parts)
    return lambda shop: replace(shop, look=replace(shop.look, handler=handled))


def looked(**output: str) -> Edit:
    """Other fields in the output of the list."""
    return lambda shop: replace(
        shop, look=replace(shop.look, output={**shop.look.output, **fields(**output)})
    )


def event(**parts: Any) -> Edit:
    return lambda shop: replace(shop, placed=replace(shop.placed, **parts))


def core(**parts: Any) -> Edit:
    return lambda shop: replace(shop, core=replace(shop.core, **parts))


def gone(ref: str) -> Edit:
    return lambda shop: replace(shop, without=shop.without | {ref})


def looking(**parts: Any) -> Edit:
    """Other parts of the query."""
    return lambda shop: replace(shop, look=replace(shop.look, **parts))


def version(number: str, **parts: Any) -> Edit:
    """Another version of the order, beside it."""

    def edit(shop: Shop) -> Shop:
        other = replace(ORDER, meta=replace(ORDER.meta, version=number), **parts)
        rest = tuple(one for one in shop.more if one.ref != other.ref)
        return replace(shop, more=(*rest, other))

    return edit


def input_(**notation: str) -> Edit:
    return order(input={**ORDER.input, **fields(**notation)})


def output(**notation: str) -> Edit:
    return order(output={**ORDER.output, **fields(**notation)})


def without(side: str, name: str) -> Edit:
    kept = {key: ref for key, ref in getattr(ORDER, side).items() if key != name}
    return order(**{side: kept})


def line(**notation: str) -> Edit:
    return order(types=types(ObjectType("Line", {**LINE.fields, **fields(**notation)})))


def said(of: str, name: str, value: object) -> Edit:
    """Another ``name`` in what the contract at ``of`` says of itself."""

    def edit(shop: Shop) -> Shop:
        contract = getattr(shop, of)
        return replace(
            shop, **{of: replace(contract, meta=replace(contract.meta, **{name: value}))}
        )

    return edit


AT = "shop.order.place@1.0.0"
LOOKED = "shop.order.look@1.0.0"
CONNECTED = "shopOrderLookConnection"
EVENT = "shop.order.placed@1.0.0"
OF = "shop.core@1.0.0"

PEEK = replace(
    LOOK,
    meta=replace(LOOK.meta, key="shop.order.peek"),
    input={},
    output=fields(found="[Line!]"),
    policy=ContractPolicy(AuthLevel.USER, pii=("found.sku",), idempotent=True),
    entity=None,
)
"""It calls personal data what other contracts promise of the same type."""

PAIRS: list[tuple[str, Edit, set[tuple[str, str]]]] = [
    (
        "PII of another contract in a type that it shares",
        lambda shop: replace(shop, more=(*shop.more, PEEK)),
        {("operation-added", PEEK.ref), ("field-changed-kind", "ShopLine.sku")},
    ),
    (
        "a removed operation",
        gone(AT),
        {("operation-removed", AT)},
    ),
    (
        "a query that became a command",
        lambda shop: replace(shop, look=replace(shop.look, kind=Kind.COMMAND)),
        {("kind-changed", LOOKED)},
    ),
    (
        "a second list, so that nobody can tell which a connection reads",
        looked(gifts="[Line!]"),
        {("field-added", f"{LOOKED} output.gifts"), ("connection-removed", CONNECTED)},
    ),
    (
        "a second list, which a connection reads instead",
        looked(items="[Line!]"),
        {("field-added", f"{LOOKED} output.items"), ("connection-changed", CONNECTED)},
    ),
    (
        "a total that may be missing, so that a connection reads behind a cursor",
        looked(total="Int"),
        {("field-changed-kind", f"{LOOKED} output.total"), ("connection-changed", CONNECTED)},
    ),
    (
        "an entity with an id of its own",
        looked(id="ID!"),
        {("field-added", f"{LOOKED} output.id"), ("entity-removed", f"{LOOKED} entity")},
    ),
    (
        "no input any more, so that GraphQL has no argument for it",
        looking(input={}),
        {
            *{("field-removed", f"{LOOKED} input.{name}") for name in LOOK.input},
            ("field-removed", f"{LOOKED} input"),
            ("connection-removed", CONNECTED),
        },
    ),
    ("a required input", input_(more="ID!"), {("required-input-field-added", f"{AT} input.more")}),
    ("an optional input", input_(more="ID"), {("optional-input-field-added", f"{AT} input.more")}),
    ("an input less", without("input", "note"), {("field-removed", f"{AT} input.note")}),
    (
        "an input made required",
        input_(note="String!"),
        {("field-changed-kind", f"{AT} input.note")},
    ),
    (
        "an input made optional",
        input_(lines="[Line!]"),
        {("field-changed-kind-safe", f"{AT} input.lines")},
    ),
    (
        "an input of items that may be null",
        input_(lines="[Line]!"),
        {("field-changed-kind-safe", f"{AT} input.lines")},
    ),
    ("an input of another type", input_(note="ID"), {("field-changed-kind", f"{AT} input.note")}),
    ("a list of an input", input_(note="[String]"), {("field-changed-kind", f"{AT} input.note")}),
    ("an output more", output(more="ID!"), {("field-added", f"{AT} output.more")}),
    ("an output less", without("output", "total"), {("field-removed", f"{AT} output.total")}),
    ("a nullable output", output(orderId="ID"), {("field-changed-kind", f"{AT} output.orderId")}),
    (
        "an output that is promised",
        output(total="Float!"),
        {("field-changed-kind-safe", f"{AT} output.total")},
    ),
    ("PII that is nullable anyway", output(email="EmailAddress"), set()),
    (
        "a field more in a type of both sides",
        line(more="ID"),
        {("optional-input-field-added", "ShopLineInput.more"), ("field-added", "ShopLine.more")},
    ),
    (
        "an enum with other values",
        order(types=types(EnumType("Gift", ("WRAPPED", "RIBBON")))),
        {
            ("value-removed-from-enum", "ShopGift.PLAIN"),
            ("value-added-to-enum", "ShopGift.RIBBON"),
        },
    ),
    (
        "an enum that became an object",
        order(types=types(ObjectType("Size", fields(cm="Int")))),
        {("type-changed-kind", "ShopSize")},
    ),
    (
        "another error",
        order(errors={**ORDER.errors, "SHUT": ErrorSpec("SHUT", 503, "")}),
        {("error-added", f"{AT} errors.SHUT")},
    ),
    ("an error less", order(errors={}), {("error-removed", f"{AT} errors.SOLD_OUT")}),
    (
        "an error of another status",
        order(errors={"SOLD_OUT": ErrorSpec("SOLD_OUT", 410, "None left.")}),
        {("error-changed", f"{AT} errors.SOLD_OUT")},
    ),
    (
        "an error that a retry can help",
        order(errors={"SOLD_OUT": ErrorSpec("SOLD_OUT", 409, "None left.", retryable=True)}),
        {("error-changed", f"{AT} errors.SOLD_OUT")},
    ),
    (
        "an error told otherwise",
        order(errors={"SOLD_OUT": ErrorSpec("SOLD_OUT", 409, "No.")}),
        {("description-changed", f"{AT} errors.SOLD_OUT")},
    ),
    (
        "an error that comes at another time",
        order(errors={"SOLD_OUT": ErrorSpec("SOLD_OUT", 409, "None left.", "Late.")}),
        {("description-changed", f"{AT} errors.SOLD_OUT")},
    ),
    ("no event", order(emits=()), {("event-removed", f"{AT} emits {EVENT}")}),
    (
        "another event",
        order(emits=(EVENT, "shop.x@1.0.0")),
        {("event-added", f"{AT} emits shop.x@1.0.0")},
    ),
    ("a higher level", policy(auth=AuthLevel.ADMIN), {("auth-raised", AT)}),
    ("a lower level", policy(auth=AuthLevel.ANONYMOUS), {("auth-lowered", AT)}),
    ("a higher risk", order(risk=Risk.CRITICAL), {("risk-raised", AT)}),
    ("a lower risk", order(risk=Risk.LOW), {("risk-lowered", AT)}),
    ("approval", policy(escalate=True), {("approval-demanded", AT)}),
    (
        "no limit",
        policy(rate_limit=None),
        {("rate-limit-loosened", f"{AT} rateLimit")},
    ),
    (
        "a tighter limit that more share",
        policy(rate_limit=RateLimit(6, RateKey.ORG)),
        {
            ("rate-limit-tightened", f"{AT} rateLimit"),
            ("rate-limit-shared-otherwise", f"{AT} rateLimit"),
        },
    ),
    (
        "a tighter limit",
        policy(rate_limit=RateLimit(6, RateKey.USER)),
        {("rate-limit-tightened", f"{AT} rateLimit")},
    ),
    (
        "a limit that more share",
        policy(rate_limit=RateLimit(60, RateKey.ORG)),
        {("rate-limit-shared-otherwise", f"{AT} rateLimit")},
    ),
    ("another cost", policy(cost=500), {("cost-changed", AT)}),
    ("idempotent", policy(idempotent=True), {("idempotence-gained", AT)}),
    ("no subject", policy(subject=None), {("subject-changed", AT)}),
    ("no consent", policy(consent=None), {("consent-waived", AT)}),
    ("another consent", policy(consent="ads"), {("consent-purpose-changed", AT)}),
    (
        "less PII, which an output then promises",
        policy(pii=(), pii_classes={}),
        {
            ("pii-undeclared", f"{AT} input.email"),
            ("pii-undeclared", f"{AT} output.email"),
            ("field-changed-kind-safe", f"{AT} output.email"),
        },
    ),
    (
        "more PII, in a type too",
        policy(pii=("email", "lines.sku"), pii_classes={"email": CONTACT, "lines.sku": HEALTH}),
        {
            ("pii-declared", f"{AT} input.lines.sku"),
            ("pii-declared", f"{AT} output.lines.sku"),
            ("field-changed-kind", "ShopLine.sku"),
        },
    ),
    (
        "more PII of any class",
        policy(pii=("email", "note")),
        {("pii-declared", f"{AT} input.note")},
    ),
    (
        "other classes",
        policy(pii_classes={"email": HEALTH}),
        {
            ("pii-classes-changed", f"{AT} input.email"),
            ("pii-classes-changed", f"{AT} output.email"),
        },
    ),
    (
        "PII that goes with its field",
        lambda shop: policy(pii=(), pii_classes={})(
            without("input", "email")(
                replace(
                    shop,
                    order=replace(shop.order, output=fields(orderId="ID!", total="Float")),
                )
            )
        ),
        {
            ("field-removed", f"{AT} input.email"),
            ("field-removed", f"{AT} output.email"),
            ("field-removed", f"{AT} output.lines"),
        },
    ),
    ("another reason", policy(not_pii={"note": "x"}), {("not-pii-changed", f"{AT} notPii.note")}),
    ("another capability", order(capability="a@1.0.0"), {("capability-changed", AT)}),
    ("another domain", meta(domain="store"), {("domain-changed", AT)}),
    ("deprecated", meta(stability=Stability.DEPRECATED), {("deprecated", AT)}),
    ("stable", meta(stability=Stability.STABLE), {("stability-raised", AT)}),
    ("an experiment", meta(stability=Stability.EXPERIMENTAL), {("stability-lowered", AT)}),
    ("other owners", meta(owners=("x",)), {("owners-changed", AT)}),
    ("other tags", meta(tags=()), {("tags-changed", AT)}),
    ("another title", meta(title="x"), {("description-changed", f"{AT} title")}),
    ("another text", meta(description="x"), {("description-changed", f"{AT} description")}),
    ("another goal", meta(goal="x"), {("description-changed", f"{AT} goal")}),
    ("another context", meta(context="x"), {("description-changed", f"{AT} context")}),
    ("another method", handler(method="PUT"), {("handler-changed", f"{AT} handler")}),
    ("other statuses", handler(errors={410: "X"}), {("handler-changed", f"{AT} handler")}),
    ("another function", look(target="a:b"), {("handler-changed", f"{LOOKED} handler")}),
    ("more time for it", look(timeout=9.0), {("timeout-lengthened", f"{LOOKED} handler")}),
    ("no keys for it", look(idempotency_key=False), {("key-not-honoured", f"{LOOKED} handler")}),
    ("another URL", handler(url="https://x.example"), {("handler-changed", f"{AT} handler")}),
    ("other headers", handler(headers={"a": "b"}), {("handler-changed", f"{AT} handler")}),
    (
        "another handler",
        order(handler=PythonHandler("a:b", 5.0, idempotency_key=True)),
        {("handler-changed", f"{AT} handler")},
    ),
    ("no handler", order(handler=None), {("handler-changed", f"{AT} handler")}),
    ("more time", handler(timeout=9.0), {("timeout-lengthened", f"{AT} handler")}),
    ("less time", handler(timeout=1.0), {("timeout-shortened", f"{AT} handler")}),
    ("no keys", handler(idempotency_key=False), {("key-not-honoured", f"{AT} handler")}),
    ("no undo", order(compensation=None), {("compensation-removed", f"{AT} compensation")}),
    (
        "another undo",
        order(compensation=Compensation("shop.order.cancel@1.0.0", {"a": 1})),
        {("compensation-changed", f"{AT} compensation")},
    ),
    (
        "an undo by another",
        order(compensation=Compensation("shop.order.undo@1.0.0", {})),
        {("compensation-changed", f"{AT} compensation")},
    ),
    (
        "an entity",
        order(entity=Entity({"orderId": "note"})),
        {("entity-added", f"{AT} entity")},
    ),
    (
        "another key",
        lambda shop: replace(shop, look=replace(shop.look, entity=Entity({"orderId": "number"}))),
        {("entity-key-changed", "shop.order.look@1.0.0 entity")},
    ),
    (
        "an entity elsewhere",
        lambda shop: replace(
            shop, look=replace(shop.look, entity=Entity({"orderId": "orderId"}, within="order"))
        ),
        {("entity-key-changed", "shop.order.look@1.0.0 entity")},
    ),
    ("something else", order(digest="1" * 64), {("content-changed", AT)}),
    (
        "a removed event",
        gone(EVENT),
        {("event-removed", EVENT)},
    ),
    (
        "an event that tells less",
        event(payload=fields(email="EmailAddress!", parcel="Parcel")),
        {("field-removed", f"{EVENT} payload.orderId")},
    ),
    (
        "an event without PII",
        event(pii=(), pii_classes={}, not_pii={"email": "it is ours"}),
        {
            ("pii-undeclared", f"{EVENT} payload.email"),
            ("field-changed-kind-safe", f"{EVENT} payload.email"),
            ("not-pii-changed", f"{EVENT} notPii.email"),
        },
    ),
    (
        "an event with more PII",
        event(pii=("email", "parcel.kg")),
        {("pii-declared", f"{EVENT} payload.parcel.kg")},
    ),
    (
        "an event with PII of other classes",
        event(pii_classes={"email": HEALTH}),
        {("pii-classes-changed", f"{EVENT} payload.email")},
    ),
    (
        "an event with another reason",
        event(not_pii={"orderId": "x"}),
        {("not-pii-changed", f"{EVENT} notPii.orderId")},
    ),
    (
        "an event with a type that tells more",
        event(types={"Parcel": PARCEL, "Fill": replace(FILL, values=("PAPER", "AIR", "FOAM"))}),
        {("value-added-to-enum", "ShopFill.FOAM")},
    ),
    (
        "an event with another type",
        event(types={"Parcel": replace(PARCEL, fields=fields(kg="Float")), "Fill": FILL}),
        {("field-removed", "ShopParcel.fill")},
    ),
    ("an event of another digest", event(digest="1" * 64), {("content-changed", EVENT)}),
    (
        "a removed capability",
        gone(OF),
        {("capability-removed", OF)},
    ),
    (
        "a capability that provides less",
        core(operations=()),
        {("capability-provides-less", f"{OF} provides {AT}")},
    ),
    (
        "a capability that provides no event",
        core(events=()),
        {("capability-provides-less", f"{OF} provides {EVENT}")},
    ),
    (
        "a capability that requires another",
        core(requires=("other@1.0.0",)),
        {
            ("capability-requires-less", f"{OF} requires base@1.0.0"),
            ("capability-requires-more", f"{OF} requires other@1.0.0"),
        },
    ),
    (
        "a capability of another type",
        core(type=CapabilityKind.DATA),
        {("capability-type-changed", OF)},
    ),
    (
        "a newer version beside it, which takes the plain field",
        version("2.0.0", input=fields(email="EmailAddress!")),
        {
            ("operation-added", "shop.order.place@2.0.0"),
            ("contract-replaced", "shopOrderPlace"),
            ("root-field-added", "shopOrderPlaceV1"),
            ("field-removed", "shopOrderPlace input.lines"),
            ("field-removed", "shopOrderPlace input.note"),
            ("field-removed", "shopOrderPlace input.size"),
        },
    ),
    *(
        (f"{words} of {noun}", said(of, name, value), {(code, f"{ref} {name}" if text else ref)})
        for noun, of, ref in (("an event", "placed", EVENT), ("a capability", "core", OF))
        for words, name, value, code, text in (
            ("another domain", "domain", "store", "domain-changed", False),
            ("another stability", "stability", Stability.STABLE, "stability-raised", False),
            ("other owners", "owners", ("x",), "owners-changed", False),
            ("other tags", "tags", (), "tags-changed", False),
            ("another title", "title", "x", "description-changed", True),
            ("another text", "description", "x", "description-changed", True),
            ("another goal", "goal", "x", "description-changed", True),
            ("another context", "context", "x", "description-changed", True),
        )
    ),
]
"""What is done to the contracts, and every change with its place that comes of it."""
