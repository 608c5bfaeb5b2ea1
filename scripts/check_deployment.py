"""Lint what is deployed: the Dockerfile, compose.yaml and the Kubernetes manifests.

Each linter runs twice: over the files, which it must accept, and over a copy with one mistake,
which it must name. A linter that has come to accept everything, because a file moved or an option
changed its meaning, fails here too. They come from ``requirements/deploy.lock`` and use no network.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "deploy" / "bin"
FILES = ("Dockerfile", "compose.yaml", "deploy")
SECONDS = 120

# Its script names its interpreter in a way that breaks where the folder has a space in its name.
CHECKOV = ("python", str(BIN / "checkov"), "--skip-download", "--compact", "--quiet")
MANIFESTS = "deploy/kubernetes"
SUPPORTED = ("1.35", "1.37")
"""The oldest and the newest Kubernetes whose schemas the manifests must fit."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """``text`` of a file becomes ``wrong``, and what the linter prints must hold ``finding``."""

    file: str
    text: str
    wrong: str
    finding: str

    def make(self, folder: Path) -> None:
        """Make the mistake in the copy that lies in ``folder``."""
        path = folder / self.file
        right = path.read_text(encoding="utf-8")
        if self.text not in right:
            raise SystemExit(f"{self.file} no longer holds {self.text!r}: give {__file__} another")
        path.write_text(right.replace(self.text, self.wrong), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Linter:
    """A command that is run in a folder with the files, and a mistake that it has to find."""

    command: tuple[str, ...]
    mistake: Mistake

    def run(self, folder: Path) -> tuple[bool, str]:
        """Whether it accepts the files in ``folder``, and what it says."""
        # A home of its own: nobody's personal configuration changes what is checked.
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [BIN / self.command[0], *self.command[1:]],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode == 0, done.stdout + done.stderr


def linters() -> Iterator[Linter]:
    """All of them."""
    yield Linter(
        ("hadolint", "--failure-threshold", "info", "Dockerfile"),
        Mistake("Dockerfile", "WORKDIR /data\n", "WORKDIR data\n", "DL3000"),
    )
    yield Linter(
        (*CHECKOV, "--framework", "dockerfile", "--file", "Dockerfile"),
        Mistake("Dockerfile", "USER 10001:10001\n", "", "CKV_DOCKER_3"),
    )
    yield Linter(
        ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"),
        Mistake("compose.yaml", "restart: unless-stopped", "restarts: always", "restarts"),
    )
    yield Linter(
        (*CHECKOV, "--framework", "kubernetes", "--directory", MANIFESTS),
        Mistake(
            f"{MANIFESTS}/worker.yaml",
            "allowPrivilegeEscalation: false",
            "allowPrivilegeEscalation: true",
            "CKV_K8S_20",
        ),
    )
    manifests = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / MANIFESTS).glob("*"))
    for version in SUPPORTED:
        yield Linter(
            ("kubernetes-validate", "--strict", "--quiet", "-k", version, *manifests),
            Mistake(
                f"{MANIFESTS}/gateway.yaml",
                "readinessProbe:",
                "readynessProbe:",
                "'readynessProbe' was unexpected",
            ),
        )


def faults(linter: Linter) -> list[str]:
    """What is wrong with the files, or with the linter."""
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name))
        accepts, told = linter.run(folder)
        if not accepts:
            return [f"{' '.join(linter.command)}\n{told}"]
        linter.mistake.make(folder)
        accepts, told = linter.run(folder)
        if accepts or linter.mistake.finding not in told:
            return [f"{' '.join(linter.command)} does not find {linter.mistake}:\n{told}"]
    return []


def copied(folder: Path) -> Path:
    """The files, in an otherwise empty folder."""
    for name in FILES:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
    return folder


def main() -> int:
    """Print what was found and answer 1, or one line and 0."""
    todo = list(linters())
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = [fault for list_ in pool.map(faults, todo) for fault in list_]
    print("\n".join(found) or f"{len(todo)} linters accept what is deployed, and no broken copy")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
