"""What is wrong with the policy files, gathered so that all of it is told at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.model.problem import Issue, Problem, ProblemError
from gateway.model.system import read_regular

POLICIES_INVALID = "POLICIES_INVALID"
POLICY_CASES_INVALID = "POLICY_CASES_INVALID"

FILE = "POLICY_FILE"
MODEL = "POLICY_MODEL"
ROW = "POLICY_ROW"
VALUE = "POLICY_VALUE"
CONDITION = "POLICY_CONDITION"
CONTRACT = "POLICY_CONTRACT_UNKNOWN"
CASE = "POLICY_CASE"

_MAX_FILE = 16 * 1024 * 1024


@dataclass(slots=True)
class Findings:
    """The ``issues`` that refuse a set of files, and the ``notes`` that do not."""

    issues: list[Issue] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, code: str, path: Path, message: str, line: int = 1, column: int = 1) -> None:
        """Tell of something wrong at a place; ``line`` and ``column`` count from 1."""
        self.issues.append(Issue(f"{path}:{line}:{column}", code, message))

    def text_of(self, path: Path) -> str | None:
        """The text of a file, or None after telling why there is none."""
        try:
            content = read_regular(path, _MAX_FILE)
            if len(content) > _MAX_FILE:
                self.add(FILE, path, f"the file is larger than {_MAX_FILE // 2**20} MiB")
                return None
            return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        except FileNotFoundError:
            self.add(FILE, path, "the file is missing; the shipped policies folder has a model")
        except UnicodeDecodeError as error:
            self.add(FILE, path, f"the file is not UTF-8 (byte {error.start}); save it as UTF-8")
        except OSError as error:
            self.add(FILE, path, f"the file cannot be read: {error.strerror}")
        return None


def files_invalid(code: str, what: str, issues: Sequence[Issue]) -> ProblemError:
    """The exception that refuses files for ``issues``; ``what`` names them in the detail."""
    first = issues[0]
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    return ProblemError(
        Problem(
            code=code,
            title=f"The {what} cannot be used",
            status=422,
            detail=f"{first.path}: {first.message}{more}",
            category="validation",
            issues=tuple(issues),
        )
    )
