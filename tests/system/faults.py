"""What a request asks of the faulty program (`tests.system.faulty_app`), and what that tells of itself."""

from enum import StrEnum
from typing import Final

# The moment at which the process dies.
DIE: Final = "X-Die"
# The most bytes that the process may write into one file from now on, -1 for any number.
FILE_SIZE: Final = "X-File-Size"
# In its answers: the number of the process.
PROCESS: Final = "X-Process"


class Moment(StrEnum):
    """When the process dies."""

    AMONG_ROWS = "one half of the import's events is inserted"
    AFTER_EVENT = "the event is inserted, its position is not"
    AFTER_SAVEPOINT = "the act is done, others of its group are not yet"
    BEFORE_COMMIT = "everything is inserted, nothing is committed"
    AFTER_COMMIT = "the group is committed, none of its acts is answered"
    BEFORE_ANSWER = "it is committed, and the client was told nothing"
