"""Who acts, as events name it: opaque, never a name or an address (docs/ledger.md, "Events")."""

from typing import Final

LOCAL: Final = "local"  # whoever uses the pages or the API of this installation
SETUP: Final = "setup"  # whoever showed the set-up code from elsewhere; only in the log of accounts
CLI: Final = "cli"  # whoever works at the server's terminal
