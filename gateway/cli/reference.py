"""The reference of the commands, in Markdown."""

from collections.abc import Iterator

from gateway.model.json import JsonObject

_COMMON = frozenset({"--json", "--color"})
"""Options that every command has in the same meaning; they are described once."""


def reference(told: JsonObject) -> str:
    """Every command of a group that ``describing.describe`` told, in its order."""
    return "\n".join(_group(told, told["name"])).rstrip()


def _group(told: JsonObject, path: str) -> Iterator[str]:
    for one in told["commands"]:
        inner = f"{path} {one['name']}"
        if "commands" in one:
            if path.count(" ") == 0:
                yield from (f"## {inner}", "", one["help"], "")
            yield from _group(one, inner)
        else:
            yield from _command(one, inner)


def _command(told: JsonObject, path: str) -> Iterator[str]:
    yield from ("##" + "#" * min(path.count(" ") - 1, 1) + f" {path}", "")
    arguments = [_shown(one) for one in told["arguments"]]
    yield from ("```", " ".join([path, "[OPTIONS]", *arguments]), "```", "")
    yield from (told["help"], "")
    rows = [_row(one) for one in told["options"] if not _COMMON.intersection(one["names"])]
    if rows:
        yield from ("| option | meaning |", "| --- | --- |", *rows, "")
    yield from (_taken(told), "")


def _shown(argument: JsonObject) -> str:
    name: str = argument["name"]
    return f"{name}..." if argument["several"] and not name.endswith(("...", "...]")) else name


def _row(option: JsonObject) -> str:
    names = ", ".join(f"`{name}`" for name in option["names"])
    value = f" `{option['value']}`" if option["value"] is not None else ""
    more = [
        "Required." if option["required"] else "",
        f"[default: {option['default']}]" if option["default"] is not None else "",
    ]
    meaning = " ".join(part for part in (option["help"], *more) if part)
    cells = [cell.replace("|", "\\|") for cell in (f"{names}{value}", meaning)]
    return f"| {' | '.join(cells)} |"


def _taken(told: JsonObject) -> str:
    """Which of the options that are described once a command takes."""
    common = [name for one in told["options"] for name in one["names"] if name in _COMMON]
    told_common = " and ".join(f"`{name}`" for name in common)
    if told["settings"]:
        return f"Takes every [setting](settings.md){' and ' if common else ''}{told_common}."
    return f"Takes no settings{'; takes ' if common else ''}{told_common}."
