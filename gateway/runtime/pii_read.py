"""The PII that a completed step has read, in the forms by which a copy of it is known again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from gateway.contracts import pii_of
from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import ANY_CLASS, PiiClass, PiiClasses
from gateway.runtime.pii_text import MIN_DIGITS, WINDOW, Forms, Words, forms_of

MAX_READ = 100_000
"""The most characters of PII of one output that are compared; free text comes last."""

MIN_COMPACT = 8
"""The fewest letters and digits by which a value is known again inside other words."""

MIN_VALUE = 4
"""The fewest letters and digits of a value; shorter ones count only as whole words of letters."""

_MIN_PHRASE = 3
"""Fewer words of free text are no copy, unless they are all that a text says."""

_MIN_SENTENCE = 12

Key: TypeAlias = tuple[str, str | Words]
"""A form of a value: its kind and the form itself."""


_Form = TypeVar("_Form", str, Words)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was read: the step, the dotted path in its output, and the path's classes."""

    step: str
    path: str
    classes: PiiClasses


@dataclass(slots=True)
class PiiRead:
    """The PII of one output, by its forms.

    ``phrases`` are compared with every run of words, ``wholes`` with all words of a text,
    ``emails`` with whole addresses, ``numbers`` and ``compacts`` with any part of a number or a
    text: ``ends`` and ``begins`` lead to those that end and begin so. ``sizes`` are how many words
    phrases have.
    """

    phrases: dict[Words, list[Place]] = field(default_factory=dict)
    wholes: dict[Words, list[Place]] = field(default_factory=dict)
    emails: dict[str, list[Place]] = field(default_factory=dict)
    numbers: dict[str, list[Place]] = field(default_factory=dict)
    compacts: dict[str, list[Place]] = field(default_factory=dict)
    sizes: set[int] = field(default_factory=set)
    begins: dict[str, list[str]] = field(default_factory=dict)
    ends: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, step: str, contract: OperationContract, output: JsonObject) -> "PiiRead":
        """What the raw ``output`` of a step holds of PII."""
        read = cls()
        left = MAX_READ
        for place, text in _by_length(step, contract, output):
            if left <= 0:
                break
            read._add(place, text[:left])
            left -= len(text)
        return read

    def __bool__(self) -> bool:
        return bool(self.phrases or self.wholes or self.emails or self.numbers or self.compacts)

    def met_by(self, forms: Forms) -> Iterator[tuple[Key, list[Place]]]:
        """Every value that stands in a text of these forms, with where it was read."""
        phrases = (phrase for size in self.sizes for phrase in forms.phrases(size))
        yield from _looked_up("whole", self.wholes, (forms.words,))
        yield from _looked_up("phrase", self.phrases, phrases)
        yield from _looked_up("email", self.emails, forms.emails)
        yield from _looked_up("compact", self.compacts, self._inside(forms.compact))
        yield from _looked_up("number", self.numbers, self._numbers_of(forms.numbers))

    def _inside(self, compact: str) -> Iterator[str]:
        """The compact values that stand in a text: found by how they begin."""
        for at in range(len(compact) - MIN_COMPACT + 1):
            for known in self.begins.get(compact[at : at + MIN_COMPACT], ()):
                if compact.startswith(known, at):
                    yield known

    def _numbers_of(self, numbers: tuple[str, ...]) -> Iterator[str]:
        """The numbers that stand in others, or that end like one without the country's prefix."""
        for digits in numbers:
            yield from (
                one for one in self.ends.get(digits[-MIN_DIGITS:], ()) if one.endswith(digits)
            )
            for at in range(len(digits) - MIN_DIGITS + 1):
                for known in self.ends.get(digits[at : at + MIN_DIGITS], ()):
                    if digits.endswith(known, 0, at + MIN_DIGITS):
                        yield known

    def _add(self, place: Place, text: str) -> None:
        forms = forms_of(text)
        for address in forms.emails:
            self.emails.setdefault(address, []).append(place)
        is_free = PiiClass.FREE_TEXT in place.classes
        for digits in forms.personal if is_free else forms.numbers:
            if digits not in self.numbers:
                self.ends.setdefault(digits[-MIN_DIGITS:], []).append(digits)
            self.numbers.setdefault(digits, []).append(place)
        only_email = len(forms.emails) == 1 and forms.folded.strip() == forms.emails[0]
        if only_email or not forms.words:
            return
        if is_free:
            self._add_free_text(place, forms)
        else:
            self._add_value(place, forms)

    def _add_value(self, place: Place, forms: Forms) -> None:
        """A name, a number, an address: known again as a whole, with any marks in between."""
        if len(forms.compact) >= MIN_COMPACT:
            if forms.compact not in self.compacts:
                self.begins.setdefault(forms.compact[:MIN_COMPACT], []).append(forms.compact)
            self.compacts.setdefault(forms.compact, []).append(place)
        if len(forms.compact) < 2 or (len(forms.compact) < MIN_VALUE and forms.compact.isdecimal()):
            return
        if len(forms.words) <= WINDOW:
            self._add_phrase(place, forms.words)
        else:
            self._add_windows(place, forms)

    def _add_free_text(self, place: Place, forms: Forms) -> None:
        """What people write: known again by some words in a row, or by a short sentence."""
        if len(forms.compact) >= MIN_VALUE:
            self.wholes.setdefault(forms.words, []).append(place)
        self._add_windows(place, forms)
        for sentence in (forms.words, *forms.sentences):
            long_enough = len("".join(sentence)) >= _MIN_SENTENCE
            if _MIN_PHRASE <= len(sentence) < WINDOW and long_enough:
                self._add_phrase(place, sentence)

    def _add_windows(self, place: Place, forms: Forms) -> None:
        for phrase in forms.phrases(WINDOW):
            self._add_phrase(place, phrase)

    def _add_phrase(self, place: Place, words: Words) -> None:
        self.phrases.setdefault(words, []).append(place)
        self.sizes.add(len(words))


def _looked_up(
    kind: str, known: Mapping[_Form, list[Place]], forms: Iterable[_Form]
) -> Iterator[tuple[Key, list[Place]]]:
    return (((kind, form), known[form]) for form in forms if form in known)


def _by_length(
    step: str, contract: OperationContract, output: JsonObject
) -> list[tuple[Place, str]]:
    """Every PII text of an output with its place: free text last, and the shorter ones first."""
    found = []
    for path in pii_of(contract, "output"):
        place = Place(step, path, contract.policy.pii_classes.get(path, ANY_CLASS))
        found += [(place, text) for text in _texts(_at(output, path.split(".")))]
    return sorted(found, key=lambda each: (PiiClass.FREE_TEXT in each[0].classes, len(each[1])))


def _at(value: JsonValue, path: list[str]) -> Iterator[JsonValue]:
    if isinstance(value, list):
        for item in value:
            yield from _at(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _texts(values: Iterator[JsonValue]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, int) and len(str(value)) >= MIN_DIGITS:
            yield str(value)
        elif isinstance(value, list):
            yield from _texts(iter(value))
        elif isinstance(value, dict):
            yield from _texts(iter(value.values()))
