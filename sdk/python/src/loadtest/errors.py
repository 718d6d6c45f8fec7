"""What can go wrong between this program and the orchestrator."""

from __future__ import annotations

import grpc


class LoadTestError(Exception):
    """An answer of the orchestrator that is an error, or none at all. `code` is gRPC's."""

    def __init__(self, message: str, code: grpc.StatusCode) -> None:
        super().__init__(message)
        self.code = code


class InvalidSpec(LoadTestError):
    """The orchestrator refused what was asked for: a line a field, with its value and what was wanted."""


class NotFound(LoadTestError):
    """There is no such test."""


class Unavailable(LoadTestError):
    """The orchestrator, or its broker, cannot be reached. Safe to try again: a request_id is sent along."""


class Refused(LoadTestError):
    """The orchestrator wants a token, and this one is not it."""


_KINDS = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidSpec,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: Unavailable,
    grpc.StatusCode.UNAUTHENTICATED: Refused,
    grpc.StatusCode.PERMISSION_DENIED: Refused,
}


def translated(error: grpc.RpcError, server: str) -> LoadTestError:
    """The error of this package that says the same. Those of the way to the orchestrator name its address."""
    code, details = error.code(), error.details() or ""
    kind = _KINDS.get(code, LoadTestError)
    if kind in (Unavailable, Refused):
        details = f"orchestrator at {server}: {code.name}: {details}"
    return kind(details, code)
