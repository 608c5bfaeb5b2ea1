"""A PostgreSQL server that archives its WAL, is backed up, and is restored to a moment of its past,
as PostgreSQL's documentation says ("Continuous Archiving and Point-in-Time Recovery")."""

import shutil
import subprocess
from pathlib import Path

import psycopg

from tests.postgres import Postgres
from tests.world import wait_until


class RecoveredPostgres(Postgres):
    """A server whose WAL is copied to a folder, and that can be put back."""

    def __init__(self) -> None:
        super().__init__({"fsync": "off"})
        self.wal = self._shared("wal")
        self.settings |= {
            "archive_mode": "on",
            "archive_command": f"cp %p {self.wal}/.part && mv {self.wal}/.part {self.wal}/%f",
        }

    def _shared(self, name: str) -> Path:
        made = self.folder / name
        made.mkdir()
        if self.user is not None:
            shutil.chown(made, self.user)
        return made

    def ask(self, command: str, *values: object) -> tuple[object, ...]:
        """The row that a command gives, asked of the server itself."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute(command.encode(), values).fetchone()
            assert found is not None
            return found

    def back_up(self) -> Path:
        """Take a base backup beside whoever writes."""
        target = self._shared("base")
        self._run("pg_basebackup", "-D", str(target), "-c", "fast", "-X", "none")
        return target

    def name_this_moment(self, name: str) -> None:
        """Make a restore point."""
        self.ask("SELECT pg_create_restore_point(%s)", name)

    def archived(self) -> None:
        """Wait until all that was written is in the archive."""
        (last,) = self.ask("SELECT pg_walfile_name(pg_switch_wal())")
        asked = "SELECT last_archived_wal FROM pg_stat_archiver"
        wait_until(lambda: str(self.ask(asked)[0]) >= str(last), 30, self.log)

    def restore(self, base: Path, **target: str) -> None:
        """The disk is lost: put the backup in its place and recover to a ``recovery_target``."""
        self.kill()
        shutil.rmtree(self.data)
        base.rename(self.data)
        self.data.chmod(0o700)
        (self.data / "recovery.signal").touch()
        told = {"restore_command": f"cp {self.wal}/%f %p", **target}
        self.settings |= {**told, "recovery_target_action": "promote"}
        self.start()
        wait_until(lambda: self.ask("SELECT pg_is_in_recovery()") == (False,), 30, self.log)

    def _run(self, program: str, *arguments: str) -> None:
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        done = subprocess.run(
            [str(self.binaries / program), *where, *arguments],
            user=self.user, cwd=self.folder, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
