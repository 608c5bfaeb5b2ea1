"""Writing YAML that ``yaml_source`` reads back as the same value."""

from typing import Any

import yaml

from gateway.model.json import JsonValue

_WIDTH = 100
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml where PyYAML has it


def yaml_text(value: JsonValue) -> str:
    """``value`` as YAML: block style, keys in their order, no anchors."""
    text: str = yaml.dump(
        value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=_WIDTH, indent=2
    )
    return text


class _Plain(_Dumper):  # type: ignore[misc] # which of the two it is shows at run time
    """Writes a value that occurs twice twice, since aliases are not read."""

    def ignore_aliases(self, data: object) -> bool:
        return True
