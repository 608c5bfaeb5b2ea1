"""Names of fields as hints of personal data: which words speak of which class.

Words are those of an English field name (``customerEmail``, ``tax_id``), in the singular. Strong
phrases all but prove that a text is personal data, so that an undeclared one is refused. Weak ones
say no more than which class it is of where somebody declared it.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from gateway.model.pii import PiiClass, PiiClasses

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_STRONG: Mapping[PiiClass, tuple[str, ...]] = {
    PiiClass.CONTACT: (
        *("email", "e mail", "phone", "telephone", "mobile", "fax", "address", "street"),
        *("postcode", "post code", "postal code", "zip", "zip code", "zipcode"),
        *("first name", "last name", "given name", "family name", "middle name", "full name"),
        *("firstname", "lastname", "fullname", "surname", "forename", "maiden name"),
        *("username", "user name", "nickname", "nick name"),
        *("birthday", "birth date", "birthdate", "date of birth", "dob", "place of birth"),
    ),
    PiiClass.FINANCIAL: (
        *("iban", "bank account", "account number", "account no", "card number", "card no"),
        *("credit card", "debit card", "card holder", "cardholder", "account holder", "cvv", "cvc"),
        *("tax id", "tax number", "tax no", "taxpayer", "salary", "wage", "income", "credit score"),
    ),
    PiiClass.HEALTH: (
        *("diagnosis", "diagnose", "health", "medical", "medication", "medicine", "allergy"),
        *("disease", "illness", "symptom", "prescription", "disability", "pregnancy", "therapy"),
        *("blood type", "blood group", "vaccination"),
    ),
    PiiClass.CREDENTIAL: (
        *("password", "pass word", "passwd", "passphrase", "secret", "token", "pin", "otp"),
        *("ssn", "social security", "passport", "national id", "identity card", "id card"),
        *("driver license", "driving licence", "api key", "apikey", "private key", "access key"),
    ),
}

_WEAK: Mapping[PiiClass, tuple[str, ...]] = {
    PiiClass.CONTACT: (
        *("name", "mail", "contact", "person", "city", "town", "country", "location", "cell"),
        *("latitude", "longitude", "gender", "sex", "nationality", "birth", "age", "ip", "login"),
        *("customer", "recipient", "sender", "user"),
    ),
    PiiClass.FINANCIAL: (
        *("bic", "swift", "sort code", "routing number", "pan", "tin", "vat", "bank", "card"),
        *("account", "payment", "balance", "debt", "credit", "amount", "tax"),
    ),
    PiiClass.HEALTH: ("patient", "treatment", "doctor", "hospital", "blood", "icd", "drug"),
    PiiClass.CREDENTIAL: ("credential", "license", "licence", "cookie", "session", "certificate"),
}

_PERSON = frozenset(
    {
        *("customer", "person", "people", "user", "employee", "patient", "client", "contact"),
        *("recipient", "sender", "holder", "beneficiary", "passenger", "guest", "member"),
        *("applicant", "candidate", "student", "subscriber", "payer", "payee", "buyer", "driver"),
    }
)
"""Words for somebody: what is called a name behind one of them, or inside of one, is theirs."""

_HARMLESS = (
    *("page token", "next token", "continuation token", "sync token", "cursor token"),
    *("token count", "token type", "max token", "address type", "phone type", "email type"),
)
"""Phrases that hold a strong word and are hardly ever personal data."""

NUMBERS = frozenset(
    {
        *("phone", "mobile", "account number", "account no", "card number", "card no", "cvv"),
        *("cvc", "tax id", "tax number", "salary", "wage", "income", "credit score", "ssn", "pin"),
    }
)
"""Strong phrases that are believed of a number too, which may else be a count of such things."""

CODES = frozenset({"diagnosis", "allergy", "disease", "illness", "blood type", "blood group"})
"""Strong phrases that are believed of an enum too."""

DATES = frozenset({"birthday", "birth date", "birthdate", "date of birth", "dob"})
"""Strong phrases that are believed of a date too."""


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a field's name, in lower case and in the singular."""
    return tuple(_singular(word.lower()) for word in _WORDS.findall(name))


def _singular(word: str) -> str:
    if word.endswith(("sses", "xes")):
        return word[:-2]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith("s") and not word.endswith(("ss", "is", "us")) and len(word) > 3:
        return word[:-1]
    return word


@lru_cache(maxsize=4096)
def strong_phrases(name: str, within: tuple[str, ...] = ()) -> Mapping[str, PiiClass]:
    """The strong phrases of a name, with the class of each.

    ``within`` are the words of what encloses the field: ``name`` inside a customer is that of a
    person.
    """
    words = words_of(name)
    if _said(words, _HARMLESS):
        return {}
    found = {phrase: cls for cls, phrases in _STRONG.items() for phrase in _said(words, phrases)}
    if _is_of_person(words, within):
        found["name"] = PiiClass.CONTACT
    return found


@lru_cache(maxsize=4096)
def classes_of_name(name: str) -> PiiClasses:
    """What the name of a field that is known to be PII says of its classes; often nothing."""
    strong = strong_phrases(name)
    if strong:
        return frozenset(strong.values())
    words = words_of(name)
    return frozenset(cls for cls, phrases in _WEAK.items() if _said(words, phrases))


def _is_of_person(words: tuple[str, ...], within: tuple[str, ...]) -> bool:
    if words == ("name",):
        return not _PERSON.isdisjoint(within)
    return words[-1:] == ("name",) and words[-2] in _PERSON


def _said(words: tuple[str, ...], phrases: Iterable[str]) -> list[str]:
    """The phrases that stand in these words."""
    whole = f" {' '.join(words)} "
    return [phrase for phrase in phrases if f" {phrase} " in whole]
