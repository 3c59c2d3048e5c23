"""One class per refusal of accounts. No HTTP in here: ``http.error_status`` has their statuses."""

from webapp.domain.errors import InvalidFields, LedgerError, Problem


class UnknownUser(LedgerError):
    """Nobody has this number or name."""

    def __init__(self) -> None:
        """Say it."""
        super().__init__("There is no such person.")


class UnknownToken(LedgerError):
    """No token has this number."""

    def __init__(self) -> None:
        """Say it."""
        super().__init__("There is no such token.")


class NameTaken(InvalidFields):
    """Somebody has this name already, in this or another spelling. It is a problem of the field."""

    def __init__(self, name: str) -> None:
        """Take the name as that person spells it."""
        super().__init__([Problem("name", f"There is a person called {name} already.")])
        self.name = name


class FirstUserMustAdminister(LedgerError):
    """The first person must be an administrator: nobody else could add the others."""

    def __init__(self) -> None:
        """Say it."""
        super().__init__("The first person must be an administrator, because only administrators add others.")


class AlreadySetUp(LedgerError):
    """Somebody was added before, so the first administrator is made already."""

    def __init__(self) -> None:
        """Say it."""
        super().__init__("The first administrator is there already. Sign in, or ask them for an account.")


class LastAdministrator(LedgerError):
    """Without this administrator nobody could administer."""

    def __init__(self) -> None:
        """Say it."""
        super().__init__(
            "This is the only administrator who can sign in. Make somebody else an administrator first."
        )


class AdministratorRequired(LedgerError):
    """Whoever asked for this lost the right to while it was on its way, or never had it."""

    def __init__(self) -> None:
        """Say it."""
        super().__init__("Only an administrator can do this.")


class OwnPassword(LedgerError):
    """An administrator tried to give themselves a password as they give it to others."""

    def __init__(self) -> None:
        """Say where it is done."""
        super().__init__("This is your own account. Change its password under Change password.")


class LoginFailed(LedgerError):
    """Wrong password, unknown name, or a disabled person: which of them is not said."""

    def __init__(self) -> None:
        """Say it."""
        super().__init__("The name and the password do not match an account that can sign in.")


class LoginRateLimited(LedgerError):
    """Too many guesses. Nothing was checked; trying again after `retry_after_s` may work."""

    what = "Too many sign-ins failed"

    def __init__(self, retry_after_s: int) -> None:
        """Take how many seconds to wait, at least 1."""
        minutes = -(-retry_after_s // 60)
        super().__init__(
            f"{self.what}, so this one was not tried. "
            f"Try again in {minutes} minute{'' if minutes == 1 else 's'}."
        )
        self.retry_after_s = retry_after_s


class LoginsBusy(LoginRateLimited):
    """So many passwords wait to be checked that this one was not. No guess was counted."""

    def __init__(self) -> None:
        """Say it; a few seconds later there is room again."""
        LedgerError.__init__(
            self,
            "Too many passwords are being checked at this moment, so this one was not. "
            "Try again in a few seconds.",
        )
        self.retry_after_s = 5


class SetUpCodeRateLimited(LoginRateLimited):
    """Too many guesses at the set-up code."""

    what = "Too many codes were wrong"
