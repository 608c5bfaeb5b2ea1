"""How pages say moments, lengths of time, names and JSON."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.surfaces.console.app import STATIC
from gateway.surfaces.console.arguments import rows_of
from gateway.surfaces.console.policies.sentences import sentence_of
from gateway.surfaces.console.rendering import (
    TEMPLATES,
    environment,
    lasting,
    moment,
    pretty,
    words,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("away", "told"),
    [
        (0, "now"),
        (-30, "30 seconds ago"),
        (90, "in 1 minute"),
        (-7_200, "2 hours ago"),
        (86_400 * 3, "in 3 days"),
    ],
)
def test_moments_are_told_by_how_far_away_they_are(away: int, told: str) -> None:
    at = (NOW + timedelta(seconds=away)).isoformat()
    shown = moment(at, NOW)
    assert f">{told}</time>" in shown
    assert f'datetime="{at}"' in shown


def test_what_never_was_is_told_so() -> None:
    assert "never" in moment(None, NOW)


@given(st.floats(0, 1e9))
def test_a_length_of_time_is_a_number_and_a_unit(seconds: float) -> None:
    assert re.fullmatch(r"\d+ (second|minute|hour|day)s?|no time", lasting(seconds))


@given(st.text())
def test_json_never_breaks_out_of_its_element(text: str) -> None:
    shown = pretty({"a": text})
    inside = shown.removeprefix("<pre class='json' tabindex='0'>").removesuffix("</pre>")
    assert "<" not in inside
    assert ">" not in inside


def test_values_in_one_line_say_what_is_left_out_of_them() -> None:
    in_line = environment().get_template("parts.html").module.in_line  # type: ignore[attr-defined]
    shown = str(in_line(rows_of({"body": "y" * 1_000, "to": "ada"})))
    assert "and 600 characters more" in shown
    assert shown.count("characters more") == 1


def test_names_of_states_are_told_in_words() -> None:
    assert words("WAITING_APPROVAL") == "Waiting approval"


def test_templates_escape_what_they_are_given() -> None:
    shown = environment().from_string("{{ x }}").render(x="<script>&\"'")
    assert shown == "&lt;script&gt;&amp;&#34;&#39;"


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_has_a_script_or_a_style_of_its_own_or_marks_text_as_safe(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|\|\s*safe|autoescape", text)
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    assert all(not script.strip() for script in scripts)


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_every_file_that_a_template_names_is_served(path: Path) -> None:
    named = re.findall(r"/console/static/([\w.-]+)", path.read_text())
    assert set(named) <= {file.name for file in STATIC.iterdir()}


def rendered(template: str, text: str) -> str:
    return environment().from_string(template).render(x=text)


@pytest.mark.parametrize("template", ["{{ x }}", "{{ x | pretty }}", "{{ {'a': x} | pretty }}"])
def test_letters_that_turn_others_around_are_shown_as_such(template: str) -> None:
    """A browser would show the first one as ``DE12``."""
    assert "\\u202e21ED" in rendered(template, "\u202e21ED")
    assert "x.\\u200by" in rendered(template, "x.\u200by")


@pytest.mark.parametrize("template", ["{{ x }}", "{{ x | pretty }}", "{{ {'a': x} | pretty }}"])
def test_letters_that_nobody_sees_are_shown_as_such(template: str) -> None:
    """What is approved for ``o-1001`` must not be for another order of the same looks."""
    assert "o-1001\\u3164" in rendered(template, "o-1001\u3164")
    assert "o-1001\\udb40\\udd00" in rendered(template, "o-1001\U000e0100")


@pytest.mark.parametrize(
    "text", ["two\nlines", "می\u200cخواهم", "a\u00a0b", "日本", "\u2764\ufe0f"]
)
def test_letters_that_words_are_made_of_stay(text: str) -> None:
    assert rendered("{{ x }}", text) == text


def test_lines_end_as_mails_and_forms_end_them() -> None:
    """A browser shows nothing of it; a lone return it would show as a blank."""
    assert rendered("{{ x }}", "Dear Ada,\r\n\r\nbye") == "Dear Ada,\n\nbye"
    assert rendered("{{ x }}", "a\rb") == "a\\rb"


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_what_a_form_is_filled_in_with_comes_back_as_it_was(path: Path) -> None:
    text = "a\u200bb\u202e"
    assert rendered('<input value="{{ x | exactly }}">', text) == f'<input value="{text}">'
    filled = re.findall(r'\bvalue="\{\{(.*?)\}\}|<textarea[^>]*>\{\{(.*?)\}\}', path.read_text())
    assert all((one or other).endswith("| exactly ") for one, other in filled)


def test_a_row_of_policy_is_shown_with_the_letters_that_turn_others_around() -> None:
    row = "p, 1, *, acme, shop.pay, *, note == '\u202e001 < x', autonomous, -, -, -, -"
    macros = environment().get_template("policies/macros.html").module
    change = {"line": 1, "newLine": 1, "before": "", "after": row}
    for sentence in (None, sentence_of("verdict.csv", row)):
        file = {"file": "verdict.csv", "change": "ROWS", "reordered": False}
        told = {**change, "after_sentence": sentence, "before_sentence": None}
        page = str(macros.differing([{**file, "rows": [told]}]))  # type: ignore[attr-defined]  # a macro
        assert "\u202e" not in page
        assert page.count("\\u202e001") == 2
