import pytest

from gateway.contracts import (
    graphql_field_name,
    graphql_type_name,
    load_contracts,
    operation_type_prefix,
    pii_of,
)
from gateway.contracts.names import version_order
from gateway.model.contract import CapabilityKind, EnumType


@pytest.fixture
def versions(write, shop_files):
    """Loads versions of one key, each with its stability."""

    def load(**stabilities):
        text = shop_files["reverse.yaml"]
        files = dict(shop_files)
        for name, stability in stabilities.items():
            version = name[1:].replace("_", ".")
            told = text.replace("version: 1.0.0", f"version: {version}\nstability: {stability}")
            files["reverse.yaml" if version == "1.0.0" else f"{name}.yaml"] = told
        return load_contracts([write(files)])

    return load


def fields_of(registry):
    found = registry.fields.items()
    return {name: one.meta.version for name, one in found if "Reverse" in name}


def test_a_single_version_has_the_plain_field_alone(versions):
    assert fields_of(versions(v1_0_0="beta")) == {"shopRefundReverse": "1.0.0"}


def test_the_newest_of_the_most_stable_versions_owns_the_plain_field(versions):
    registry = versions(v1_0_0="stable", v1_10_0="stable", v1_9_0="stable", v2_0_0="beta")
    assert fields_of(registry) == {
        "shopRefundReverse": "1.10.0",
        "shopRefundReverseV1": "1.10.0",
        "shopRefundReverseV2": "2.0.0",
    }


def test_a_deprecated_version_owns_the_field_only_if_all_are(versions):
    both = versions(v1_0_0="idea", v2_0_0="deprecated")
    assert fields_of(both)["shopRefundReverse"] == "1.0.0"
    gone = versions(v1_0_0="deprecated", v2_0_0="deprecated")
    assert fields_of(gone)["shopRefundReverse"] == "2.0.0"


def test_names_resolve_by_key_and_by_version(versions):
    registry = versions(v1_0_0="stable", v2_0_0="beta")
    plain = registry.resolve("shop.refund.reverse")
    exact = registry.resolve("shop.refund.reverse@2.0.0")
    assert plain is not None
    assert exact is not None
    assert (plain.meta.version, exact.meta.version) == ("1.0.0", "2.0.0")
    assert registry.resolve("shop.refund.reverse@3.0.0") is None
    assert registry.resolve("shop.nothing") is None


def test_a_capability_that_contracts_name_is_derived(shop):
    capability = shop.capabilities["shop.core@1.0.0"]
    assert capability.derived
    assert capability.type is CapabilityKind.INTEGRATION
    assert capability.operations == ("shop.refund.issue@1.0.0",)


def test_a_declared_capability_goes_before_a_derived_one(write, shop_files):
    text = (
        "key: shop.core\nversion: 1.0.0\nkind: capability\ntitle: t\ndescription: d\ntype: data\n"
        "provides: {events: [shop.refund.issued@1.0.0]}\n"
    )
    capability = load_contracts([write({**shop_files, "core.yaml": text})]).capabilities[
        "shop.core@1.0.0"
    ]
    assert not capability.derived
    assert capability.operations == ()
    assert capability.meta.domain == "shop"


def test_the_types_of_a_domain_are_known_together(shop):
    types = shop.domain_types("shop")
    assert types["RefundStatus"] == EnumType("RefundStatus", ("PENDING", "PAID"))
    assert list(types) == ["Address", "Currencies", "Line", "RefundStatus"]
    assert shop.domain_types("other") == {}


def test_pii_paths_are_told_for_the_side_where_they_exist(shop):
    contract = shop.operations["shop.refund.issue@1.0.0"]
    assert pii_of(contract, "input") == ("customerEmail", "shipTo.street")
    assert pii_of(contract, "output") == ("lines.note",)


def test_graphql_names():
    assert graphql_field_name("controlPlane.execution.start") == "controlPlaneExecutionStart"
    assert operation_type_prefix("support.refund.issue") == "SupportRefundIssue"
    assert graphql_type_name("control-plane", "ExecutionRecord") == "ControlPlaneExecutionRecord"
    assert graphql_type_name("control-plane", "ControlPlaneThing") == "ControlPlaneThing"


def test_versions_sort_by_precedence():
    ordered = [
        *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"),
        *("1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0-x", "2.0.0"),
    ]
    assert sorted(sorted(ordered), key=version_order) == ordered


def test_the_registry_cannot_be_changed(shop):
    with pytest.raises(TypeError):
        shop.operations["x"] = None
