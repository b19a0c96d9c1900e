"""Who may change who may do what.

The administrator does it on a page, the operator on the console. Neither can act as somebody else:
an account's secret is known to its owner, and a token made on the console says so in every entry.
"""

from lims.core.permissions import PEOPLE, Role, permission

_ADMINISTRATION = (Role.ADMINISTRATOR, Role.OPERATOR)

ADD_USER = permission(
    "people.account.add", granted_to=_ADMINISTRATION, about="Open an account for a person"
)
DISABLE_USER = permission(
    "people.account.disable", granted_to=_ADMINISTRATION, about="Close an account for good"
)
SET_ROLES = permission(
    "people.account.roles", granted_to=_ADMINISTRATION, about="Say what an account is trusted with"
)
REPLACE_BADGE = permission(
    "people.badge.replace", granted_to=_ADMINISTRATION, about="Give a new badge for a lost one"
)
PRINT_BADGE = permission(
    "people.badge.print", granted_to=_ADMINISTRATION, about="Print the badge of an account"
)
# Her own token, or anybody's on the console (services.create_token asks which).
TOKEN = permission(
    "people.token.create", granted_to=PEOPLE | {Role.OPERATOR}, about="Make a token for a program"
)
OWN_SECRET = permission(
    "people.account.secret", granted_to=PEOPLE, about="Change one's own password or PIN"
)
