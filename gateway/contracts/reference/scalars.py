"""What the values of each scalar are, in words and by one example."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.json import JsonValue


@dataclass(frozen=True, slots=True)
class ScalarNote:
    """``meaning`` is a sentence, ``example`` a value that the scalar accepts."""

    meaning: str
    example: JsonValue


SCALAR_NOTES: Mapping[str, ScalarNote] = {
    "String": ScalarNote("Text.", "text"),
    "Int": ScalarNote("A whole number of 32 bits.", 1),
    "Float": ScalarNote("A number.", 1.5),
    "Boolean": ScalarNote("True or false.", True),
    "ID": ScalarNote("A name that identifies something.", "id-1"),
    "JSON": ScalarNote("Any JSON value.", {}),
    "JSONObject": ScalarNote("A JSON object.", {}),
    "Date": ScalarNote("A calendar date, as RFC 3339 full-date: 2026-05-31.", "2026-05-31"),
    "DateTime": ScalarNote(
        "A moment with its offset, as RFC 3339: 2026-05-31T12:00:00Z.", "2026-05-31T12:00:00Z"
    ),
    "Time": ScalarNote("A time of day: 12:30:00.", "12:30:00"),
    "TimeZone": ScalarNote("A time zone of the IANA database: Europe/Lisbon.", "Europe/Lisbon"),
    "Locale": ScalarNote("A language tag, as BCP 47: pt-BR.", "pt-BR"),
    "CountryCode": ScalarNote("A country, as ISO 3166-1 alpha-2: PT.", "PT"),
    "Currency": ScalarNote("A currency, as ISO 4217: EUR.", "EUR"),
    "EmailAddress": ScalarNote("An e-mail address, as RFC 5322 addr-spec.", "person@example.com"),
    "PhoneNumber": ScalarNote("A telephone number, as E.164: +351210000000.", "+351210000000"),
    "URL": ScalarNote("An absolute URL.", "https://example.com/"),
    "NonEmptyString": ScalarNote(
        "A string with at least one character that is not white space.", "text"
    ),
    "Latitude": ScalarNote("Degrees north, from -90 to 90.", 38.72),
    "Longitude": ScalarNote("Degrees east, from -180 to 180.", -9.14),
}
"""Every scalar of contracts, by its name."""
