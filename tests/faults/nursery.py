"""`python -m tests.faults.nursery`: where the rig's processes are born, in a hundredth of the time that Python takes.

It loads the payment service once. A line of JSON on stdin asks for a process: a fork that runs the service's real
`__main__`, or, not `warm`, a program started as usual. On stdout it says who began and who ended. When stdin ends, so
do all of them.
"""

import json
import os
import random
import runpy
import selectors
import signal
import sys
from typing import Any, NoReturn

import psycopg  # noqa: F401 - loaded for those to come

import payment_subgraph.app
import payment_subgraph.http_protocol
import payment_subgraph.worker  # noqa: F401


def main() -> None:
    children: set[int] = set()
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(ended, selectors.EVENT_READ)
    left = b""
    while True:
        for key, _ in waiting.select():
            sent = os.read(key.fd, 65536)
            if key.fd == ended:
                _reap(children)
                continue
            if not sent:
                _end(children)
                return
            *lines, left = (left + sent).split(b"\n")
            for line in lines:
                _bear(json.loads(line), children)


def _bear(wanted: dict[str, Any], children: set[int]) -> None:
    pid = os.fork()
    if pid == 0:
        _become(wanted)
    children.add(pid)
    _say({"began": wanted["name"], "pid": pid})


def _become(wanted: dict[str, Any]) -> NoReturn:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    command: list[str] = wanted["command"]
    if not wanted["warm"]:
        os.execv(command[0], command)  # noqa: S606 - our own program
    random.seed()  # or all would draw the same
    status = 1
    try:
        sys.argv = command[2:]
        runpy.run_module(command[2], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    finally:
        os._exit(status)


def _reap(children: set[int]) -> None:
    for pid in list(children):
        ended, _ = os.waitpid(pid, os.WNOHANG)
        if ended:
            children.discard(pid)
            _say({"ended": pid})


def _end(children: set[int]) -> None:
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _say(line: dict[str, Any]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main()
