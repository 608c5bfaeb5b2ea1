"""A real Temporal server for tests, from the binary of a PyPI package."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.ports import free_port


class Temporal:
    """A development server that keeps everything in memory, on a loopback port."""

    def __init__(self, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._log = folder / "temporal.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        program = Path(sys.executable).with_name("temporal")
        host, port = self.address.split(":")
        command = [str(program), "server", "start-dev", "--headless", "--ip", host, "--port", port]
        ports = ["--http-port", str(free_port()), "--metrics-port", str(free_port())]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([*command, *ports], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End the server."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout=10)

    def log(self) -> str:
        """The end of what the server wrote."""
        return self._log.read_text(errors="replace")[-3000:]
