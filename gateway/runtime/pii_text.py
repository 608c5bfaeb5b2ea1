"""Texts in the forms in which two of them are compared, whatever they were disguised as.

Compatible characters are one (NFKC), case and invisible characters do not count, and neither does
what separates words or the digits of a number.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

Words = tuple[str, ...]

WINDOW = 6
"""How many words in a row make two texts the same in part."""

MIN_DIGITS = 7
"""The fewest digits by which a number is known again."""

_MANY_DIGITS = 12

_WORD = re.compile(r"\w+")
_BETWEEN_ADDRESSES = re.compile(r"[\s<>\"'(),;:\[\]|]")
_NUMBER = re.compile(r"\+?\d(?:[\s().+/-]{0,4}\d)+")
_SENTENCE = re.compile(r"[.!?\n;]+")


@dataclass(frozen=True, slots=True)
class Forms:
    """A text in every form: ``folded``, its words, and all of them in one (``compact``); the
    e-mail addresses in it, and the numbers of at least ``MIN_DIGITS`` digits without leading
    zeros. ``personal`` are those numbers that look like one of a telephone, a card or an account,
    by a prefix or by their length."""

    folded: str
    words: Words
    compact: str
    emails: tuple[str, ...]
    numbers: tuple[str, ...]
    personal: tuple[str, ...]

    def phrases(self, size: int) -> Iterator[Words]:
        """Every run of so many words."""
        return (self.words[at : at + size] for at in range(len(self.words) - size + 1))

    @property
    def sentences(self) -> Iterator[Words]:
        """The words of each sentence."""
        return (tuple(_WORD.findall(each)) for each in _SENTENCE.split(self.folded))


def forms_of(text: str) -> Forms:
    """The forms of a text."""
    folded = fold(text)
    words = tuple(_WORD.findall(folded))
    found = [(match[0], _digits(match[0])) for match in _NUMBER.finditer(folded)]
    numbers = [(written, digits) for written, digits in found if len(digits) >= MIN_DIGITS]
    return Forms(
        folded,
        words,
        "".join(words).replace("_", ""),
        tuple(_addresses(folded)) if "@" in folded else (),
        tuple(digits for _, digits in numbers),
        tuple(digits for written, digits in numbers if _is_personal(written, digits)),
    )


def fold(text: str) -> str:
    """The text in NFKC, without case and invisible characters, every digit one of ASCII."""
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return composed if composed.isascii() else composed.translate(_PLAIN)


class _Plain(dict[int, str | None]):
    """What becomes of each character: it is looked up once, since texts may be long."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        digit = unicodedata.decimal(char, None)
        plain = char if digit is None else str(digit)
        self[code] = found = None if unicodedata.category(char) == "Cf" else plain
        return found


_PLAIN = _Plain()


def _addresses(folded: str) -> Iterator[str]:
    joined = " ".join(folded.split()).replace(" @", "@").replace("@ ", "@")
    for token in _BETWEEN_ADDRESSES.split(joined):
        address = token.strip(".,!?-_*/=")
        if 0 < address.find("@") < len(address) - 1:
            yield address


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text)).lstrip("0")


def _is_personal(written: str, digits: str) -> bool:
    return written[0] in "+0" or len(digits) >= _MANY_DIGITS
