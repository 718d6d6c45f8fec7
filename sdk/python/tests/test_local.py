import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

import loadtest
from loadtest import LocalCluster


def test_one_call_from_nothing_leaves_nothing_behind(site, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = loadtest.run(site.url + "/ping", local=1, requests=20, connections=2)
    assert result.completed == 20
    assert list(tmp_path.iterdir()) == []


def test_a_missing_program_is_said_with_what_to_set():
    with pytest.raises(FileNotFoundError, match="no program `orchestrator` in /nowhere; set LOADTEST_BIN"):
        LocalCluster(bin="/nowhere").__enter__()


def test_a_program_that_does_not_start_shows_what_it_said(tmp_path):
    program = tmp_path / "orchestrator"
    program.write_text("#!/bin/sh\necho 'no such thing' >&2\nexit 2\n")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match="(?s)did not start:.*no such thing"):
        LocalCluster(bin=str(tmp_path)).__enter__()


def test_a_project_of_others_uses_the_fixture(site, tmp_path, loadtest_server):
    """The plugin in a pytest of its own, as a user's project has it."""
    test = tmp_path / "test_mine.py"
    test.write_text(textwrap.dedent(f"""
        def test_my_service(loadtest_client):
            result = loadtest_client.run("{site.url}/ping", requests=10, connections=1)
            assert result.completed == 20, result
    """))
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--loadtest-server",
                          loadtest_server, str(test)], capture_output=True, text=True, timeout=60, check=False,
                         cwd=tmp_path, env={**os.environ, "PYTEST_ADDOPTS": ""})
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout


def test_the_package_is_typed():
    assert (pathlib.Path(loadtest.__file__).parent / "py.typed").exists()
