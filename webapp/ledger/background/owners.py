"""The names of processes as owners of jobs, and whether one of them has ended.

A name has the machine, the process and a random part: `host/4026531836/6f1c…:123:9f3c…`. Of a process of
this machine it is known at once that it ended; of others only that their lease runs out. Two machines can
have one host name, and the same space of process ids; so a name also has the id of the start of the machine.
"""

import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

_HOST_MAX: Final = 60
_START: Final = Path("/proc/sys/kernel/random/boot_id")


def owner_name() -> str:
    """Return a new name for this process."""
    return f"{_machine()}:{os.getpid()}:{secrets.token_hex(4)}"


def has_ended(owner: str) -> bool:
    """Return whether the owner was a process of this machine that does not run any more."""
    machine, _, process = owner.rpartition(":")[0].rpartition(":")
    if machine != _machine() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _is_zombie(process)


def _machine() -> str:
    """Return the name of the machine, of its start and of the space in which its process ids are valid."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
        start = _START.read_text(encoding="ascii").strip()
    except OSError:
        return f"-{secrets.token_hex(8)}"
    return f"{socket.gethostname()[:_HOST_MAX]}/{space}/{start}"


def _is_zombie(process: str) -> bool:
    """Return whether the process was killed and its parent has not noticed yet."""
    with suppress(OSError), open(f"/proc/{process}/stat", encoding="utf-8") as file:  # noqa: PTH123 - not a file
        return file.read().rpartition(")")[2].split()[0] == "Z"
    return False
