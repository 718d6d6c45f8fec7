"""Completion in the shells themselves: each on a terminal of its own, with the Tab key pressed."""
import os
import pty
import select
import shutil
import subprocess
import sys
import time
import unittest

BIN = os.environ["LOADTEST_BIN"]
PATIENCE_S = 30


class Shell:
    """A shell on a terminal, which completes loadctl."""

    def __init__(self, argv, setup):
        environment = {"PATH": BIN + ":/usr/bin:/bin", "TERM": "dumb", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, environment)
        self.seen = ""
        # What is typed is echoed, so the prompt is not typed as it is printed.
        self.type(setup + "; PS1='READ''Y> '\n")
        self.wait_for("READY> ")
        self.wait_until_quiet()

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait_for(self, text):
        """Reads until `text` was shown; returns all that was shown since the last call."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            if time.monotonic() > deadline:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
            if select.select([self.terminal], [], [], 0.2)[0]:
                self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        seen, self.seen = self.seen, ""
        return seen

    def wait_until_quiet(self):
        """A shell shows its prompt a little before it reads keys as keys."""
        while select.select([self.terminal], [], [], 0.3)[0]:
            os.read(self.terminal, 65536)

    def complete(self, line, want):
        """Types `line` and Tab; the shell must show `want` then."""
        self.type(line + "\t")
        self.wait_for(want)

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


# Each has one answer, so that every shell fills it in without a list.
CASES = [
    ("loadctl wat", "loadctl watch"),
    ("loadctl run --arri", "--arrivals"),
    ("loadctl run --arrivals poi", "poisson"),
    ("loadctl tail hea", "heartbeat"),
    ("loadctl help exit", "exit-codes"),
    ("loadctl run tsu", "tsunami"),
    ("loadctl completion fi", "fish"),
]


class Completion(unittest.TestCase):
    def check(self, argv, setup):
        if not shutil.which(os.path.basename(argv[0])):
            self.fail(f"{argv[0]} is missing; tools/install-packages test installs it")
        for line, want in CASES:
            with self.subTest(shell=argv[0], line=line):
                shell = Shell(argv, setup)
                try:
                    shell.complete(line, want)
                finally:
                    shell.close()

    def test_bash(self):
        self.check(["/bin/bash", "--norc", "--noprofile", "-i"], "source <(loadctl completion bash)")

    def test_zsh(self):
        self.check(["/usr/bin/zsh", "-f", "-i"],
                   "autoload -Uz compinit; compinit -D -u; source <(loadctl completion zsh)")

    def test_fish(self):
        # It draws its line anew with control sequences between the characters, so it is asked by its own command.
        for line, want in CASES:
            with self.subTest(line=line):
                script = f"loadctl completion fish | source; complete -C {line!r}"
                output = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True,
                                        env={"PATH": BIN + ":/usr/bin:/bin", "HOME": "/tmp"}, timeout=60)
                self.assertIn(want.split()[-1], output.stdout, output.stderr)

    def test_every_script_is_understood_by_its_shell(self):
        for shell in ("bash", "zsh", "fish"):
            script = subprocess.run([BIN + "/loadctl", "completion", shell], capture_output=True, check=True).stdout
            checked = subprocess.run([shell, "-n"], input=script, capture_output=True, timeout=60)
            self.assertEqual((checked.returncode, checked.stderr), (0, b""), shell)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
