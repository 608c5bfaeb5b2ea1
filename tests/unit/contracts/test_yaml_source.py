import pytest
import yaml

from gateway.contracts import yaml_source
from gateway.contracts.findings import Findings
from gateway.contracts.yaml_source import MAX_BYTES, parse_yaml, read_yaml


@pytest.fixture(params=["libyaml", "pure"], autouse=True)
def loader(request, monkeypatch):
    if request.param == "pure":
        monkeypatch.setattr(yaml_source, "_Loader", yaml.SafeLoader)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("PyYAML was built without libyaml")


def parse(text):
    findings = Findings()
    content = text if isinstance(text, bytes) else text.encode()
    return parse_yaml(content, "f.yaml", findings), findings.issues


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [x, 'y', 2.5, -3]", {"a": 1, "b": ["x", "y", 2.5, -3]}),
        ("404: NOT_FOUND", {"404": "NOT_FOUND"}),
        (
            "a: no\nb: on\nc: 2024-01-01\nd: 0o14\ne: 1_000",
            {"a": "no", "b": "on", "c": "2024-01-01", "d": "0o14", "e": "1_000"},
        ),
        ("a: true\nb: ~\nc:\nd: 'true'", {"a": True, "b": None, "c": None, "d": "true"}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: >-\n  one\n  two", {"a": "one two"}),
        ("a: 1.0.0", {"a": "1.0.0"}),
    ],
)
def test_plain_yaml_reads_as_json(text, value):
    node, issues = parse(text)
    assert issues == ()
    assert node is not None
    assert node.plain() == value


def test_every_node_and_key_knows_its_place():
    node, _ = parse("a: 1\nb:\n  - x\n  - c: y\n")
    assert node is not None
    assert node.place("b", 1, "c") == "f.yaml:4:8"
    assert node.place("b", 1, "missing") == "f.yaml:4:5"
    assert node.key_place("b") == "f.yaml:2:1"
    assert node.key_place("missing") == "f.yaml:1:1"


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("a: 1\na: 2", "f.yaml:2:1", "twice"),
        ("a: &x 1", "f.yaml:1:4", "anchor"),
        ("a: &x 1\nb: *x", "f.yaml:2:4", "alias"),
        ("a: !!python/name:os.system x", "f.yaml:1:4", "tag"),
        ("a: !mine x", "f.yaml:1:4", "tag"),
        ("!mine a: x", "f.yaml:1:1", "tag"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1", "second document"),
        ("", "f.yaml:1:1", "empty"),
        ("# only a remark", "f.yaml:1:1", "empty"),
        ("[" * 65 + "]" * 65, "f.yaml:1:65", "64 deep"),
        ("[" * 5000, "f.yaml:1:65", "64 deep"),
        ("? [a]\n: b", "f.yaml:1:3", "key must be plain text"),
        ("a: .inf", "f.yaml:1:4", "finite"),
        ("a: .NaN", "f.yaml:1:4", "finite"),
        ("a: 1e999", "f.yaml:1:4", "double"),
        ("a: 9007199254740993", "f.yaml:1:4", "quotes"),
        ("a: " + "9" * 5000, "f.yaml:1:4", "quotes"),
        ("a: [1,\nb", "f.yaml:", "not readable as YAML"),
        ("a: b\n\tc: d", "f.yaml:2:", "not readable as YAML"),
        ("a: 1\nb: \x01", "f.yaml:2:1", "not readable as YAML"),
        ('a: "\\ud800"', "f.yaml:1", "Unicode"),
        (b"a: 1\nb: \xff", "f.yaml:2:1", "UTF-8"),
    ],
)
def test_whatever_is_not_plain_data_is_refused_at_its_place(text, at, says):
    node, issues = parse(text)
    assert node is None
    found = [issue for issue in issues if issue.path.startswith(at)]
    assert found, issues
    assert says in found[0].message
    assert found[0].code in ("CONTRACT_SYNTAX", "CONTRACT_UNREADABLE")


def test_several_slips_are_told_at_once():
    _, issues = parse("a: &x 1\na: 2\nb: !t 3")
    assert [issue.path for issue in issues] == ["f.yaml:1:4", "f.yaml:2:1", "f.yaml:3:4"]


def test_a_file_that_is_too_large_or_unreadable_is_refused(tmp_path):
    findings = Findings()
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# " + b"x" * MAX_BYTES)
    assert read_yaml(large, "large.yaml", findings) is None
    assert read_yaml(tmp_path, "folder.yaml", findings) is None
    assert [issue.code for issue in findings.issues] == ["CONTRACT_UNREADABLE"] * 2
    assert "256 KiB" in findings.issues[1].message


def test_a_file_of_exactly_the_limit_is_read(tmp_path):
    path = tmp_path / "full.yaml"
    path.write_bytes(b"a: 1 #".ljust(MAX_BYTES, b"x"))
    node = read_yaml(path, "full.yaml", Findings())
    assert node is not None
    assert node.plain() == {"a": 1}
