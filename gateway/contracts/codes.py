"""The codes that scalars are held to. Each list is loaded when it is first asked for."""

from functools import cache
from importlib.resources import files


@cache
def time_zones() -> frozenset[str]:
    """The names of the IANA time zone database."""
    return frozenset(files("tzdata").joinpath("zones").read_text().split())


@cache
def languages() -> frozenset[str]:
    """Languages by ISO 639-1 and ISO 639-3."""
    import pycountry

    return frozenset(
        code
        for one in pycountry.languages
        for code in (one.alpha_3, getattr(one, "alpha_2", None))
        if code is not None
    )


@cache
def scripts() -> frozenset[str]:
    """Scripts by ISO 15924."""
    import pycountry

    return frozenset(one.alpha_4 for one in pycountry.scripts)


@cache
def countries() -> frozenset[str]:
    """Countries by ISO 3166-1 alpha-2."""
    import pycountry

    return frozenset(one.alpha_2 for one in pycountry.countries)


@cache
def currencies() -> frozenset[str]:
    """Currencies by ISO 4217."""
    import pycountry

    return frozenset(one.alpha_3 for one in pycountry.currencies)
