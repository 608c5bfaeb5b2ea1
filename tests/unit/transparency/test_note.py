"""Signed notes, checkpoints and cosignatures, against published examples."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.transparency import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    Note,
    NoteError,
    NoteSigner,
    Signature,
    UnverifiedNoteError,
    Verifier,
    open_note,
    parse_note,
    sign_note,
)
from gateway.transparency.note import LATEST, MOST_BYTES

# The example of golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotp"
    "RZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnW"
    "Lox33WWd1RvMc+QQ=\n"
)
# A checkpoint of a public staging log, with the cosignatures of public witnesses.
COSIGNED = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
"""  # noqa: E501 # a published note stands as it is
LOG = (
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
WITNESS = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"


def signer_of(name: str, algorithm: int = ED25519, seed: int = 1) -> NoteSigner:
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return NoteSigner(Verifier(name, public, algorithm), key.sign)


def test_the_published_note_opens() -> None:
    peter, enoch = Verifier.parse(PETER), Verifier.parse(ENOCH)
    note = f"{TEXT}\n{BY_PETER}{BY_ENOCH}"

    assert str(peter) == PETER
    assert open_note(note, [peter]).text == TEXT
    assert [one.verifier for one in open_note(note.encode(), [peter]).signed_by] == [peter]
    assert [one.verifier for one in open_note(note, [enoch, peter]).signed_by] == [peter, enoch]
    assert str(parse_note(note)) == note
    with pytest.raises(UnverifiedNoteError, match="no known key"):
        open_note(note, [])


def test_a_signature_that_names_a_known_key_and_fails_refuses_the_note() -> None:
    peter, enoch = Verifier.parse(PETER), Verifier.parse(ENOCH)
    note = f"{TEXT}\n{BY_PETER}{BY_ENOCH}".replace("answer", "Answer")

    for known in ([peter], [enoch, peter]):
        with pytest.raises(NoteError, match="does not hold"):
            open_note(note, known)


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}\n{BY_PETER[:-1]}",
        f"\x01{TEXT}\n{BY_PETER}",
        b"\xff" + f"{TEXT}\n{BY_PETER}".encode(),
        f"{TEXT}\n— Bad Name {BY_PETER.split()[2]}\n",
        f"{TEXT}\n{BY_PETER}Unexpected line.\n",
        f"{TEXT}\n{BY_PETER * 101}",
        f"{TEXT}\n{BY_PETER.replace('—', '-')}",
        f"{TEXT}\n— PeterNeumann AAAA\n",
        f"{TEXT}\n— PeterNeumann AAAAAAB=\n",
        f"{TEXT}\n— a+b {BY_PETER.split()[2]}\n",
        f"{TEXT}\n—  {BY_PETER.split()[2]}\n",
        f"{TEXT}\r\n\n{BY_PETER}",
        "x" * MOST_BYTES + f"\n\n{BY_PETER}",
        "\ud800\n\n" + BY_PETER,
    ],
)
def test_malformed_notes_are_refused(note: str | bytes) -> None:
    with pytest.raises(NoteError):
        parse_note(note)


def test_empty_lines_within_the_text_belong_to_it() -> None:
    signer = signer_of("log.example")
    text = "\nfirst\n\nsecond\n"

    assert open_note(sign_note(text, signer), [signer.verifier]).text == text
    with pytest.raises(NoteError, match="line feed"):
        sign_note("no end", signer)


def test_mangled_verifier_keys_are_refused() -> None:
    for begin in range(len(PETER) + 1):
        for end in range(begin, len(PETER) + 1):
            if (begin, end) != (0, len(PETER)):
                with pytest.raises(NoteError):
                    Verifier.parse(PETER[begin:end])
    for place, sign in enumerate(PETER):
        with pytest.raises(NoteError):
            Verifier.parse(PETER[:place] + chr(ord(sign) + 1) + PETER[place + 1 :])
    with pytest.raises(NoteError, match="32 bytes"):
        Verifier("PeterNeumann", b"short")
    with pytest.raises(NoteError, match="not known"):
        Verifier.parse("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")


def test_published_cosignatures_hold() -> None:
    log, witness = Verifier.parse(LOG), Verifier.parse(WITNESS)

    opened = open_note(COSIGNED, [log, witness])

    assert [(one.verifier, one.at) for one in opened.signed_by] == [
        (log, None),
        (witness, 0x6A122120),
    ]
    checkpoint = Checkpoint.parse(opened.text)
    assert (checkpoint.origin, checkpoint.size) == (log.name, 1432088532)
    assert str(checkpoint) == opened.text
    with pytest.raises(NoteError, match="does not hold"):
        open_note(COSIGNED.replace("1432088532", "1432088533"), [witness])


def test_a_cosignature_binds_its_time_and_every_line() -> None:
    witness = signer_of("witness.example/w1", COSIGNATURE)
    text = str(Checkpoint("log.example", 7, bytes(32), ("an extension",)))
    signature = witness.cosignature(text, 1_790_000_000)
    note = str(Note(text, (signature,)))

    [signed] = open_note(note, [witness.verifier]).signed_by
    assert signed.at == 1_790_000_000
    later = Signature(
        signature.name, signature.key_id, (1_790_000_001).to_bytes(8) + signature.value[8:]
    )
    for changed in (str(Note(text, (later,))), note.replace("an extension", "another one")):
        with pytest.raises(NoteError, match="does not hold"):
            open_note(changed, [witness.verifier])
    for at in (-1, LATEST + 1):
        with pytest.raises(NoteError, match="out of range"):
            witness.cosignature(text, at)


def test_one_key_has_another_id_for_each_use() -> None:
    plain, cosigner = signer_of("same.example"), signer_of("same.example", COSIGNATURE)
    text = str(Checkpoint("log.example", 0, bytes(32)))

    assert plain.verifier.key_id != cosigner.verifier.key_id
    with pytest.raises(UnverifiedNoteError):
        open_note(sign_note(text, plain), [cosigner.verifier])
    with pytest.raises(ValueError, match="with a time only"):
        cosigner.signature(text)
    with pytest.raises(ValueError, match="no cosignatures"):
        plain.cosignature(text, 1)


@pytest.mark.parametrize("value", [b"", b"\0" * 71, b"\0" * 73, b"\xff" * 72])
def test_cosignatures_of_another_size_do_not_hold(value: bytes) -> None:
    witness = signer_of("witness.example", COSIGNATURE).verifier
    text = str(Checkpoint("log.example", 1, bytes(32)))
    padded = value or b"\0"

    with pytest.raises(NoteError):
        open_note(str(Note(text, (Signature(witness.name, witness.key_id, padded),))), [witness])


@pytest.mark.parametrize(
    "text",
    [
        "log\n1\n",
        f"log\n1\n{'A' * 43}=",
        f"log\n01\n{'A' * 43}=\n",
        f"log\n-1\n{'A' * 43}=\n",
        f"log\n+1\n{'A' * 43}=\n",
        f"log\n١\n{'A' * 43}=\n",
        f"log\n{10**19}\n{'A' * 43}=\n",
        f"log\n{2**63}\n{'A' * 43}=\n",
        f"\n1\n{'A' * 43}=\n",
        f"log\n1\n{'A' * 43}=\n\nmore\n",
        "log\n1\nAAAA\n",
        f"log\n1\n{'A' * 42}B=\n",
        f"log\n1\n{'A' * 42}-=\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


_LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(_LINES, st.integers(0, 10**18), st.binary(min_size=32, max_size=32), st.lists(_LINES))
def test_checkpoints_read_back_as_written(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    signer = signer_of("log.example")

    opened = open_note(sign_note(str(checkpoint), signer), [signer.verifier])

    assert Checkpoint.parse(opened.text) == checkpoint


@given(st.integers(0, 300), st.integers(0, 7))
def test_a_flipped_bit_is_never_taken_for_the_note(place: int, bit: int) -> None:
    signer = signer_of("log.example")
    note = sign_note(str(Checkpoint("log.example", 26, bytes(32), ("number 1",))), signer).encode()
    place %= len(note)
    changed = note[:place] + bytes([note[place] ^ (1 << bit)]) + note[place + 1 :]

    with pytest.raises(NoteError):
        open_note(changed, [signer.verifier])
