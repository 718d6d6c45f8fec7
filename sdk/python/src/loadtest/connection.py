"""Where an orchestrator is and how to talk to it; what the two clients have in common."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple, Union

import grpc

from loadtest.v1 import service_pb2
from loadtest.v1.load_test_pb2 import LoadTest, LoadTestSpec

DEFAULT_SERVER = "127.0.0.1:50051"
#: Seconds that a call may take; a watch takes as long as its test.
CALL_SECONDS = 10.0

#: A test, its name, or its id.
TestName = Union[str, LoadTest]

_OPTIONS: Sequence[Tuple[str, Any]] = (
    # A proxy of the environment is for the web, not for the orchestrator.
    ("grpc.enable_http_proxy", 0),
    # Reports of long tests have many intervals.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


@dataclass(frozen=True)
class Connection:
    """`server`: HOST:PORT, else LOADTEST_SERVER, else 127.0.0.1:50051. `token`, else LOADTEST_TOKEN.
    `ca_file`: speak TLS and trust these PEM certificates; `tls`: speak TLS and trust the system's."""

    server: str
    token: str = ""
    ca_file: str = ""
    tls: bool = False

    @staticmethod
    def of(server: Optional[str], token: Optional[str], ca_file: Optional[str], tls: bool) -> "Connection":
        return Connection(
            server=server or os.environ.get("LOADTEST_SERVER") or DEFAULT_SERVER,
            token=token if token is not None else os.environ.get("LOADTEST_TOKEN", ""),
            ca_file=ca_file or "",
            tls=tls or bool(ca_file),
        )

    def channel(self, module: Any) -> Any:
        """A channel of `module`, which is grpc or grpc.aio."""
        if not self.tls:
            return module.insecure_channel(self.server, options=_OPTIONS)
        roots = None
        if self.ca_file:
            with open(self.ca_file, "rb") as pem:
                roots = pem.read()
        return module.secure_channel(self.server, grpc.ssl_channel_credentials(roots), options=_OPTIONS)

    def metadata(self) -> List[Tuple[str, str]]:
        return [("authorization", f"Bearer {self.token}")] if self.token else []


def full_name(test: TestName) -> str:
    """"loadTests/{id}"."""
    name = test if isinstance(test, str) else test.name
    return name if name.startswith("loadTests/") else f"loadTests/{name}"


def create_request(spec: LoadTestSpec, test_id: str, request_id: str,
                   validate_only: bool = False) -> service_pb2.CreateLoadTestRequest:
    return service_pb2.CreateLoadTestRequest(spec=spec, load_test_id=test_id, request_id=request_id,
                                             validate_only=validate_only)
