"""Where an orchestrator is and how to talk to it; what the two clients have in common."""

from __future__ import annotations

import ipaddress
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
    """`server`: HOST:PORT, else LOADTEST_SERVER, else 127.0.0.1:50051. `token`, else that in LOADTEST_TOKEN, or in the
    file LOADTEST_TOKEN_FILE. `ca_file`, else LOADTEST_SERVER_CACERT: speak TLS and trust these PEM certificates; `tls`:
    speak TLS and trust the system's. `cert_file` and `key_file`: the client's own certificate, PEM."""

    server: str
    token: str = ""
    ca_file: str = ""
    tls: bool = False
    cert_file: str = ""
    key_file: str = ""

    @staticmethod
    def of(server: Optional[str], token: Optional[str], ca_file: Optional[str], tls: bool, cert_file: Optional[str] = None,
           key_file: Optional[str] = None) -> "Connection":
        """ValueError says what cannot be."""
        made_ca = ca_file if ca_file is not None else os.environ.get("LOADTEST_SERVER_CACERT", "")
        made = Connection(
            server=server or os.environ.get("LOADTEST_SERVER") or DEFAULT_SERVER,
            token=token if token is not None else _token_of_environment(),
            ca_file=made_ca,
            tls=tls or bool(made_ca) or bool(cert_file),
            cert_file=cert_file or "",
            key_file=key_file or "",
        )
        if bool(made.cert_file) != bool(made.key_file):
            raise ValueError("got one of cert_file and key_file, want both or none")
        if made.token and not made.tls and not _is_loopback(made.server):
            raise ValueError(f"server: {made.server} is another host, and the token would go there in clear text; "
                             "want ca_file= or tls=True")
        return made

    def channel(self, module: Any) -> Any:
        """A channel of `module`, which is grpc or grpc.aio."""
        if not self.tls:
            return module.insecure_channel(self.server, options=_OPTIONS)
        credentials = grpc.ssl_channel_credentials(_content(self.ca_file), _content(self.key_file), _content(self.cert_file))
        return module.secure_channel(self.server, credentials, options=_OPTIONS)

    def metadata(self) -> List[Tuple[str, str]]:
        return [("authorization", f"Bearer {self.token}")] if self.token else []


def _content(file: str) -> Optional[bytes]:
    if not file:
        return None
    with open(file, "rb") as content:
        return content.read()


def _token_of_environment() -> str:
    file = os.environ.get("LOADTEST_TOKEN_FILE", "")
    if not file:
        return os.environ.get("LOADTEST_TOKEN", "")
    with open(file, encoding="ascii") as content:
        return content.readline().rstrip("\r\n")


def _is_loopback(server: str) -> bool:
    if server.startswith("unix:"):
        return True
    host = server.rsplit("/", 1)[-1].rsplit(":", 1)[0].strip("[]")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def full_name(test: TestName) -> str:
    """"loadTests/{id}"."""
    name = test if isinstance(test, str) else test.name
    return name if name.startswith("loadTests/") else f"loadTests/{name}"


def create_request(spec: LoadTestSpec, test_id: str, request_id: str,
                   validate_only: bool = False) -> service_pb2.CreateLoadTestRequest:
    return service_pb2.CreateLoadTestRequest(spec=spec, load_test_id=test_id, request_id=request_id,
                                             validate_only=validate_only)
