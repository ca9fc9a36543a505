# SPDX-License-Identifier: MIT
"""terminal.py program|shell COMMAND...: job control as a person sees it. A shell on a terminal of
its own runs the command; says what the shell and the command said, one fact a line.

program: the command is to print "ready" and then what it reads; it is stopped by ^Z, goes on with
fg, reads a line, and is ended by ^C.
shell: the command is an interactive bash, which has a group of its own; a program that it runs is
stopped and goes on; it suspends itself, and goes on with fg of the outer one."""

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
        self.until(PROMPT)
        self.type("stty -echo\n")
        self.until(PROMPT)

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, pattern):
        """What is shown until the pattern is; ends the program after a minute without a word."""
        while not (found := re.search(pattern, self.seen)):
            if not select.select([self.fd], [], [], 60)[0]:
                sys.exit(f"no {pattern!r} in {self.seen!r}")
            self.seen += os.read(self.fd, 4096).decode(errors="replace")
        shown, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return shown

    def shell(self, words):
        """What the shell in front says to that."""
        self.type(words + "\n")
        return self.until(re.escape(PROMPT))

    def ends(self, sign):
        self.type("\x03")
        self.until(re.escape(PROMPT))
        print(sign, re.search("status=[0-9]+", self.shell("echo status=$?")).group())


def program(terminal, command):
    terminal.type(command + "\n")
    terminal.until("ready")
    terminal.type("\x1a")
    print("^Z:", re.search("Stopped", terminal.until(PROMPT)) and "stopped")
    terminal.type("fg\n")
    terminal.until("\n")
    terminal.type("a line\n")
    print("fg:", re.search("got: .*line", terminal.until("got: [^\r\n]*")).group())
    terminal.ends("^C:")


def shell(terminal, command):
    terminal.shell(f"outer=yes; {command}")
    terminal.type("sh -c 'echo ready; exec cat'\n")
    terminal.until("ready")
    terminal.type("\x1a")
    print("inner ^Z:", re.search("Stopped", terminal.until(PROMPT)) and "stopped")
    terminal.type("fg\n")
    terminal.until("\n")
    terminal.type("a line\n")
    terminal.until("a line")
    terminal.ends("inner ^C:")
    print("suspend:", re.search("Stopped", terminal.shell("suspend")) and "stopped")
    print("outside:", re.search("in=.*", terminal.shell("echo in=$outer")).group().strip())
    terminal.shell("fg")
    print("inside:", re.search("in=.*", terminal.shell("echo in=$outer")).group().strip())
    terminal.shell("exit 5")
    print("exit:", re.search("status=[0-9]+", terminal.shell("echo status=$?")).group())


terminal = Terminal()
(program if sys.argv[1] == "program" else shell)(terminal, shlex.join(sys.argv[2:]))
terminal.type("jobs; echo end-of-jobs\n")
print("jobs:", terminal.until("end-of-jobs").strip())
terminal.type("exit\n")
