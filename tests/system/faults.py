"""The headers and settings of the faulty program (`tests.system.faulty_app`)."""

from enum import StrEnum
from typing import Final

# Request: the moment at which the process dies.
DIE: Final = "X-Die"
# Request: the most bytes that the process may write into one file from now on; -1 for no limit.
FILE_SIZE: Final = "X-File-Size"
# Environment: how long a write waits for a lock of another program, in place of ten seconds.
WAIT_S: Final = "FAULTY_WAIT_S"
# Environment: the rows from which a file is large, and the rows that are recorded in one transaction.
LARGE_ROWS: Final = "FAULTY_LARGE_ROWS"
CHUNK_ROWS: Final = "FAULTY_CHUNK_ROWS"
# Answer: the process id.
PROCESS: Final = "X-Process"


class Moment(StrEnum):
    """When the process dies."""

    AMONG_ROWS = "one half of the import's events is inserted"
    AFTER_EVENT = "the event is inserted, its position is not"
    AFTER_SAVEPOINT = "the action is done, others of its group are not"
    BEFORE_COMMIT = "everything is inserted, nothing is committed"
    AFTER_COMMIT = "the group is committed, none of its actions is answered"
    BEFORE_ANSWER = "it is committed, the client has no answer"
