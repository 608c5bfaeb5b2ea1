"""Compare the files that are generated from the code and the contracts with what is committed.

    python scripts/check_generated.py            # exits 1 and names the files that drifted
    python scripts/check_generated.py --write    # writes them anew

Generated are the published SDL, the JSON Schema of contract files, the tables of transitions and of
operators' commands in ARCHITECTURE.md, the index of error pages, the table of metrics, the
reference of the commands and what their completion reads.
"""

import argparse
import difflib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.cli import main as command
from gateway.cli.describing import describe, described_settings, for_completion
from gateway.cli.reference import reference
from gateway.contracts import contract_json_schema, load_contracts
from gateway.model.execution import TRANSITIONS, ExecutionStatus
from gateway.model.operator import EFFECTS, OperatorCommand
from gateway.surfaces.graphql import build_schema, print_sdl
from gateway.telemetry.metrics import catalogue

ROOT = Path(__file__).resolve().parent.parent
SHOWN_LINES = 20


def sdl(_: str) -> str:
    """The SDL of the shipped contracts."""
    return print_sdl(build_schema(load_contracts([ROOT / "schema"]))).rstrip() + "\n"


def contract_schema(_: str) -> str:
    """The JSON Schema of contract files."""
    return json.dumps(contract_json_schema(), indent=2, ensure_ascii=False) + "\n"


def architecture(current: str) -> str:
    """ARCHITECTURE.md with the table of transitions as the code has it."""
    rows = ["| from | to |", "| --- | --- |"]
    for status, following in TRANSITIONS.items():
        targets = ", ".join(to.value.upper() for to in TRANSITIONS if to in following)
        rows.append(f"| {status.value.upper()} | {targets or '-'} |")
    current = between(current, "transitions", "\n".join(rows))
    return between(current, "operator-commands", "\n".join(operator_commands()))


def operator_commands() -> Iterator[str]:
    """The effect of each command of operators in each state; an empty cell is a CONFLICT."""
    yield "| in state | " + " | ".join(OperatorCommand) + " |"
    yield "| --- " * (len(OperatorCommand) + 1) + "|"
    for status in ExecutionStatus:
        effects = (EFFECTS[command].get(status, "") for command in OperatorCommand)
        yield f"| {status.value.upper()} | {' | '.join(effects)} |"


def error_index(current: str) -> str:
    """docs/errors/README.md with one row for each page."""
    rows = ["| code | status | meaning |", "| --- | --- | --- |"]
    for page in sorted((ROOT / "docs" / "errors").glob("[A-Z]*.md")):
        if page.stem == "README":
            continue
        text = page.read_text(encoding="utf-8")
        status = re.search(r"^\*\*Status\*\*: *(.+)$", text, re.MULTILINE)
        meaning = text.split("\n\n")[1].replace("\n", " ")
        rows.append(
            f"| [{page.stem}]({page.name}) | {status.group(1) if status else ''} | {meaning} |"
        )
    return between(current, "pages", "\n".join(rows))


def completed(_: str) -> str:
    """What the completion of the command reads."""
    told = {
        "root": for_completion(describe(command, "gateway")),
        "settings": [for_completion(one) for one in described_settings()],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def commands(current: str) -> str:
    """docs/commands.md with every command, argument and option."""
    return between(current, "commands", reference(describe(command, "gateway")))


def observability(current: str) -> str:
    """docs/observability.md with the table of metrics as the code has them."""
    rows = ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"]
    for one in catalogue():
        labels = ", ".join(f"`{label}`" for label in one.labels)
        rows.append(f"| `{one.name}` | {one.kind} | {labels} | {one.about} |")
    return between(current, "metrics", "\n".join(rows))


def between(text: str, name: str, body: str) -> str:
    """``text`` with ``body`` between the comments that mark the generated part ``name``."""
    start, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    if start not in text or end not in text:
        raise SystemExit(f"The marks {start!r} and {end!r} are missing; put them back.")
    head, rest = text.split(start, 1)
    return f"{head}{start}\n{body}\n{end}{rest.split(end, 1)[1]}"


GENERATED: dict[str, Callable[[str], str]] = {
    "schema/gateway.graphql": sdl,
    "schema/contract.schema.json": contract_schema,
    "ARCHITECTURE.md": architecture,
    "docs/errors/README.md": error_index,
    "docs/commands.md": commands,
    "gateway/cli/commands.json": completed,
    "docs/observability.md": observability,
}
"""Every generated file with the function that turns its present text into the right one."""


def main() -> int:
    """Check or write; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the files anew")
    write = parser.parse_args().write
    drifted = 0
    for name, generate in GENERATED.items():
        path = ROOT / name
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        wanted = generate(current)
        if wanted == current:
            continue
        drifted += 1
        if write:
            path.write_text(wanted, encoding="utf-8")
            print(f"wrote {name}")
        else:
            tell(name, current, wanted)
    if drifted and not write:
        print("Run `make generate` and commit what it writes.", file=sys.stderr)
        return 1
    print("Generated files are up to date.")
    return 0


def tell(name: str, current: str, wanted: str) -> None:
    """Print the first lines of what drifted."""
    lines = difflib.unified_diff(
        current.splitlines(),
        wanted.splitlines(),
        f"{name} (committed)",
        f"{name} (generated)",
        lineterm="",
    )
    print("\n".join(list(lines)[:SHOWN_LINES]), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
