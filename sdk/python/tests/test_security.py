"""Token, TLS and client certificates, against an orchestrator that wants all three."""

import json
import os
import pathlib
import subprocess
import time

import pytest

from loadtest import Client, Refused, Unavailable

TOKEN = "0123456789abcdef-token"


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)


def certificates(folder):
    """ca.pem, and pem and key of a server and of a client that it signed."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=ca",
            "-addext", "basicConstraints=critical,CA:TRUE")
    for name in ("server", "client"):
        openssl(folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-copy_extensions", "copy", "-out", f"{name}.pem")


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """(its address, the folder with its certificates)"""
    folder = tmp_path_factory.mktemp("secured")
    certificates(folder)
    (folder / "token").write_text(TOKEN + "\n")
    program = pathlib.Path(os.environ["LOADTEST_BIN"]) / "orchestrator"
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [program, "1", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", "data", "--ready_file", "ready", "--tls-cert", "server.pem",
             "--tls-key", "server.key", "--token-file", "token", "--set", "orchestrator.tls_client_ca_file=ca.pem"], cwd=folder, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not (folder / "ready").exists():
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)
        yield json.loads((folder / "ready").read_text())["grpc_address"], folder
    finally:
        process.terminate()
        process.wait(20)


def test_the_right_caller_comes_in(secured):
    server, folder = secured
    own = {"cert_file": str(folder / "client.pem"), "key_file": str(folder / "client.key")}
    with Client(server, token=TOKEN, ca_file=str(folder / "ca.pem"), **own) as client:
        assert len(client.drivers()) == 1


def test_the_environment_says_what_is_not_given(secured, monkeypatch):
    server, folder = secured
    monkeypatch.setenv("LOADTEST_SERVER", server)
    monkeypatch.setenv("LOADTEST_SERVER_CACERT", str(folder / "ca.pem"))
    monkeypatch.setenv("LOADTEST_TOKEN_FILE", str(folder / "token"))
    with Client(cert_file=str(folder / "client.pem"), key_file=str(folder / "client.key")) as client:
        assert len(client.drivers()) == 1


def test_others_do_not(secured):
    server, folder = secured
    ca = str(folder / "ca.pem")
    own = {"cert_file": str(folder / "client.pem"), "key_file": str(folder / "client.key")}
    with Client(server, token="not-the-token", ca_file=ca, **own) as client, pytest.raises(Refused, match="is not the one"):
        client.drivers()
    for wrong in ({"ca_file": ca}, {"tls": True}, {}):
        with Client(server, token=TOKEN, **wrong) as client, pytest.raises(Unavailable, match=f"orchestrator at {server}"):
            client.drivers()


def test_a_token_does_not_go_to_another_host_in_clear_text():
    for server in ("load.example:50051", "192.0.2.1:50051", "dns:///load.example:50051", "127.example:1"):
        with pytest.raises(ValueError, match="in clear text"):
            Client(server, token=TOKEN)
    for server in ("localhost:1", "127.0.0.1:1", "[::1]:1", "dns:///localhost:1"):
        Client(server, token=TOKEN).close()


def test_half_a_client_certificate_is_refused():
    with pytest.raises(ValueError, match="both or none"):
        Client("localhost:1", cert_file="client.pem")
