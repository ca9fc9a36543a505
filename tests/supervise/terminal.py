# SPDX-License-Identifier: MIT
"""terminal.py COMMAND...: job control as a person sees it. A shell on a terminal of its own runs
the command, which is to print "ready" and then what it reads; it is stopped by ^Z, goes on with fg,
reads a line, and is ended by ^C. Says what the shell and the command said, one fact a line."""

import os
import pty
import re
import select
import shlex
import sys

PROMPT = "prompt> "


class Terminal:
    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1=PROMPT, TERM="dumb")
            os.execvp("bash", ["bash", "--norc", "--noediting", "-i"])
        self.seen = ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, pattern):
        """What is shown until the pattern is; ends the program after ten seconds without a word."""
        while not (found := re.search(pattern, self.seen)):
            if not select.select([self.fd], [], [], 10)[0]:
                sys.exit(f"no {pattern!r} in {self.seen!r}")
            self.seen += os.read(self.fd, 4096).decode(errors="replace")
        shown, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return shown


terminal = Terminal()
terminal.until(PROMPT)
terminal.type("stty -echo\n")
terminal.until(PROMPT)
terminal.type(shlex.join(sys.argv[1:]) + "\n")
terminal.until("ready")
terminal.type("\x1a")
print("^Z:", re.search("Stopped", terminal.until(PROMPT)) and "stopped")
terminal.type("fg\n")
terminal.until("\n")
terminal.type("a line\n")
print("fg:", re.search("got: .*line", terminal.until("got: [^\r\n]*")).group())
terminal.type("\x03")
terminal.until(re.escape(PROMPT))
terminal.type("echo status=$?\n")
print("^C:", re.search("status=[0-9]+", terminal.until("status=[0-9]+")).group())
terminal.until(PROMPT)
terminal.type("jobs; echo end-of-jobs\n")
print("jobs:", terminal.until("end-of-jobs").strip())
terminal.type("exit\n")
