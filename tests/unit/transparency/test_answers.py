"""Answers of the proof operations are checked with a public key alone, and nothing else passes."""

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.model.json import decode
from gateway.transparency import (
    COSIGNATURE,
    EMPTY_ROOT,
    NoteSigner,
    Verifier,
    inclusion_proof,
    leaf_hash,
)
from gateway.transparency.answers import (
    NoAnswerError,
    ProofError,
    Trust,
    check_answer,
)
from tests.small_log import ORIGIN, SmallLog

HASHES = [hashlib.sha256(str(number).encode()).digest() for number in range(23)]
LOG = SmallLog(leaves=HASHES)
WITNESS = Ed25519PrivateKey.generate()
WITNESS_KEY = Verifier("w.example.com", WITNESS.public_key().public_bytes_raw(), COSIGNATURE)
TRUST = Trust([LOG.verifier.public_key])
DEEP = decode(b"[" * 1_000 + b"]" * 1_000)
"""A value that a file may hold, and that is nested deeper than Python shows."""


def text(found: bytes) -> str:
    return base64.b64encode(found).decode()


def inclusion(index: int = 11, size: int = 20, **changes: Any) -> dict[str, Any]:
    return {
        "entryHash": HASHES[index].hex(),
        "leafHash": text(leaf_hash(HASHES[index])),
        "index": index,
        "size": size,
        "root": text(LOG.root(size)),
        "path": [text(one) for one in inclusion_proof(index, size, LOG.node)],
        "checkpoint": 4,
        "note": LOG.note(size, "number 4"),
    } | changes


def consistency(old: int = 7, new: int = 20, **changes: Any) -> dict[str, Any]:
    return {
        "fromSize": old,
        "fromRoot": text(LOG.root(old)),
        "fromNote": LOG.note(old),
        "toSize": new,
        "toRoot": text(LOG.root(new)),
        "path": [text(one) for one in LOG.proof(old, new)],
        "checkpoint": 4,
        "note": LOG.note(new, "number 4"),
    } | changes


def without(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != name}


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 20), (19, 20), (11, 23)])
def test_an_entry_is_proven(index: int, size: int) -> None:
    found = check_answer(inclusion(index, size), TRUST)
    assert found.origin == ORIGIN
    assert f"number {index + 1} of the {size} entries" in found.told
    assert found.notes == ()


def test_the_response_around_the_answer_does_no_harm() -> None:
    check_answer({"data": {"auditProofInclusion": inclusion()}}, TRUST)
    check_answer({"data": {"proof": consistency()}}, TRUST)


@pytest.mark.parametrize(("old", "new"), [(1, 20), (7, 7), (16, 20), (22, 23)])
def test_growth_is_proven(old: int, new: int) -> None:
    assert f"first {old} of the {new}" in check_answer(consistency(old, new), TRUST).told


def test_what_an_answer_leaves_open_is_told() -> None:
    (told,) = check_answer(without(consistency(), "fromNote"), TRUST).notes
    assert "that you kept" in told
    (told,) = check_answer(without(inclusion(), "entryHash"), TRUST).notes
    assert "compare leafHash" in told


def test_a_checkpoint_that_was_kept_is_what_counts() -> None:
    answer = consistency()
    assert check_answer(answer, TRUST, LOG.note(7)).notes == ()
    fork = LOG.forked(3, 9)
    with pytest.raises(ProofError, match="kept"):
        check_answer(answer, TRUST, fork.note(7))
    with pytest.raises(ProofError, match="kept"):
        check_answer(answer, TRUST, LOG.note(8))
    with pytest.raises(ProofError, match="consistency"):
        check_answer(inclusion(), TRUST, LOG.note(7))


def test_an_earlier_checkpoint_of_another_record_is_refused() -> None:
    other = SmallLog("elsewhere.example.com", LOG.key, LOG.leaves)
    with pytest.raises(ProofError, match="another record"):
        check_answer(consistency(fromNote=other.note(7)), TRUST)


@pytest.mark.parametrize(
    "changes",
    [
        {"index": 12},
        {"index": -1},
        {"index": 1.0},
        {"index": True},
        {"size": 21},
        {"root": text(LOG.root(21))},
        {"root": "x"},
        {"leafHash": text(leaf_hash(HASHES[3]))},
        {"entryHash": HASHES[3].hex()},
        {"entryHash": "zz"},
        {"entryHash": HASHES[11].hex().upper()},
        {"path": []},
        {"path": "x"},
        {"path": [text(b"x" * 32)] * 5},
        {"path": [text(b"x" * 32)] * 65},
        {"path": [1]},
        {"note": LOG.note(21)},
        {"note": LOG.forked(3, 20).note(20)},
        {"note": SmallLog(leaves=HASHES).note(20)},
        {"note": LOG.note(20).replace("\n20\n", "\n19\n")},
        {"note": "nonsense"},
        {"note": 5},
        *({name: DEEP} for name in ("leafHash", "entryHash", "root", "path", "note")),
        {"path": [DEEP]},
    ],
)
def test_an_inclusion_that_was_changed_does_not_hold(changes: dict[str, Any]) -> None:
    with pytest.raises(ProofError):
        check_answer(inclusion() | changes, TRUST)


@pytest.mark.parametrize(
    "changes",
    [
        {"fromSize": 8},
        {"fromSize": -7},
        {"toSize": 21},
        {"fromRoot": text(LOG.root(8))},
        {"toRoot": text(LOG.root(8))},
        {"path": []},
        {"fromNote": LOG.note(8)},
        {"fromNote": SmallLog(leaves=HASHES).note(7)},
        {"note": LOG.forked(3, 20).note(20)},
        {"fromRoot": text(LOG.forked(3, 9).root(7)), "fromNote": LOG.forked(3, 9).note(7)},
    ],
)
def test_a_growth_that_was_changed_does_not_hold(changes: dict[str, Any]) -> None:
    with pytest.raises(ProofError):
        check_answer(consistency() | changes, TRUST)


@pytest.mark.parametrize(
    "value",
    [None, 1, [], {}, "x", {"data": None}, {"data": {"a": {}, "b": {}}}, {"data": {"a": None}},
     without(inclusion(), "path"), {"errors": [{"message": "no"}]}],
)  # fmt: skip
def test_what_is_no_answer_is_told_apart(value: object) -> None:
    with pytest.raises(NoAnswerError):
        check_answer(value, TRUST)


def test_a_growth_with_a_member_of_the_other_kind_is_still_judged() -> None:
    check_answer(consistency(leafHash="x", index=1), TRUST)
    with pytest.raises(ProofError):
        check_answer(consistency(leafHash="x", fromSize=8), TRUST)


def test_witnesses_must_have_cosigned_where_they_are_named() -> None:
    note = LOG.note(20)
    signer = NoteSigner(WITNESS_KEY, WITNESS.sign)
    cosigned = note + signer.cosignature(LOG.text(20), 1_772_357_400).line()
    trust = Trust(TRUST.keys, [WITNESS_KEY])
    check_answer(inclusion(note=cosigned), trust)
    with pytest.raises(ProofError, match=r"w\.example\.com did not cosign"):
        check_answer(inclusion(note=note), trust)
    false = note + signer.cosignature(LOG.text(19), 1_772_357_400).line()
    with pytest.raises(ProofError, match="does not hold"):
        check_answer(inclusion(note=false), trust)
    plain = Verifier(WITNESS_KEY.name, WITNESS_KEY.public_key)
    with pytest.raises(ProofError, match="did not cosign"):
        check_answer(inclusion(note=note), Trust(TRUST.keys, [plain]))


def test_who_signs_the_record_is_no_witness_of_it() -> None:
    own = Verifier("w.example.com", LOG.verifier.public_key, COSIGNATURE)
    signed = NoteSigner(own, LOG.key.sign).cosignature(LOG.text(20), 1_772_357_400)
    note = LOG.note(20) + signed.line()
    with pytest.raises(ProofError, match="only a second party"):
        check_answer(inclusion(note=note), Trust(TRUST.keys, [own]))


def test_a_key_with_a_name_counts_for_the_record_of_that_name() -> None:
    """Its owner may have begun another record with it."""
    other = Verifier("gateway.example.com/other", LOG.verifier.public_key)
    check_answer(inclusion(), Trust([other, LOG.verifier]))
    for answer in (inclusion(), consistency()):
        with pytest.raises(ProofError, match=r"is of the record gateway\.example"):
            check_answer(answer, Trust([other]))


def test_an_earlier_key_of_the_gateway_may_be_named_too() -> None:
    old = SmallLog(leaves=HASHES)
    check_answer(inclusion(), Trust([old.verifier.public_key, LOG.verifier.public_key]))
    with pytest.raises(ProofError, match="signed"):
        check_answer(inclusion(), Trust([old.verifier.public_key]))


@pytest.mark.parametrize("number", [5, 4.0, True, None, "4"])
def test_an_answer_names_the_checkpoint_that_its_note_is_of(number: Any) -> None:
    for answer in (inclusion(checkpoint=number), consistency(checkpoint=number)):
        with pytest.raises(ProofError, match="checkpoint is"):
            check_answer(answer, TRUST)
    check_answer(without(inclusion(), "checkpoint"), TRUST)


def test_a_growth_from_nothing_proves_nothing() -> None:
    answer = consistency(fromSize=0, fromRoot=text(EMPTY_ROOT), path=[])
    with pytest.raises(ProofError, match="proves nothing"):
        check_answer(without(answer, "fromNote"), TRUST)


def test_which_of_two_checkpoints_does_not_hold_is_said() -> None:
    other = SmallLog(leaves=HASHES).note(7)
    for note in (other, "no note", ""):
        with pytest.raises(ProofError, match=r"^the earlier checkpoint does not hold: "):
            check_answer(consistency(fromNote=note), TRUST)
        with pytest.raises(ProofError, match=r"^the checkpoint that was kept does not hold: "):
            check_answer(consistency(), TRUST, note)
    with pytest.raises(ProofError, match=r"^(the note|none of)"):
        check_answer(consistency(note=other), TRUST)
