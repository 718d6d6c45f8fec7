"""An orchestrator with drivers for one program, over the embedded broker: nothing has to run before."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from types import TracebackType
from typing import TYPE_CHECKING, Optional, Type

if TYPE_CHECKING:
    from loadtest.client import Client

_START_SECONDS = 20.0
_END_SECONDS = 10.0


class LocalCluster:
    """Use it in a `with`: it starts there and ends there, and leaves nothing behind.

    The program `orchestrator` is looked for in `bin`, then in the folder LOADTEST_BIN, then on the PATH.
    """

    def __init__(self, drivers: int = 2, bin: Optional[str] = None) -> None:
        self._drivers = drivers
        self._bin = bin or os.environ.get("LOADTEST_BIN")
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._folder = ""
        self.server = ""

    def __enter__(self) -> "LocalCluster":
        program = shutil.which("orchestrator", path=self._bin) if self._bin else shutil.which("orchestrator")
        if program is None:
            raise FileNotFoundError(f"no program `orchestrator` {'in ' + self._bin if self._bin else 'on the PATH'}; "
                                    "set LOADTEST_BIN to the folder of the built programs")
        self._folder = tempfile.mkdtemp(prefix="loadtest-")
        try:
            self._start(program)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self._end()

    def client(self) -> "Client":
        """In clear text and without a token, whatever the environment says of other orchestrators."""
        from loadtest.client import Client

        return Client(self.server, token="", ca_file="")

    def _start(self, program: str) -> None:
        folder = pathlib.Path(self._folder)
        ready, log = folder / "ready.json", folder / "log"
        with open(log, "wb") as output:
            self._process = subprocess.Popen(
                [program, str(self._drivers), "--kafka", "embedded", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0",
                 "--data", str(folder / "data"), "--ready_file", str(ready)],
                env={k: v for k, v in os.environ.items() if k != "LOADTEST_ORCHESTRATOR_TOKEN"}, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        deadline = time.monotonic() + _START_SECONDS
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{program} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        self.server = json.loads(ready.read_text())["grpc_address"]

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
