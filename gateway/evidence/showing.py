"""PII in the views of a bundle: shown as somebody may see it, and compared with what is sealed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.model.decision import Treatment
from gateway.model.json import JsonObject, JsonValue, pointer
from gateway.model.pii import envelope_field, is_envelope
from gateway.model.ports import Sealer
from gateway.model.sealing import reveal
from gateway.policy import is_shown_as, mask_value

Treat = Callable[[str, str], Treatment]
"""What somebody sees of a field (``input.<path>`` and so on) of a contract (``key@version``)."""

Fields = Mapping[tuple[str, str], Treatment]
"""How each PII field was shown, by contract and field."""


@dataclass(slots=True)
class Viewer:
    """Shows sealed values of one workspace; ``shown`` notes how each field was treated."""

    sealer: Sealer
    workspace: str
    treat: Treat
    shown: dict[tuple[str, str], Treatment] = field(default_factory=dict)

    def see(self, value: JsonValue) -> JsonValue:
        """``value`` with each envelope replaced by what may be seen of it."""
        return reveal(self.sealer, self.workspace, value, self._treatment, mask_value)

    def _treatment(self, contract: str, of_field: str) -> Treatment:
        found = self.treat(contract, of_field)
        self.shown[contract, of_field] = found
        return found

    def fields(self) -> list[JsonObject]:
        """How each PII field was shown, as a manifest tells it."""
        return [
            {"contract": contract, "field": of_field, "treatment": treatment.value}
            for (contract, of_field), treatment in sorted(self.shown.items())
        ]


def fields_from(listed: JsonValue) -> dict[tuple[str, str], Treatment]:
    """The fields that ``Viewer.fields`` told.

    Raises:
        ValueError: it is no such list, or tells of a field twice.
    """
    found: dict[tuple[str, str], Treatment] = {}
    for one in listed:
        match one:
            case {"contract": str(contract), "field": str(of_field), "treatment": str(how)} if (
                len(one) == 3
            ):
                if (contract, of_field) in found:
                    raise ValueError(f"tells of {of_field} of {contract} twice")
                found[contract, of_field] = Treatment(how)
            case _:
                raise ValueError("is no list of contract, field and treatment")
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a view does not say what the entries say: ``path`` in the view, the ``seq`` of the
    entry that it speaks of, and whether it shows more than the manifest says (``reveals``)."""

    path: str
    seq: int | None
    message: str
    reveals: bool = False


def differences(
    expected: JsonValue,
    shown: JsonValue,
    fields: Fields,
    path: str = "",
    seq: int | None = None,
) -> Iterator[Difference]:
    """Where ``shown`` differs from ``expected``, in which PII is sealed.

    Where an envelope is expected, a value may be raw, treated or null, as ``fields`` tells.
    """
    if is_envelope(expected):
        yield from _at_envelope(expected, shown, fields, path, seq)
    elif isinstance(expected, dict) and isinstance(shown, dict):
        seq = expected["seq"] if isinstance(expected.get("seq"), int) else seq
        for name in sorted({*expected, *shown}):
            here = path + pointer(name)
            if name not in expected or name not in shown:
                told = "is not in the entries" if name in shown else "is missing"
                yield Difference(here, seq, told)
            else:
                yield from differences(expected[name], shown[name], fields, here, seq)
    elif isinstance(expected, list) and isinstance(shown, list):
        if len(expected) != len(shown):
            told = f"has {len(shown)} items, and the entries tell {len(expected)}"
            yield Difference(path, seq, told)
        for index, (one, other) in enumerate(zip(expected, shown, strict=False)):
            yield from differences(one, other, fields, path + pointer(index), seq)
    elif type(expected) is not type(shown) or expected != shown:
        yield Difference(path, seq, "is not what the entries say")


def _at_envelope(
    envelope: JsonObject, shown: JsonValue, fields: Fields, path: str, seq: int | None
) -> Iterator[Difference]:
    try:
        contract, of_field = envelope_field(envelope)
        treatment = fields.get((contract, of_field))
    except (ValueError, TypeError):
        yield Difference(path, seq, "is sealed in a way that is not known")
        return
    if shown is None:
        return  # dropped, or erased for good: nothing is shown
    if treatment is None:
        told = f"is personal data ({of_field} of {contract}), which the manifest does not list"
        yield Difference(path, seq, told)
    elif not is_shown_as(shown, treatment):
        told = f"shows more of {of_field} than the manifest says ({treatment.value})"
        yield Difference(path, seq, told, reveals=True)
