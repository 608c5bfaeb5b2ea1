"""The classes of declared PII: written by the contract, or read from its types and names."""

import pytest

from gateway.contracts import classes_at, classes_taken, load_contracts

REF = "shop.refund.reverse@1.0.0"


@pytest.fixture
def reverse(write, shop_files):
    """Loads ``shop.refund.reverse`` with more input, output, types and PII."""

    def load(pii, given="", answered="", types=""):
        text = shop_files["reverse.yaml"]
        text = text.replace("reason: String}", f"reason: String{given}}}")
        text = text.replace("output: {refundId: ID!}", f"output: {{refundId: ID!{answered}}}")
        text = text.replace("{auth: user}", f"{{auth: user, pii: {pii}}}")
        folder = write({**shop_files, "reverse.yaml": text + types})
        return load_contracts([folder]).operations[REF]

    return load


def classes(contract):
    return {path: sorted(found) for path, found in contract.policy.pii_classes.items()}


@pytest.mark.parametrize(
    ("field", "ref", "expected"),
    [
        ("x", "EmailAddress", ["contact"]),
        ("x", "'[PhoneNumber!]'", ["contact"]),
        ("cardEmail", "EmailAddress", ["contact"]),
        ("customerName", "String", ["contact"]),
        ("shipping_address", "String", ["contact"]),
        ("dateOfBirth", "Date", ["contact"]),
        ("IBAN", "String", ["financial"]),
        ("cardNumbers", "'[String]'", ["financial"]),
        ("taxId", "ID", ["financial"]),
        ("salary", "Float", ["financial"]),
        ("diagnoses", "'[String!]'", ["health"]),
        ("accessToken", "String", ["credential"]),
        ("passportNo", "String", ["credential"]),
        ("ssn", "Int", ["credential"]),
        ("body", "String", ["free_text"]),
        ("remark", "NonEmptyString", ["free_text"]),
        ("extra", "JSON", ["free_text"]),
        ("address", "JSONObject", ["contact", "free_text"]),
        ("count", "Int", ["free_text"]),
    ],
)
def test_the_scalar_says_it_first_and_then_the_name(reverse, field, ref, expected):
    assert classes(reverse(f"[{field}]", given=f", {field}: {ref}")) == {field: expected}


NESTED = """\
types:
  Person: {name: String, mail: EmailAddress, account: Account, friends: "[Person!]"}
  Account: {iban: String, note: String, opened: Date, kind: Kind}
  Kind: [GIRO, SAVINGS]
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("person", ["contact", "financial"]),
        ("person.mail", ["contact"]),
        ("person.account", ["financial"]),
        ("person.account.note", ["financial"]),  # as the name around it says
        ("person.friends.account.iban", ["financial"]),
        ("other", ["financial", "free_text"]),
        ("other.opened", ["free_text"]),
    ],
)
def test_a_nested_model_has_the_classes_of_what_is_inside(reverse, path, expected):
    paths = dict.fromkeys((path, "person", "other"))  # the whole, so that nothing is undeclared
    contract = reverse(
        f"[{', '.join(paths)}]", given=", person: Person, other: Account", types=NESTED
    )
    assert classes(contract)[path] == expected


def test_a_mapping_says_the_classes_itself(reverse):
    contract = reverse("{reason: [free_text, health], refundId: credential}")
    assert contract.policy.pii == ("reason", "refundId")
    assert classes(contract) == {"reason": ["free_text", "health"], "refundId": ["credential"]}


@pytest.mark.parametrize(
    ("pii", "says"),
    [
        ("{reason: secret}", "'secret' is not one of contact, financial, health, credential"),
        ("{reason: []}", "needs 1 to 5 entries"),
        ("{reason: [contact, contact]}", "'contact' is here twice"),
        ("{reason: {a: b}}", "one of contact"),
        ("reason", "a list of paths, or a mapping of paths to classes"),
        ("{nobody: contact}", "there is no 'nobody' in input or output"),
        ("[reason, nobody]", "there is no 'nobody' in input or output"),
        ("{9: contact}", "a dotted path of field names"),
    ],
)
def test_what_is_no_declaration_is_refused_where_it_stands(issues_of, shop_files, pii, says):
    text = shop_files["reverse.yaml"].replace("{auth: user}", f"{{auth: user, pii: {pii}}}")
    (found,) = issues_of({"reverse.yaml": text})
    assert says in found.message
    line = text.splitlines().index(next(one for one in text.splitlines() if "pii:" in one)) + 1
    assert found.path.startswith(f"reverse.yaml:{line}:")


def test_a_list_and_a_mapping_that_mean_the_same_are_told_apart_by_their_digest_alone(reverse):
    listed, mapped = reverse("[reason]"), reverse("{reason: free_text}")
    assert classes(listed) == classes(mapped)
    assert listed.policy.pii == mapped.policy.pii
    assert listed.digest != mapped.digest


def test_an_event_has_classes_too(write, shop_files):
    text = shop_files["issued.yaml"].replace("amount: Float}", "amount: Float, email: String}")
    folder = write({**shop_files, "issued.yaml": text + "pii: {email: [contact, health]}\n"})
    event = load_contracts([folder]).events["shop.refund.issued@1.0.0"]
    assert event.pii == ("email",)
    assert sorted(event.pii_classes["email"]) == ["contact", "health"]


def test_what_stands_at_a_path_and_what_a_path_takes(reverse):
    contract = reverse(
        "{person: contact, person.account: financial}",
        given=", person: Person",
        answered=", person: Person",
        types=NESTED,
    )

    def at(path):
        return sorted(classes_at(contract, "output", path)), sorted(classes_taken(contract, path))

    assert at("person") == (["contact", "financial"], ["contact"])
    assert at("person.account.iban") == (["contact", "financial"],) * 2
    assert at("person.name") == (["contact"], ["contact"])
    assert at("refundId") == ([], [])
