import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs/errors"


def codes_in(folder, pattern):
    found = set()
    for path in folder.glob("*.py"):
        found |= set(re.findall(pattern, path.read_text()))
    return found


def test_every_issue_code_of_contract_files_has_a_page():
    codes = codes_in(ROOT / "gateway/contracts", r'"(CONTRACTS?_[A-Z_]+)"')
    assert len(codes) > 10
    for code in codes:
        page = (PAGES / f"{code}.md").read_text()
        assert page.startswith(f"# {code}\n")
        assert "## What to do" in page


def test_every_issue_code_of_validation_is_explained_on_its_page():
    page = (PAGES / "VALIDATION_FAILED.md").read_text()
    codes = {
        *("REQUIRED", "UNKNOWN_FIELD", "WRONG_TYPE", "INVALID_FORMAT", "NOT_ALLOWED"),
        *("OUT_OF_RANGE", "TOO_LONG", "TOO_DEEP"),
    }
    used = (ROOT / "gateway/contracts/io.py").read_text() + (
        ROOT / "gateway/contracts/scalars.py"
    ).read_text()
    for code in codes:
        assert f'"{code}"' in used
        assert f"`{code}`" in page
