"""What looks like PII has to be declared, or to be said not to be any."""

import pytest

from gateway.contracts import load_contracts

CODE = "CONTRACT_PII_UNDECLARED"


def with_field(text, field, side="input"):
    if side == "input":
        return text.replace("reason: String}", f"reason: String, {field}}}")
    return text.replace("output: {refundId: ID!}", f"output: {{refundId: ID!, {field}}}")


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("x: EmailAddress", "contact"),
        ("x: '[PhoneNumber!]'", "contact"),
        ("email: String", "contact"),
        ("e_mail: String", "contact"),
        ("contactEmails: '[String]'", "contact"),
        ("mobilePhone: String", "contact"),
        ("phone: Int", "contact"),
        ("billingAddress: JSON", "contact"),
        ("firstName: String", "contact"),
        ("customerName: NonEmptyString", "contact"),
        ("birthDate: Date", "contact"),
        ("iban: String", "financial"),
        ("IBAN: String", "financial"),
        ("bankAccount: ID", "financial"),
        ("creditCard: String", "financial"),
        ("salary: Float", "financial"),
        ("taxID: String", "financial"),
        ("diagnosis: String", "health"),
        ("allergies: '[Allergy!]'", "health"),
        ("password: String", "credential"),
        ("apiKey: String", "credential"),
        ("sessionToken: String", "credential"),
        ("passportNumber: String", "credential"),
    ],
)
def test_a_name_or_a_scalar_that_says_so_is_refused(issues_of, shop_files, field, says, side):
    text = with_field(shop_files["reverse.yaml"], field, side)
    text += "types: {Allergy: [NUTS, MILK]}\n" if "Allergy" in field else ""
    (found,) = issues_of({"reverse.yaml": text})
    assert found.code == CODE
    assert f"looks like personal data ({says})" in found.message
    assert "policy.pii" in found.message
    assert "policy.notPii" in found.message
    name = field.partition(":")[0]
    line = next(at for at, one in enumerate(text.splitlines(), 1) if field in one)
    column = text.splitlines()[line - 1].index(f" {name}: ") + len(name) + 4
    assert found.path == f"reverse.yaml:{line}:{column}"


@pytest.mark.parametrize(
    "field",
    [
        *("name: String", "roleName: String", "hostName: String", "pinned: String"),
        *("emails: Int", "addresses: Int", "tokens: Int", "hasPhone: Boolean", "pageToken: String"),
        *("addressType: String", "emailedAt: DateTime", "expiry: Date", "street: Street"),
        *("healthUrl: URL", "secretary: String", "compass: String", "cardinal: String"),
    ],
)
def test_what_only_sounds_alike_is_left_alone(write, shop_files, field):
    text = with_field(shop_files["reverse.yaml"], field)
    text += "types: {Street: [MAIN, HIGH]}\n" if "Street" in field else ""
    load_contracts([write({**shop_files, "reverse.yaml": text})])


PERSON = """\
types:
  Customer: {id: ID!, name: String, kin: "[Customer!]", home: Home}
  Home: {city: String, phone: String}
"""


def test_nested_models_are_looked_into_at_any_depth(issues_of, shop_files):
    text = with_field(shop_files["reverse.yaml"], "buyers: '[Customer!]'", "output") + PERSON
    found = issues_of({"reverse.yaml": text})
    assert [issue.code for issue in found] == [CODE, CODE]
    assert "'buyers.name' (String)" in found[0].message
    assert "'buyers.home.phone' (String)" in found[1].message
    lines = [int(issue.path.split(":")[1]) for issue in found]
    assert [text.splitlines()[line - 1].split(":")[0].strip() for line in lines] == [
        "Customer",
        "Home",
    ]


def test_a_model_that_is_shared_is_told_where_it_is_used(issues_of, shop_files):
    types = shop_files["types.yaml"] + "  Contact: {fax: String}\n"
    text = with_field(shop_files["reverse.yaml"], "to: Contact")
    (found,) = issues_of({"types.yaml": types, "reverse.yaml": text})
    assert (found.code, "'to.fax'" in found.message) == (CODE, True)
    assert found.path.startswith("reverse.yaml:9:")


def test_a_model_with_a_telling_name_is_told_as_a_whole(issues_of, shop_files):
    text = with_field(shop_files["reverse.yaml"], "address: Place")
    text += "types: {Place: {line: String, city: String}}\n"
    (found,) = issues_of({"reverse.yaml": text})
    assert "'address' (Place)" in found.message


def test_an_event_declares_its_own(issues_of, shop_files):
    text = shop_files["issued.yaml"].replace("amount: Float}", "amount: Float, email: String}")
    (found,) = issues_of({"issued.yaml": text})
    assert (found.code, found.path) == (CODE, "issued.yaml:8:62")
    assert "add it to pii, or to notPii" in found.message


@pytest.mark.parametrize(
    "policy",
    [
        "pii: [buyers]",
        "pii: [buyers.name, buyers.home.phone]",
        "pii: [buyers.name], notPii: {buyers.home: the address of a shop}",
        "notPii: {buyers: 'test people, made up'}",
    ],
)
def test_what_is_declared_or_excused_is_accepted(write, shop_files, policy):
    text = with_field(shop_files["reverse.yaml"], "buyers: '[Customer]'", "output") + PERSON
    text = text.replace("{auth: user}", f"{{auth: user, {policy}}}")
    load_contracts([write({**shop_files, "reverse.yaml": text})])


@pytest.mark.parametrize(
    ("policy", "code", "says"),
    [
        ("notPii: {gone: because}", "CONTRACT_REFERENCE_UNKNOWN", "there is no 'gone'"),
        ("notPii: {reason: ''}", "CONTRACT_VALUE_INVALID", "the reason why"),
        ("notPii: [reason]", "CONTRACT_VALUE_INVALID", "a mapping"),
        ("pii: [reason], notPii: {reason: no}", "CONTRACT_VALUE_INVALID", "keep one of the two"),
    ],
)
def test_an_excuse_needs_a_path_and_a_reason(issues_of, shop_files, policy, code, says):
    text = shop_files["reverse.yaml"].replace("{auth: user}", f"{{auth: user, {policy}}}")
    (found,) = issues_of({"reverse.yaml": text})
    assert found.code == code
    assert says in found.message


def test_models_that_repeat_without_end_are_refused_soon(issues_of, shop_files):
    fields = "{" + ", ".join(f"f{at}: T%d" for at in range(8)) + "}"
    types = "types:\n" + "".join(
        f"  T{depth}: {fields.replace('%d', str(depth + 1))}\n" for depth in range(12)
    )
    text = with_field(shop_files["reverse.yaml"], "x: T0") + types + "  T12: {a: String}\n"
    (found,) = issues_of({"reverse.yaml": text})
    assert "flatten them" in found.message
