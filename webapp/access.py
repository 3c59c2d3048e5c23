"""Who is asking. The edges name nobody by themselves: what they record is recorded as of `actor`."""

from webapp.ledger.actors import LOCAL


def actor() -> str:
    """Return who the current request acts for, as events name it."""
    return LOCAL
