"""PDFs that were made lately, for links that strangers open again and again.

The key has all that a document says, so a document that would differ is made anew. Whether a link is still
valid is checked before.
"""

import json
from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from typing import Final

from webapp.statements.content import Statement, data_of
from webapp.statements.pdf import page_of, pdf_of
from webapp.statements.proof import Proof

# The most memory that the documents of a process take.
BYTES_MAX: Final = 16_000_000
_documents: Final[OrderedDict[bytes, bytes]] = OrderedDict()
_lock: Final = Lock()


def cached_pdf_of(statement: Statement, proof: Proof | None) -> bytes:
    """Return the PDF as `pdf_of` makes it, from memory if it was made lately. Raises LedgerBusy."""
    said = [data_of(statement), page_of(statement, proof), proof.document.decode() if proof else None]
    key = sha256(json.dumps(said).encode()).digest()
    with _lock:
        if key in _documents:
            _documents.move_to_end(key)
            return _documents[key]
    document = pdf_of(statement, proof)
    with _lock:
        _documents[key] = document
        while sum(map(len, _documents.values())) > BYTES_MAX:
            _documents.popitem(last=False)
    return document
