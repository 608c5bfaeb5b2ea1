"""The file of anchors and witnesses: read in full, or refused with everything that is wrong."""

import errno
import os
from pathlib import Path

import pytest

from gateway.actions import Secrets
from gateway.anchoring import Destinations, load_destinations
from gateway.anchoring.targets import FileTarget, LogTarget, WebhookTarget
from gateway.model.problem import Problem, ProblemError
from gateway.transparency import COSIGNATURE, ED25519, Verifier

KEY = Verifier("witness.example.com/w1", bytes(range(32)), COSIGNATURE)
SECRETS = Secrets({"GOOD": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "BAD": "x", "TOKEN": "t0ken"})
ALL = """
anchors:
  - id: vault
    kind: file
    path: {folder}/checkpoints.jsonl
  - id: partner
    kind: webhook
    url: https://partner.example.com/checkpoints
    secret: ${{secret:GOOD}}
  - id: rekor
    kind: log
    url: https://rekor.example.com/api/v1/log/entries
    headers:
      Authorization: Bearer ${{secret:TOKEN}}
    body:
      kind: note
      spec: {{content: "{{noteBase64}}", size: "{{size}}"}}
witnesses:
  - url: https://witness.example.com/
    key: {key}
quorum: 1
retryScale: 0.5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "anchors.yaml"


def load(file: Path, text: str) -> Destinations:
    file.write_text(text)
    return load_destinations(file, SECRETS)


def refusal(file: Path, text: str) -> Problem:
    with pytest.raises(ProblemError) as caught:
        load(file, text)
    told = caught.value.problem
    assert told.code == "ANCHORS_INVALID"
    return told


def test_without_a_file_checkpoints_stay() -> None:
    found = load_destinations(None)
    assert not found
    assert found == Destinations()


@pytest.mark.parametrize("text", ["", "{}", "quorum: 0"])
def test_an_empty_file_names_nobody(file: Path, text: str) -> None:
    assert not load(file, text)


def test_everything_that_may_be_written(file: Path, tmp_path: Path) -> None:
    found = load(file, ALL.format(folder=tmp_path, key=KEY))
    assert found.anchors == (
        FileTarget("vault", tmp_path / "checkpoints.jsonl"),
        WebhookTarget("partner", "https://partner.example.com/checkpoints", ("${secret:GOOD}",)),
        LogTarget(
            "rekor",
            "https://rekor.example.com/api/v1/log/entries",
            {"Authorization": "Bearer ${secret:TOKEN}"},
            {"kind": "note", "spec": {"content": "{noteBase64}", "size": "{size}"}},
        ),
    )
    (witness,) = found.witnesses
    assert (witness.url, witness.id, witness.key) == (
        "https://witness.example.com", "witness.example.com/w1", KEY,
    )  # fmt: skip
    assert (found.quorum, found.retry_scale, found.hosts) == (1, 0.5, ())


def test_a_log_is_sent_the_note_in_base64_if_nothing_else_is_written(file: Path) -> None:
    text = "anchors: [{id: a, kind: log, url: 'https://log.example.com/'}]"
    (found,) = load(file, text).anchors
    assert found == LogTarget("a", "https://log.example.com/", {}, {"entry": "{noteBase64}"})


def test_private_hosts_are_for_those_who_name_them(file: Path) -> None:
    text = "anchors: [{id: a, kind: log, url: 'http://127.0.0.1:9/x'}]"
    (issue,) = refusal(file, text).issues
    assert issue.code == "ANCHOR_VALUE"
    assert "http is only for hosts that `hosts` of this file names" in issue.message
    (issue,) = refusal(file, text.replace("http:", "https:")).issues
    assert (issue.path, issue.code) == ("anchors.yaml:1:35", "ANCHOR_HOST_REFUSED")
    assert load(file, f"hosts: ['127.0.0.1:*']\n{text}").hosts == ("127.0.0.1:*",)


def witness(url: str = "https://w.example.com", key: str = str(KEY)) -> str:
    return f"witnesses: [{{url: '{url}', key: '{key}'}}]"


@pytest.mark.parametrize(
    ("text", "path", "code", "told"),
    [
        ("- a", "1:1", "ANCHOR_VALUE", "write a mapping with anchors, witnesses and quorum"),
        ("anchors: 1", "1:10", "ANCHOR_VALUE", "'anchors' is not usable; write a list"),
        ("anchors: [1]", "1:11", "ANCHOR_VALUE", "'anchors' is not usable"),
        ("anchors: [{id: a}]", "1:11", "ANCHOR_VALUE", "'kind' is missing; write file, webhook"),
        ("anchors: [{id: a, kind: tape}]", "1:25", "ANCHOR_VALUE", "'kind' is not usable"),
        ("anchors: [{kind: file, path: HERE/x}]", "1:11", "ANCHOR_VALUE", "'id' is missing"),
        ("anchors: [{id: a, kind: file}]", "1:11", "ANCHOR_VALUE", "'path' is missing"),
        ("anchors: [{id: a, kind: file, path: x}]", "1:37", "ANCHOR_VALUE", "not absolute"),
        ("anchors: [{id: a, kind: file, path: /no/x}]", "1:37", "ANCHOR_VALUE", "does not exist"),
        ("anchors: [{id: a, kind: file, path: HERE}]", "1:37", "ANCHOR_VALUE", "it is a folder"),
        ("anchors: [{id: a, kind: file, url: y, path: HERE/x}]", "1:31", "ANCHOR_VALUE",
         "such an anchor has no member 'url'"),
        ("anchors: [{id: '', kind: file, path: HERE/x}]", "1:16", "ANCHOR_VALUE", "'id' is not us"),
        ("anchors: [{id: a, kind: webhook, url: 'https://h.example.com'}]", "1:11", "ANCHOR_VALUE",
         "'secret' is missing"),
        ("anchors: [{id: a, kind: webhook, url: 'https://h.example.com', secret: abc}]", "1:72",
         "ANCHOR_VALUE", "'secret' is not usable"),
        (("anchors: [{id: a, kind: webhook, url: 'https://h.example.com', secret: "
         "'${secret:BAD}'}]"), "1:72", "ANCHOR_SECRET", "what ${secret:BAD} stands for is not"),
        ("anchors: [{id: a, kind: log, url: 'https://u:p@h.example.com'}]", "1:35",
         "ANCHOR_VALUE", "'url' is not usable (it is none)"),
        (("anchors: [{id: a, kind: log, url: 'https://h.example.com', headers: {A: "
         "'${secret:NONE}'}}]"), "1:73", "ANCHOR_SECRET", "secret NONE is not set"),
        ("anchors: [{id: a, kind: log, url: 'https://h.example.com', headers: {Host: x}}]", "1:69",
         "ANCHOR_VALUE", "Host is set by the gateway"),
        ("anchors: [{id: a, kind: log, url: 'https://h.example.com', body: {a: '{not}'}}]", "1:66",
         "ANCHOR_VALUE", "{not} is no part of a checkpoint; did you mean 'note'?"),
        ("anchors: [{id: a, kind: log, url: 'https://h.example.com', body: {a: '{size}'}}]", "1:66",
         "ANCHOR_VALUE", "it would show nothing"),
        (witness(key="nonsense"), "1:49", "ANCHOR_VALUE", "'key' is not usable"),
        (witness(key=str(Verifier("log", bytes(32), ED25519))), "1:49", "ANCHOR_VALUE",
         "the key of a log and not of a witness"),
        ("witnesses: [{url: 'https://w.example.com'}]", "1:13", "ANCHOR_VALUE", "'key' is missing"),
        (witness().replace("url:", "uri: x, url:"), "1:14", "ANCHOR_VALUE",
         "a witness has no member 'uri'"),
        ("quorum: -1", "1:9", "ANCHOR_VALUE", "'quorum' is not usable"),
        ("quorum: 2\n" + witness(), "1:9", "ANCHOR_VALUE", "2 are wanted and the file names 1"),
        ("quorum: true", "1:9", "ANCHOR_VALUE", "'quorum' is not usable"),
        ("retryScale: 0", "1:13", "ANCHOR_VALUE", "'retryScale' is not usable"),
        ("hosts: ['a b']", "1:8", "ANCHOR_VALUE", "'a b' is not a host pattern"),
        ("hosts: [1]", "1:9", "ANCHOR_VALUE", "'hosts' is not usable"),
        ("anchor: []", "1:1", "ANCHOR_VALUE", "the file has no member 'anchor'; did you mean 'an"),
        ("anchors: [}", "1:11", "ANCHOR_SYNTAX", "not readable as YAML"),
        ("a: &x 1", "1:4", "ANCHOR_SYNTAX", "anchor &x is not allowed"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(
    file: Path, text: str, path: str, code: str, told: str
) -> None:
    issues = refusal(file, text.replace("HERE", str(file.parent))).issues
    assert [(one.path, one.code) for one in issues] == [(f"anchors.yaml:{path}", code)]
    assert told in issues[0].message


@pytest.mark.parametrize("at", ["HERE/x", "HERE/x/y"])
def test_a_path_that_cannot_be_looked_at_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """As in a folder of another user, which a privileged user of tests may look into."""
    looked = Path.stat
    text = f"anchors: [{{id: a, kind: file, path: {at}}}]".replace("HERE", str(file.parent))

    def stat(self: Path, **more: bool) -> os.stat_result:
        if self.name in {"x", "y"}:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return looked(self, **more)

    monkeypatch.setattr(Path, "stat", stat)
    (issue,) = refusal(file, text).issues
    assert (issue.path, issue.code) == ("anchors.yaml:1:37", "ANCHOR_VALUE")
    assert "(it cannot be looked at: Permission denied)" in issue.message


def test_everything_is_told_at_once(file: Path) -> None:
    text = f"""
quorum: x
anchors:
  - {{id: a, kind: file, path: x}}
  - {{id: a, kind: file, path: {file.parent}/y}}
{witness(url="ftp://x")}
"""
    found = [one.path.partition(":")[2] for one in refusal(file, text).issues]
    assert found == ["2:9", "4:31", "5:10", "6:19"]


def test_a_witness_is_known_by_its_name_once(file: Path) -> None:
    one = f"{{url: 'https://w.example.com', key: '{KEY}'}}"
    (issue,) = refusal(file, f"witnesses: [{one}, {one}]").issues
    assert "'witness.example.com/w1' is taken" in issue.message


def test_a_file_that_cannot_be_read_is_told(file: Path) -> None:
    file.write_bytes(b"x" * 300_000)
    with pytest.raises(ProblemError, match="larger than"):
        load_destinations(file)
    with pytest.raises(ProblemError, match="cannot be read"):
        load_destinations(file.parent)


def test_no_secret_is_told(file: Path) -> None:
    told = refusal(file, "anchors: [{id: a, kind: log, url: 'https://user:hunter2@h.example.com'}]")
    assert "hunter2" not in str(told)
