"""Explaining a decision that was not made: what would be decided, by which rules, and what lacks.

The decision itself always comes from the decision point. Rules are matched here by their columns,
as the shipped models do; where a deployment's own matcher decides otherwise, the rule that decided
still comes first.
"""

from collections.abc import Iterator
from itertools import groupby

from gateway.model.decision import Rule, Treatment, Verdict
from gateway.policy.engine.matcher import PiiField, matcher_functions
from gateway.policy.engine.roles import ANYWHERE
from gateway.policy.explaining.explanation import MAX_MATCHED, Explanation, Match, Nearest, Way
from gateway.policy.explaining.nearest import access_candidates, told, verdict_candidates
from gateway.policy.explaining.request import Request, Visible
from gateway.policy.explaining.ways import access_ways, requester_ways, verdict_ways
from gateway.policy.revision import field_classes
from gateway.policy.rules.models import ACCESS, PII, VERDICT
from gateway.policy.rules.rows import Row


def explain(request: Request, visible: Visible) -> Explanation:
    """What would be decided of a request, and why.

    ``visible`` says which rules whoever asks may read; rules that matched always count as such,
    since they hold in the workspace of the request. It decides nothing for real: nothing is
    recorded, and no decision id is worth keeping.
    """
    access, verdict = request.access(), request.verdict()
    treatments = {
        name: request.revision.treatment(request.principal, request.contract.ref, name)
        for name in request.pii_fields()
    }
    matched = [
        *_first(_access_matches(request, access.rule), access.rule),
        *_verdict_matches(request, verdict.rules if verdict else ()),
        *_pii_matches(request, treatments),
    ]
    shown = tuple(_bounded(matched))
    nearest, required = _lacking(request, visible)
    return Explanation(
        access=access,
        verdict=verdict,
        treatments=treatments,
        matched=shown,
        nearest=tuple(nearest),
        required=tuple(required),
        is_whole=len(shown) == len(matched),
    )


def _lacking(request: Request, visible: Visible) -> tuple[list[Nearest], list[Way]]:
    """What access lacks, if it is denied, and what the verdict does, if it could be better."""
    nearest: list[Nearest] = []
    required: list[Way] = []
    access, verdict = request.access(), request.verdict()
    if not access.allowed:
        found = access_candidates(request, access, visible)
        nearest += told(ACCESS.name, "eft", found)
        required += access_ways(request, found)
    if request.is_short:
        required += requester_ways(request, visible)
    elif verdict is not None and verdict.verdict is not Verdict.AUTONOMOUS:
        found = verdict_candidates(request, verdict, visible)
        nearest += told(VERDICT.name, "verdict", found)
        required += verdict_ways(request, verdict, found, visible)
    return nearest, required


def _access_matches(request: Request, deciding: Rule | None) -> list[Match]:
    return [
        Match(ACCESS.name, row.rule, row["eft"], row.rule == deciding)
        for row in request.speaking_to(ACCESS.name)
    ]


def _first(matches: list[Match], deciding: Rule | None) -> list[Match]:
    """The deciding rule, even where only a deployment's own matcher sees why it matched."""
    if deciding is None or any(match.decides for match in matches):
        return matches
    effect = deciding.text.rpartition(",")[2].strip()
    return [Match(ACCESS.name, deciding, effect, decides=True), *matches]


def _verdict_matches(request: Request, deciding: tuple[Rule, ...]) -> Iterator[Match]:
    if request.contract.handler is None:
        return
    named = request.speaking_to(VERDICT.name)
    for row in named:
        decides = row.rule in deciding
        if decides or request.outcome(row) is not False:
            yield Match(VERDICT.name, row.rule, row["verdict"], decides)
    lines = {row.line for row in named}
    unseen = [rule for rule in deciding if rule.line not in lines]
    if unseen:  # only a deployment's own matcher sees why they matched
        rows = {row.line: row for row in request.rows.verdict}
        for rule in unseen:
            yield Match(VERDICT.name, rule, rows[rule.line]["verdict"], decides=True)


def _pii_matches(request: Request, treatments: dict[str, Treatment]) -> Iterator[Match]:
    rows = [row for row in request.speaking_to(PII.name) if _sees(request, row)]
    covers = matcher_functions({}, request.revision.book.graph)["covers"]
    for name, treatment in treatments.items():
        met: dict[Row, bool] = {}  # whether it is the first that speaks of the field as of a class
        for one in sorted(field_classes(request.contract, name)):
            speaking = [row for row in rows if covers(PiiField(name, one), row["field"])]
            for index, row in enumerate(speaking):
                met[row] = met.get(row, False) or index == 0
        for row in sorted(met, key=rows.index):
            decides = met[row] and row["treatment"] == treatment.value
            yield Match(PII.name, row.rule, row["treatment"], decides, name)


def _sees(request: Request, row: Row) -> bool:
    return row["type"] in (request.subject.type.value, ANYWHERE)


def _bounded(matched: list[Match]) -> Iterator[Match]:
    """At most so many of each model, the deciding ones first."""
    for _, group in groupby(matched, key=lambda match: match.model):
        yield from sorted(group, key=lambda match: not match.decides)[:MAX_MATCHED]
