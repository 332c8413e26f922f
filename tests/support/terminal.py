"""A terminal of its own for a program, and somebody who types: standard library only.

terminal.py STEPS PROGRAM ARG…

STEPS is JSON: a list of [what is awaited, what is typed then]. What is awaited is a regular expression, searched for in what came since the last step. The last step may type nothing.
Prints JSON: what the terminal got in all, and the exit status. Fails where something does not come within half a minute.
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

steps, program = json.loads(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "xterm"
    os.execv(program[0], program)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
everything, seen = b"", 0


def read(until):
    """More of what comes; False where nothing will."""
    global everything
    ready, _, _ = select.select([terminal], [], [], max(0, until - time.monotonic()))
    if not ready:
        return False
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        return False
    everything += piece
    return bool(piece)


# What colours and moves is of no interest. A line that is drawn anew comes again behind what it was.
def plain(text):
    return re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>]|\][^\x07]*\x07)|\r", "", text.decode("utf-8", "replace"))


for awaited, typed in steps:
    until = time.monotonic() + 30
    while not re.search(awaited, plain(everything[seen:])):
        if not read(until):
            sys.exit(f"{awaited!r} did not come; since the last step there was {plain(everything[seen:])!r}")
    seen = len(everything)
    if typed == "\x03":
        # It is a signal only once the program has given the terminal back.
        time.sleep(0.3)
    os.write(terminal, typed.encode())
until = time.monotonic() + 30
while read(until):
    pass
_, status = os.waitpid(child, 0)
print(json.dumps({"shown": plain(everything), "status": os.waitstatus_to_exitcode(status)}))
