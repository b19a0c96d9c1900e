"""Who may change the key that seals the ledger."""

from lims.core.permissions import Role, permission

ROTATE_KEY = permission(
    "ledger.key.rotate", granted_to=[Role.OPERATOR], about="Seal under a new key from now on"
)
