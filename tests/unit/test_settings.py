"""Settings: read from flags and environment, refused all at once, and documented."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.environment import CALLER_VARIABLES, load_settings
from gateway.model.problem import Problem, ProblemError
from gateway.settings import SETTINGS, Settings, settings_table
from gateway.shipped import shipped_policies, shipped_schema

ROOT = Path(__file__).resolve().parents[2]
OIDC = '[{"issuer": "https://id.example.com", "audience": "gateway"}]'


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("GATEWAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def refusal(**flags: Any) -> Problem:
    with pytest.raises(ProblemError) as caught:
        load_settings(**flags)
    told = caught.value.problem
    assert told.code == "SETTINGS_INVALID"
    return told


def test_without_any_setting_the_defaults_hold() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.introspection) == (
        *("127.0.0.1", 8000),
        "caller",
    )
    assert settings.data_dir == Path("data")
    assert settings.database_path == Path("data/gateway.db")
    assert settings.schema_dir == (shipped_schema(),)
    assert settings.policy_dir == shipped_policies()
    assert (settings.action_hosts, settings.action_origins, settings.oidc_issuers) == ((), {}, ())
    assert (settings.checkpoint_interval, settings.max_in_flight_steps) == (60, 64)
    assert (settings.body_bytes, settings.token_leeway) == (262_144, 10)


def test_the_environment_sets_each_kind_of_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "policies"):
        Path(name).mkdir()
    given = {
        "PORT": "0",
        "DATA_DIR": "here",
        "DATABASE_URL": "sqlite:////var/journal.db",
        "SCHEMA_DIR": "one:two:",
        "POLICY_DIR": "policies",
        "ACTION_HOSTS": "pay.internal:8443, *.example.com,127.0.0.1:*",
        "ACTION_ORIGINS": "http://a.internal=http://127.0.0.1:1, http://b=https://c:2",
        "INTROSPECTION": "off",
        "OIDC_ISSUERS": OIDC,
        "CHECKPOINT_INTERVAL": "2.5",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"GATEWAY_{name}", value)
    settings = load_settings()
    assert (settings.port, settings.introspection) == (0, "off")
    assert settings.database_path == Path("/var/journal.db")
    assert settings.schema_dir == (Path("one"), Path("two"))
    assert settings.action_hosts == ("pay.internal:8443", "*.example.com", "127.0.0.1:*")
    assert settings.action_origins == {
        "http://a.internal": "http://127.0.0.1:1",
        "http://b": "https://c:2",
    }
    assert settings.oidc_issuers[0].profile.audiences == frozenset({"gateway"})
    assert settings.checkpoint_interval == 2.5


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "9000")
    monkeypatch.setenv("GATEWAY_HOST", "0.0.0.0")  # noqa: S104 - a value, nothing is bound to it
    settings = load_settings(port="9001", host=None)
    assert (settings.port, settings.host) == (9001, "0.0.0.0")  # noqa: S104 - as above


def test_a_wrong_value_is_no_matter_where_a_flag_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "x")
    assert load_settings(port=1).port == 1


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "")
    monkeypatch.setenv("GATEWAY_SCHEMA_DIR", "")
    assert load_settings() == Settings()


def test_everything_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "80000")
    monkeypatch.setenv("GATEWAY_INTROSPECTION", "sometimes")
    monkeypatch.setenv("GATEWAY_PROT", "80")
    told = refusal(policy_dir="nowhere")
    assert [(issue.path, issue.code) for issue in told.issues] == [
        ("GATEWAY_PROT", "SETTING_UNKNOWN"),
        ("GATEWAY_PORT", "SETTING_INVALID"),
        ("GATEWAY_POLICY_DIR", "SETTING_INVALID"),
        ("GATEWAY_INTROSPECTION", "SETTING_INVALID"),
    ]
    assert all(issue.message in told.detail for issue in told.issues)
    messages = {issue.path: issue.message for issue in told.issues}
    assert "'80000'" in messages["GATEWAY_PORT"]
    assert "from 0 to 65535" in messages["GATEWAY_PORT"]
    assert "(from --policy-dir)" in messages["GATEWAY_POLICY_DIR"]
    assert "'nowhere'" in messages["GATEWAY_POLICY_DIR"]
    assert "Did you mean GATEWAY_PORT?" in messages["GATEWAY_PROT"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("host", "", "at least 1 character"),
        ("port", "-1", "greater than or equal to 0"),
        ("port", "8000.5", "valid integer"),
        ("port", "tcp://10.0.0.1:80", "valid integer"),
        ("data_dir", "file.txt", "not a folder"),
        ("data_dir", "x" * 300, "it cannot be looked at (File name too long)"),
        ("data_dir", "~nobody.here/data", "nobody has the home ~nobody.here"),
        ("policy_dir", "x" * 300, "it cannot be looked at"),
        ("database_url", "mysql://db/gateway", "neither a SQLite file nor"),
        ("database_url", "postgresql://db", "no database"),
        ("database_url", "postgresql://db:port:5/gateway?sslmood=x", "libpq cannot read it"),
        ("database_url", "sqlite://", "neither a SQLite file"),
        ("database_url", "sqlite:///:memory:", "neither a SQLite file"),
        ("database_url", "sqlite:///x.db?mode=ro", "options"),
        ("schema_dir", ":", "at least 1 item"),
        ("schema_dir", ".:nowhere", "item 2"),
        ("schema_dir", "file.txt", "no folder"),
        ("policy_dir", "file.txt", "no folder"),
        ("action_hosts", "https://x.example", "not a host pattern"),
        ("action_hosts", "*", "not a host pattern"),
        ("action_hosts", "x.example:99999", "not a host pattern"),
        ("action_origins", "http://a", "has no '='"),
        ("action_origins", "http://a=b", "not an origin"),
        ("introspection", "ON", "'on', 'admin' or 'off'"),
        ("documents_dir", "file.txt", "not a folder"),
        ("trusted_documents", "all", "'off', 'log', 'prefer' or 'require'"),
        ("trusted_documents", "log", "GATEWAY_DOCUMENTS_DIR names no folder"),
        ("apq", "yes", "'on' or 'off'"),
        ("http_profile", "2026", "'spec' or 'audit'"),
        ("oidc_issuers", "{", "not JSON"),
        ("oidc_issuers", "{}", "tuple"),
        ("oidc_issuers", "[{}]", "item 1, issuer"),
        ("oidc_issuers", '[{"issuer": "http://id.example.com"}]', "must use https"),
        ("oidc_issuers", f"[{OIDC[1:-1]}, {OIDC[1:-1]}]", "there twice"),
        ("local_tokens", "yes", "'auto', 'on' or 'off'"),
        ("token_leeway", "31", "less than or equal to 30"),
        ("token_leeway", "nan", "finite number"),
        ("checkpoint_interval", "0", "greater than or equal to 1"),
        ("checkpoint_interval", "inf", "finite number"),
        ("max_in_flight_steps", "0", "greater than or equal to 1"),
        ("body_bytes", "10", "greater than or equal to 1024"),
        ("log_level", "loud", "'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason_and_remedy(
    name: str, value: str, told: str
) -> None:
    Path("file.txt").write_text("a file")
    found = refusal(**{name: value})
    (setting,) = (setting for setting in SETTINGS if setting.name == name)
    assert {issue.path for issue in found.issues} == {setting.variable}
    assert told in found.detail
    assert f"Set it to {setting.expects}." in found.detail


def test_what_says_which_gateway_commands_call_is_no_unknown_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in CALLER_VARIABLES:
        monkeypatch.setenv(name, "x")
    load_settings()


def test_passwords_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_DATABASE_URL", "mysql://gw:hunter2@db/gateway")
    monkeypatch.setenv("GATEWAY_ACTION_ORIGINS", "http://a=http://gw:hunter2@b")
    monkeypatch.setenv("GATEWAY_PASSWORD", "hunter2")
    told = refusal()
    assert len(told.issues) == 3
    assert "hunter2" not in str(told)


def test_a_long_value_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_LOG_LEVEL", "x" * 5000)
    assert len(refusal().detail) < 500


def test_an_unknown_variable_like_none_is_told_without_a_guess(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GATEWAY_SERVICE_WEIGHT", "1")
    message = refusal().issues[0].message
    assert "Did you mean" not in message
    assert "docs/settings.md" in message


def test_a_flag_that_is_no_setting_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="no setting 'prot'"):
        load_settings(prot=1)


@pytest.mark.parametrize(
    ("local_tokens", "oidc", "believed"),
    [
        ("auto", "[]", True),
        ("auto", OIDC, False),
        ("on", OIDC, True),
        ("off", "[]", False),
    ],
)
def test_local_tokens_are_believed_only_without_an_issuer_unless_set(
    local_tokens: str, oidc: str, believed: bool
) -> None:
    settings = load_settings(local_tokens=local_tokens, oidc_issuers=oidc)
    assert settings.believes_local_tokens is believed


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1


# --- Shipped data and documentation ---------------------------------------------------------


def test_the_shipped_contracts_and_policies_are_there() -> None:
    assert (shipped_schema() / "control-plane").is_dir()
    assert (shipped_policies() / "cases").is_dir()


def test_every_setting_is_documented_as_it_is() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    missing = [row for row in settings_table().splitlines() if row not in page.splitlines()]
    assert missing == []


def test_the_documentation_names_no_setting_that_is_not_there() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    known = {setting.variable for setting in SETTINGS}
    assert set(re.findall(r"GATEWAY_[A-Z_]+", page)) == known


def test_every_setting_has_its_one_description() -> None:
    assert sorted(setting.name for setting in SETTINGS) == sorted(Settings.model_fields)
    for setting in SETTINGS:
        assert setting.description.endswith(".")
        assert setting.expects
        assert not setting.expects.endswith(".")
        assert setting.flag == f"--{setting.name.replace('_', '-')}"


def test_clients_register_no_documents_where_registered_ones_alone_may_run() -> None:
    given = {"documents_dir": ".", "trusted_documents": "require"}
    assert load_settings(**given).trusted_documents == "require"
    (issue,) = refusal(**given, apq="on").issues
    assert issue.path == "GATEWAY_APQ"
    assert "clients register nothing" in issue.message


@pytest.mark.parametrize("dispatch", ["procrastinate", "temporal"])
def test_workers_need_a_postgres_database(dispatch: str) -> None:
    with pytest.raises(ProblemError) as refused:
        load_settings(dispatch=dispatch)
    (issue,) = refused.value.problem.issues
    assert issue.path == "GATEWAY_DATABASE_URL"
    assert "needs a PostgreSQL database" in issue.message
