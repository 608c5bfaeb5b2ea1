# ruff: noqa: E501 - one row of a table stays on one line
"""Each rule of a contract file, broken alone: the issue names the place, a code and a remedy."""

import errno
import os
from pathlib import Path

import pytest

from gateway.contracts import files, load_contracts
from gateway.model.contract import HttpHandler, PythonHandler, Risk
from gateway.model.problem import ProblemError


def place_of(text, needle, start):
    """``line:column`` of where ``needle`` begins, looked for from ``start``."""
    before = text[: text.index(needle, start)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def test_a_whole_contract_is_read_into_the_model(shop):
    contract = shop.operations["shop.refund.issue@1.0.0"]
    assert contract.meta.source == "issue.yaml"
    assert contract.risk is Risk.HIGH
    assert contract.policy.escalate
    assert contract.policy.rate_limit is not None
    assert contract.policy.rate_limit.rpm == 60
    assert sorted(contract.types) == ["Address", "Currencies", "Line", "RefundStatus"]
    assert contract.handler == HttpHandler(
        method="POST",
        url="https://pay.internal/orders/{orderId}/refunds",
        headers={"Authorization": "Bearer ${secret:PAY_TOKEN}"},
        timeout=5.0,
        idempotency_key=True,
        errors={404: "ORDER_NOT_FOUND", 409: "ALREADY_REFUNDED"},
    )
    assert contract.compensation is not None
    assert contract.compensation.input == {"refundId": {"$from": "output.refundId"}}
    reverse = shop.operations["shop.refund.reverse@1.0.0"]
    assert reverse.handler == PythonHandler("shop.handlers:reverse", 0.5)


def test_a_contract_names_whose_data_its_pii_is(write, shop_files):
    text = shop_files["issue.yaml"].replace("  idempotent: false", "  subject: customerEmail")
    contract = load_contracts([write({**shop_files, "issue.yaml": text})]).operations[
        "shop.refund.issue@1.0.0"
    ]
    assert contract.policy.subject == "customerEmail"


def test_a_consent_is_one_of_the_subject_in_the_input(write, shop_files):
    told = "  subject: customerEmail\n  consent: newsletter"
    text = shop_files["issue.yaml"].replace("  idempotent: false", told)
    contract = load_contracts([write(shop_files | {"issue.yaml": text})]).resolve(
        "shop.refund.issue"
    )
    assert contract.policy.consent == "newsletter"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("  consent: newsletter", "consent needs 'subject'"),
        ("  subject: refundId\n  consent: newsletter", "no single 'refundId' in the input"),
        ("  subject: customerEmail\n  consent: 'a b'", "a short name without spaces"),
    ],
)
def test_a_consent_that_nobody_could_give_is_refused(write, shop_files, told, says):
    text = shop_files["issue.yaml"].replace("  idempotent: false", told)
    with pytest.raises(ProblemError) as refused:
        load_contracts([write(shop_files | {"issue.yaml": text})])
    assert any(says in issue.message for issue in refused.value.problem.issues)


@pytest.mark.parametrize(
    ("subject", "code", "says"),
    [
        ("nobody", "CONTRACT_REFERENCE_UNKNOWN", "there is no 'nobody' in input or output"),
        ("amount", "CONTRACT_VALUE_INVALID", "cannot name a person"),
        ("shipTo", "CONTRACT_VALUE_INVALID", "cannot name a person"),
        ("lines.sku", "CONTRACT_VALUE_INVALID", "holds several people's data"),
    ],
)
def test_a_subject_that_names_nobody_is_refused(write, shop_files, subject, code, says):
    pii = "  pii: [customerEmail, shipTo.street, lines]"
    text = shop_files["issue.yaml"].replace("  idempotent: false", f"  subject: {subject}")
    text = text.replace("  pii: [customerEmail, shipTo.street, lines.note]", pii)
    with pytest.raises(ProblemError) as refused:
        load_contracts([write({**shop_files, "issue.yaml": text})])
    found = [(issue.code, says in issue.message) for issue in refused.value.problem.issues]
    assert (code, True) in found


def test_an_error_mapping_may_be_written_out(write, shop_files):
    text = shop_files["issue.yaml"].replace("    timeout: 5s", "    errors: {410: ORDER_NOT_FOUND}")
    contract = load_contracts([write({**shop_files, "issue.yaml": text})]).operations[
        "shop.refund.issue@1.0.0"
    ]
    assert isinstance(contract.handler, HttpHandler)
    assert contract.handler.errors == {410: "ORDER_NOT_FOUND"}
    assert contract.handler.timeout == 10.0


def test_errors_that_share_a_status_are_not_derived(write, shop_files):
    text = shop_files["issue.yaml"].replace("http: 409", "http: 404")
    contract = load_contracts([write({**shop_files, "issue.yaml": text})]).operations[
        "shop.refund.issue@1.0.0"
    ]
    assert isinstance(contract.handler, HttpHandler)
    assert contract.handler.errors == {}


ONE_CHANGE = [
    # what is replaced, by what, the code, where the issue is, what it says
    ("version: 1.0.0", "version: 1.0", "CONTRACT_VALUE_INVALID", "1.0\n", "quotes"),
    ("version: 1.0.0", "version: 01.0.0", "CONTRACT_VALUE_INVALID", "01.0.0", "semantic version"),
    ("key: shop.refund.issue", "key: Shop.refund", "CONTRACT_VALUE_INVALID", "Shop.refund", "lowerCamel"),
    ("title: Issue refund\n", "", "CONTRACT_FIELD_MISSING", "key:", "'title'"),
    ("title: Issue refund", "titel: x\ntitle: x", "CONTRACT_FIELD_UNKNOWN", "titel", "did you mean 'title'"),
    ("title: Issue refund", "title: ' '", "CONTRACT_VALUE_INVALID", "' '", "not blank"),
    ("risk: high\n", "", "CONTRACT_FIELD_MISSING", "handler:", "'risk'"),
    ("risk: high", "risk: hihg", "CONTRACT_VALUE_INVALID", "hihg", "did you mean 'high'"),
    ("  auth: user", "  auth: user\n  roles: [x]", "CONTRACT_FIELD_UNSUPPORTED", "roles", "policies/"),
    ("risk: high", "risk: high\ntelemetry: {}", "CONTRACT_FIELD_UNSUPPORTED", "telemetry", "remove"),
    ("risk: high", "risk: high\ntransport: {}", "CONTRACT_FIELD_UNSUPPORTED", "transport", "key"),
    ("orderId: ID!", "orderId: Id!", "CONTRACT_TYPE_UNKNOWN", "Id!", "did you mean 'ID'"),
    ("orderId: ID!", "orderId: '[[ID!'", "CONTRACT_VALUE_INVALID", "'[[ID!'", "GraphQL notation"),
    ("orderId: ID!", "orderId: 'ID" + " " * 200 + "!'", "CONTRACT_VALUE_INVALID", "'ID ", "shorten"),
    ("  status: RefundStatus!\n", "  status: RefundStatus!\n  more: x y\n", "CONTRACT_VALUE_INVALID", "x y", "GraphQL notation"),
    ("[PENDING, PAID]", "[PENDING, true]", "CONTRACT_VALUE_INVALID", "true", "GraphQL"),
    ("[PENDING, PAID]", "[PENDING, 'true']", "CONTRACT_VALUE_INVALID", "'true'", "GraphQL"),
    ("[PENDING, PAID]", "[PENDING, __X]", "CONTRACT_VALUE_INVALID", "__X", "GraphQL"),
    ("[PENDING, PAID]", "[PENDING, PENDING]", "CONTRACT_DUPLICATE", "PENDING]", "twice"),
    ("[PENDING, PAID]", "[]", "CONTRACT_VALUE_INVALID", "[]\n", "1 to"),
    ("  Line:\n", "  String: [A]\n  Line:\n", "CONTRACT_NAME_CLASH", "String: [A]", "scalar"),
    ("  Line:\n", "  Currencies: [USD]\n  Line:\n", "CONTRACT_NAME_CLASH", "Currencies: [USD]", "shared"),
    ("    note: String", "    note: String\n    next: Line!", "CONTRACT_VALUE_INVALID", "Line:\n", "nullable"),
    ("pii: [customerEmail", "pii: [mail", "CONTRACT_REFERENCE_UNKNOWN", "mail", "no 'mail'"),
    ("shipTo.street", "shipTo.road", "CONTRACT_REFERENCE_UNKNOWN", "shipTo.road", "no 'shipTo.road'"),
    ("lines.note", "status", "CONTRACT_PII_UNMASKABLE", "status]", "nullable"),
    ("idempotent: false", "idempotent: maybe", "CONTRACT_VALUE_INVALID", "maybe", "true or false"),
    ("rpm: 60", "rpm: 0", "CONTRACT_VALUE_INVALID", "0, key", "1 to"),
    ("rpm: 60", "rpm: true", "CONTRACT_VALUE_INVALID", "true, key", "1 to"),
    ("escalate: human_review", "escalate: robot", "CONTRACT_VALUE_INVALID", "robot", "human_review, null"),
    ("{http: 404,", "{http: 200,", "CONTRACT_VALUE_INVALID", "200,", "400 to 599"),
    ("{http: 404,", "{http: 404, gqlCode: GONE,", "CONTRACT_FIELD_UNSUPPORTED", "GONE,", "ORDER_NOT_FOUND"),
    ("ALREADY_REFUNDED:", "NOT_FOUND:", "CONTRACT_VALUE_INVALID", "409", "standard code with status 404"),
    ("issued@1.0.0]", "issued@2.0.0]", "CONTRACT_REFERENCE_UNKNOWN", "shop.refund.issued@2", "did you mean"),
    ("refundId: ID!\n  status", "refund: ID!\n  status", "CONTRACT_REFERENCE_UNKNOWN", "shop.refund.issued@", "refundId: ID!"),
    ("refundId: ID!\n  status", "refundId: Int!\n  status", "CONTRACT_VALUE_INVALID", "shop.refund.issued@", "one type"),
    ("amount: Float!", "amount: String!", "CONTRACT_VALUE_INVALID", "shop.refund.issued@", "amount: Float"),
    ("method: POST", "method: BREW", "CONTRACT_VALUE_INVALID", "BREW", "GET"),
    ("https://pay", "ftp://pay", "CONTRACT_HANDLER_INVALID", '"ftp', "http or https"),
    ("https://pay.internal", "/orders", "CONTRACT_HANDLER_INVALID", '"/orders', "absolute"),
    ("https://pay.internal", "https://{orderId}.internal", "CONTRACT_HANDLER_INVALID", '"https', "host"),
    ("https://pay.internal", "{currency}://pay.internal", "CONTRACT_HANDLER_INVALID", '"{curr', "absolute"),
    ("https://pay.internal", "https://a:b@pay.internal", "CONTRACT_HANDLER_INVALID", '"https', "credentials"),
    ("https://pay.internal", "https://pay.internal:99999", "CONTRACT_HANDLER_INVALID", '"https', "cannot be read"),
    ("/refunds\"", "/re funds\"", "CONTRACT_HANDLER_INVALID", '"https', "percent-encode"),
    ("/refunds\"", "/refunds#top\"", "CONTRACT_HANDLER_INVALID", '"https', "fragment"),
    ("/refunds\"", "/${secret:X}\"", "CONTRACT_HANDLER_INVALID", '"https', "header"),
    ("/refunds\"", "/{\"", "CONTRACT_HANDLER_INVALID", '"https', "placeholder"),
    ("{orderId}", "{orderid}", "CONTRACT_HANDLER_INVALID", '"https', "did you mean 'orderId'"),
    ("{orderId}", "{customerEmail}", "CONTRACT_HANDLER_INVALID", '"https', "required scalar"),
    ("{orderId}", "{shipTo}", "CONTRACT_HANDLER_INVALID", '"https', "required scalar"),
    ("Bearer ${secret:PAY_TOKEN}", "a\\r\\nX: y", "CONTRACT_HANDLER_INVALID", '"a', "line break"),
    ("Bearer ${secret:PAY_TOKEN}", "${PAY_TOKEN}", "CONTRACT_HANDLER_INVALID", '"${', "${secret:NAME}"),
    ("{Authorization:", "{Host:", "CONTRACT_HANDLER_INVALID", '"Bearer', "sets the header"),
    ("{Authorization:", "{x-a: b, X-A:", "CONTRACT_HANDLER_INVALID", '"Bearer', "twice"),
    ("{Authorization:", "{'a b':", "CONTRACT_VALUE_INVALID", "'a b'", "header name"),
    ("timeout: 5s", "timeout: 301", "CONTRACT_VALUE_INVALID", "301", "300s"),
    ("timeout: 5s", "timeout: 0ms", "CONTRACT_VALUE_INVALID", "0ms", "300s"),
    ("timeout: 5s", "timeout: 5m", "CONTRACT_VALUE_INVALID", "5m", "300s"),
    ("timeout: 5s", "errors: {404: NOPE}", "CONTRACT_REFERENCE_UNKNOWN", "NOPE", "declare"),
    ("timeout: 5s", "errors: {200: ORDER_NOT_FOUND}", "CONTRACT_VALUE_INVALID", "200", "400 to 599"),
    ("  http:\n", "  python: {target: 'a:b'}\n  http:\n", "CONTRACT_HANDLER_INVALID", "python:", "exactly one"),
    ("reverse@1.0.0", "undo@1.0.0", "CONTRACT_REFERENCE_UNKNOWN", "shop.refund.undo", "no operation"),
    ("{refundId: {$from", "{refund: {$from", "CONTRACT_FIELD_UNKNOWN", "{$from", "did you mean 'refundId'"),
    ("{refundId: {$from: output.refundId}}", "{}", "CONTRACT_FIELD_MISSING", "{}}", "refundId: ID!"),
    ("output.refundId}", "output.lines.sku}", "CONTRACT_REFERENCE_UNKNOWN", "{$from", "output.path"),
    ("output.refundId}", "other.refundId}", "CONTRACT_REFERENCE_UNKNOWN", "{$from", "output.path"),
    ("output.refundId}", "input.customerEmail}", "CONTRACT_VALUE_INVALID", "{$from", "pick one that fits"),
    ("{$from: output.refundId}", "[{$from: output.refundId}]", "CONTRACT_VALUE_INVALID", "[{$from", "alone"),
    ("{$from: output.refundId}", "true", "CONTRACT_VALUE_INVALID", "true}", "an id"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "code", "at", "says"), ONE_CHANGE, ids=[f"{row[2]}-{row[1][:30]}" for row in ONE_CHANGE]
)  # fmt: skip
def test_one_slip_is_told_at_its_place(old, new, code, at, says, issues_of, shop_files):
    original = shop_files["issue.yaml"]
    assert old in original
    text = original.replace(old, new, 1)
    found = [issue for issue in issues_of({"issue.yaml": text}) if issue.code == code]
    assert found
    expected = f"issue.yaml:{place_of(text, at, text.index(new) if at in new else 0)}"
    assert expected in [issue.path for issue in found], (found, expected)
    assert any(says in issue.message for issue in found), found


def test_a_query_is_never_declared_as_not_idempotent(issues_of, shop_files):
    text = shop_files["reverse.yaml"].replace("kind: command", "kind: query")
    text = text.replace("{auth: user}", "{auth: user, idempotent: false}")
    found = issues_of({"reverse.yaml": text})
    assert any("always idempotent" in issue.message for issue in found)
    assert any("undoes nothing" in issue.message for issue in found)


def test_a_query_has_nothing_to_undo(issues_of, shop_files):
    text = shop_files["issue.yaml"].replace("kind: command", "kind: query")
    text = text.replace("  idempotent: false\n", "")
    (found,) = issues_of({"issue.yaml": text})
    assert "nothing to undo" in found.message
    assert found.path == f"issue.yaml:{place_of(text, 'compensation', 0)}"


@pytest.mark.parametrize(
    ("ref", "holds"),
    [
        ("String!", True), ("EmailAddress!", True), ("ID!", True), ("[String!]!", True),
        ("Int", True), ("[Int]!", True), ("Currencies", True), ("Address", True),
        ("Int!", False), ("Float!", False), ("Boolean!", False), ("Latitude!", False),
        ("Longitude!", False), ("Currencies!", False), ("Date!", False), ("DateTime!", False),
        ("Time!", False), ("Address!", False), ("[Int!]!", False), ("[Address!]!", False),
        ("[Int!]", False), ("[[Float!]]", False), ("[Address!]", False), ("[[Int]!]", True),
    ],
)  # fmt: skip
def test_pii_in_an_output_must_be_able_to_hold_a_mask(ref, holds, write, shop_files):
    text = shop_files["reverse.yaml"].replace("output: {", f"output: {{secret: '{ref}', ")
    text = text.replace("{auth: user}", "{auth: user, pii: [secret]}")
    folder = write({**shop_files, "reverse.yaml": text})
    if holds:
        assert "shop.refund.reverse@1.0.0" in load_contracts([folder]).operations
        return
    with pytest.raises(ProblemError) as refused:
        load_contracts([folder])
    assert [issue.code for issue in refused.value.problem.issues] == ["CONTRACT_PII_UNMASKABLE"]


def test_pii_in_an_input_may_be_of_any_type(write, shop_files):
    text = shop_files["reverse.yaml"].replace("{refundId: ID!, ", "{refundId: ID!, age: Int!, ")
    text = text.replace("{auth: user}", "{auth: user, pii: [age]}")
    issue = shop_files["issue.yaml"].replace("output.refundId}}", "output.refundId}, age: 3}")
    load_contracts([write({**shop_files, "reverse.yaml": text, "issue.yaml": issue})])


def test_all_issues_of_all_files_come_at_once_in_order(issues_of, shop_files):
    found = issues_of(
        {
            "a.yaml": "kind: evnt",
            "b.yaml": "[]",
            "c.yaml": "title: x",
            "d.yaml": "a: [",
            "issued.yaml": shop_files["issued.yaml"].replace("refundId: ID!", "refundId: Idd!"),
            "reverse.yaml": shop_files["reverse.yaml"].replace("auth: user", "auth: usr"),
        }
    )
    assert [(issue.path.split(":")[0], issue.code) for issue in found] == [
        ("a.yaml", "CONTRACT_VALUE_INVALID"),
        ("b.yaml", "CONTRACT_VALUE_INVALID"),
        ("c.yaml", "CONTRACT_FIELD_MISSING"),
        ("d.yaml", "CONTRACT_SYNTAX"),
        ("issue.yaml", "CONTRACT_VALUE_INVALID"),
        ("issued.yaml", "CONTRACT_TYPE_UNKNOWN"),
        ("reverse.yaml", "CONTRACT_VALUE_INVALID"),
    ]


def test_the_refusal_counts_the_issues_and_names_the_first(write):
    with pytest.raises(ProblemError) as refused:
        load_contracts([write({"a.yaml": "kind: x", "b.yaml": "kind: y"})])
    problem = refused.value.problem
    assert (problem.code, problem.status, problem.category) == (
        "CONTRACTS_INVALID",
        500,
        "validation",
    )
    assert problem.detail.startswith("2 issues in the contract files. a.yaml:1:7 ")


def test_what_refers_to_a_broken_contract_is_not_blamed(issues_of, shop_files):
    broken = shop_files["issued.yaml"].replace("refundId: ID!", "refundId: '!'")
    found = issues_of({"issued.yaml": broken})
    assert [issue.path.split(":")[0] for issue in found] == ["issued.yaml"]


def test_the_same_version_twice_is_refused(issues_of, shop_files):
    found = issues_of({"zz/again.yaml": shop_files["issued.yaml"]})
    assert [(issue.path, issue.code) for issue in found] == [
        ("zz/again.yaml:1:6", "CONTRACT_DUPLICATE")
    ]
    assert "issued.yaml:1:6" in found[0].message


def test_two_keys_with_one_graphql_field_clash(issues_of, shop_files):
    text = shop_files["reverse.yaml"].replace("key: shop.refund.reverse", "key: shop.refundReverse")
    found = issues_of({"other.yaml": text})
    assert {issue.code for issue in found} == {"CONTRACT_NAME_CLASH"}
    assert any("shopRefundReverse" in issue.message for issue in found)


def test_a_versioned_field_clashes_with_a_key_of_that_name(issues_of, shop_files):
    reverse = shop_files["reverse.yaml"]
    found = issues_of(
        {
            "v2.yaml": reverse.replace("version: 1.0.0", "version: 2.0.0"),
            "v1.yaml": reverse.replace("shop.refund.reverse", "shop.refund.reverseV1"),
        }
    )
    assert any("shopRefundReverseV1" in issue.message for issue in found)


def test_one_type_name_with_two_shapes_clashes(issues_of, shop_files):
    text = shop_files["reverse.yaml"].replace("{refundId: ID!}", "{status: RefundStatus!}")
    text += "types: {RefundStatus: [OTHER]}\n"
    found = issues_of({"reverse.yaml": text})
    assert [issue.code for issue in found] == ["CONTRACT_NAME_CLASH"]
    assert "ShopRefundStatus" in found[0].message


def test_one_type_name_with_one_shape_is_shared(write, shop_files):
    text = shop_files["reverse.yaml"].replace("{refundId: ID!}", "{status: RefundStatus!}")
    text += "types: {RefundStatus: [PENDING, PAID]}\n"
    load_contracts([write({**shop_files, "reverse.yaml": text})])


def test_a_nested_type_that_takes_an_operations_type_name_clashes(issues_of, shop_files):
    text = shop_files["reverse.yaml"].replace("{refundId: ID!}", "{x: ShopRefundIssueOutput}")
    text += "types: {ShopRefundIssueOutput: {a: ID}}\n"
    found = issues_of({"reverse.yaml": text})
    assert [issue.code for issue in found] == ["CONTRACT_NAME_CLASH"]


def test_shared_types_are_checked_where_they_stand(issues_of, shop_files):
    found = issues_of(
        {"types.yaml": shop_files["types.yaml"].replace("city: String", "city: Strin"),
         "more.yaml": "kind: types\ndomain: shop\ntypes:\n  Currencies: [USD]\n"}
    )  # fmt: skip
    assert [(issue.path, issue.code) for issue in found] == [
        ("types.yaml:4:3", "CONTRACT_DUPLICATE"),
        ("types.yaml:7:11", "CONTRACT_TYPE_UNKNOWN"),
    ]


def test_capabilities_name_what_exists(issues_of):
    text = (
        "key: shop.core\nversion: 1.0.0\nkind: capability\ntitle: t\ndescription: d\n"
        "type: integration\nrequires: [shop.base@1.0.0]\n"
        "provides: {operations: [shop.refund.isue@1.0.0], events: [shop.refund.issued@9.0.0]}\n"
    )
    found = issues_of({"core.yaml": text})
    assert [issue.path for issue in found] == ["core.yaml:7:12", "core.yaml:8:25", "core.yaml:8:59"]
    assert {issue.code for issue in found} == {"CONTRACT_REFERENCE_UNKNOWN"}


def test_event_pii_leads_into_the_payload(issues_of, shop_files):
    found = issues_of({"issued.yaml": shop_files["issued.yaml"] + "pii: [amount, nobody]\n"})
    assert [(issue.path, issue.code) for issue in found] == [
        ("issued.yaml:9:15", "CONTRACT_REFERENCE_UNKNOWN")
    ]


def test_underscored_hidden_and_foreign_files_are_left_out(write, shop_files):
    folder = write(
        {**shop_files, "_a/x.yaml": "?", "_b.yaml": "?", ".git/x.yaml": "?", "notes.txt": "?"}
    )
    assert len(load_contracts([folder]).operations) == 2


def test_a_folder_or_file_reached_twice_counts_once(write, shop_files):
    folder = write({f"inner/{name}": text for name, text in shop_files.items()})
    (folder / "link").symlink_to(folder / "inner")
    registry = load_contracts([folder / "inner", folder, folder / "link"])
    assert len(registry.operations) == 2


def test_contracts_behind_a_link_to_a_folder_are_loaded(write, tmp_path, shop_files):
    write({f"elsewhere/{name}": text for name, text in shop_files.items()})
    folder, elsewhere = tmp_path / "own", tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "shop").symlink_to(elsewhere)
    (folder / "_left-out").symlink_to(elsewhere)
    (elsewhere / "round").symlink_to(folder)
    assert len(load_contracts([folder]).operations) == 2
    (elsewhere / "broken.yaml").write_text("?")
    with pytest.raises(ProblemError) as caught:
        load_contracts([folder])
    assert caught.value.problem.issues[0].path.startswith("shop/broken.yaml:")


def test_a_link_that_may_have_led_to_contracts_is_told_where_it_leads_nowhere(tmp_path):
    (tmp_path / "inner").mkdir()
    for name in ("inner/shop", "round", "_left-out", ".hidden"):
        (tmp_path / name).symlink_to("round" if name == "round" else "nowhere")
    with pytest.raises(ProblemError) as caught:
        load_contracts([tmp_path])
    told = [(issue.path, issue.code) for issue in caught.value.problem.issues]
    assert told == [(f"{it}:1:1", "CONTRACT_UNREADABLE") for it in ("inner/shop", "round")]


def test_a_slip_in_a_file_with_a_colon_in_its_name_is_told(issues_of):
    found = issues_of({"a:b.yaml": "kind: foo", "a:1:2.yaml": "kind: foo"})
    assert [issue.path for issue in found] == ["a:1:2.yaml:1:7", "a:b.yaml:1:7"]


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "round.yaml").symlink_to(tmp_path / "round.yaml")
    (tmp_path / "away.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ProblemError) as caught:
        load_contracts([tmp_path])
    told = [(issue.path, issue.code) for issue in caught.value.problem.issues]
    names = ("away.yaml:1:1", "pipe.yaml:1:1", "round.yaml:1:1")
    assert told == [(name, "CONTRACT_UNREADABLE") for name in names]


def test_a_folder_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    for name in ("closed", "lost+found"):
        (tmp_path / "inner" / name).mkdir(parents=True)
    scanned = os.scandir

    def scandir(path):
        if Path(path).name in ("closed", "lost+found"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scanned(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(ProblemError) as caught:
        load_contracts([tmp_path])
    issues = caught.value.problem.issues
    assert [(issue.path, issue.code) for issue in issues] == [
        ("inner/closed:1:1", "CONTRACT_UNREADABLE")
    ]


@pytest.mark.parametrize("bound", ["MAX_FILES", "MAX_LOOKED_AT"])
def test_a_folder_of_far_more_than_contracts_is_not_read(bound, write, shop_files, monkeypatch):
    folder = write({**shop_files, "broken.yaml": "?"})
    monkeypatch.setattr(files, bound, 2)
    with pytest.raises(ProblemError) as caught:
        load_contracts([folder])
    issues = caught.value.problem.issues
    assert [(issue.path, issue.code) for issue in issues] == [
        (f"{folder}:1:1", "CONTRACT_UNREADABLE")
    ]
    assert "holds the contracts alone" in issues[0].message


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ProblemError, match="does not exist"):
        load_contracts([tmp_path / "nowhere"])


def test_the_digest_follows_content_and_shared_types_but_not_layout(write, shop, shop_files):
    def digests(files):
        operations = load_contracts([write({**shop_files, **files})]).operations
        return {ref: contract.digest for ref, contract in operations.items()}

    issue, reverse = "shop.refund.issue@1.0.0", "shop.refund.reverse@1.0.0"
    before = {ref: contract.digest for ref, contract in shop.operations.items()}
    lines = shop_files["reverse.yaml"].splitlines()
    swapped = "\n".join(["# a remark", lines[1], lines[0], *lines[2:]])
    assert digests({"reverse.yaml": swapped}) == before
    after = digests({"types.yaml": shop_files["types.yaml"].replace("EUR, ", "EUR, USD, ")})
    assert after[issue] != before[issue]
    assert after[reverse] == before[reverse]
    assert (
        digests({"issue.yaml": shop_files["issue.yaml"].replace("5s", "6s")})[issue]
        != before[issue]
    )
