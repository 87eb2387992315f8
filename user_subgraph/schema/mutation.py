# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""Mutation: what strangers, whoever is logged in, and staff can do."""

import graphene

from user_subgraph.schema.login_mutations import LoginMutations
from user_subgraph.schema.own_account_mutations import OwnAccountMutations
from user_subgraph.schema.staff_mutations import StaffMutations
from user_subgraph.schema.stranger_mutations import StrangerMutations


# Graphene shows the fields of the last base first.
class Mutation(StaffMutations, OwnAccountMutations, LoginMutations, StrangerMutations, graphene.ObjectType):
    pass


# The mutations that need no login: a stale token in the header must not stand in their way.
WITHOUT_TOKEN = frozenset(
    {
        "registerUser",
        "login",
        "beginPasskeyLogin",
        "completeMfa",
        "refreshToken",
        "verifyEmail",
        "resendVerificationEmail",
        "requestPasswordReset",
        "resetPassword",
        "__typename",
    }
)
