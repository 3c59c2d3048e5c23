"""The errors of accounts. Their HTTP statuses are in ``webapp.http.error_status``."""

from webapp.domain.errors import InvalidFields, LedgerError, Problem


class UnknownUser(LedgerError):
    """No user has this id or name."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("There is no such person.")


class UnknownToken(LedgerError):
    """No token has this id."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("There is no such token.")


class UnknownLink(LedgerError):
    """No statement has a link with this number or secret, or it was revoked."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__(
            "This link is not complete, or it was revoked. Ask the person who gave it to you for another one."
        )


class NameTaken(InvalidFields):
    """A user already has this name, in this or another spelling."""

    def __init__(self, name: str) -> None:
        """Take the name of the existing user."""
        super().__init__([Problem("name", f"There is already a person called {name}.")])
        self.name = name


class FirstUserMustAdminister(LedgerError):
    """The first user must be an administrator, because only administrators add users."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__(
            "The first person must be an administrator, because only administrators can add others."
        )


class AlreadySetUp(LedgerError):
    """A user already exists, so there is no first administrator to create."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("There is already an administrator. Sign in, or ask them for an account.")


class LastAdministrator(LedgerError):
    """This is the last enabled administrator."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__(
            "This is the only administrator who can sign in. Give another person the role first."
        )


class AdministratorRequired(LedgerError):
    """The actor is not an administrator, or no longer one at commit."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("Only an administrator can do this.")


class OwnPassword(LedgerError):
    """An administrator tried to set their own password as an initial password."""

    def __init__(self) -> None:
        """Name the page that changes one's own password."""
        super().__init__("This is your own account. Change your password under Change password.")


class LoginFailed(LedgerError):
    """Wrong password, unknown name, expired initial password or disabled user; the message is the same."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("The name and the password do not match an account that can sign in.")


class LoginRateLimited(LedgerError):
    """Too many guesses. The password was not checked; a retry is possible after `retry_after_s` seconds."""

    reason = "Too many sign-ins failed"

    def __init__(self, retry_after_s: int) -> None:
        """Take the number of seconds to wait, at least 1."""
        minutes = -(-retry_after_s // 60)
        super().__init__(
            f"{self.reason}, so this one was not checked. "
            f"Try again in {minutes} minute{'' if minutes == 1 else 's'}."
        )
        self.retry_after_s = retry_after_s


class LoginsBusy(LoginRateLimited):
    """Too many passwords wait to be hashed. This one was not checked, and no guess was counted."""

    def __init__(self) -> None:
        """Suggest a retry after 5 seconds."""
        LedgerError.__init__(
            self,
            "Too many passwords are being checked right now, so this one was not. "
            "Try again in a few seconds.",
        )
        self.retry_after_s = 5


class SetUpCodeRateLimited(LoginRateLimited):
    """Too many guesses at the set-up code."""

    reason = "Too many codes were wrong"
