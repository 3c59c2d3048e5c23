"""The three roles, each of which includes the previous one."""

from enum import StrEnum


class Role(StrEnum):
    """The roles in ascending order."""

    VIEWER = "viewer"  # reads everything
    OPERATOR = "operator"  # also records, sells, retires and imports
    ADMINISTRATOR = "administrator"  # also manages users and tokens

    def includes(self, other: "Role") -> bool:
        """Return whether this role has all rights of the other one."""
        order = list(Role)
        return order.index(self) >= order.index(other)
