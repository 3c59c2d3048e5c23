"""What somebody may do: three roles, each with all that the one before it may."""

from enum import StrEnum


class Role(StrEnum):
    """A role, from the least to the most."""

    VIEWER = "viewer"  # reads
    OPERATOR = "operator"  # also creates, sells, retires, imports
    ADMINISTRATOR = "administrator"  # also people, roles and tokens

    def includes(self, other: "Role") -> bool:
        """Say whether whoever has this role may do all that the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)
