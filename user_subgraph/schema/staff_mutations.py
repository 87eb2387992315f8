# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""What staff do with the accounts of others."""

import graphene
from graphql import GraphQLResolveInfo

from user_subgraph import accounts
from user_subgraph.request_context import context_of
from user_subgraph.schema.errors import errors_as_data
from user_subgraph.schema.inputs import CreateUserInput, Input, UpdateUserInput
from user_subgraph.schema.protected_field import ProtectedField
from user_subgraph.schema.results import DeleteUserResult, UserResult
from user_subgraph.schema.types import UserDeleteMode


@errors_as_data
def _create_user(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    context = context_of(info)
    return context.accounts.create(context.known_viewer, input)


@errors_as_data
def _update_user(_root: None, info: GraphQLResolveInfo, id: str, input: Input) -> object:  # noqa: A002
    context = context_of(info)
    return context.accounts.update(context.known_viewer, id, input)


@errors_as_data
def _delete_user(
    _root: None,
    info: GraphQLResolveInfo,
    id: str,  # noqa: A002
    mode: accounts.UserDeleteMode,
) -> object:
    context = context_of(info)
    return context.accounts.delete(context.known_viewer, id, mode)


class StaffMutations:
    create_user = ProtectedField(
        UserResult, scopes=[["users:write"]], input=CreateUserInput(required=True), resolver=_create_user
    )
    update_user = ProtectedField(
        UserResult,
        scopes=[["users:write"]],
        id=graphene.ID(required=True),
        input=UpdateUserInput(required=True),
        resolver=_update_user,
    )
    delete_user = ProtectedField(
        DeleteUserResult,
        scopes=[["users:write"]],
        id=graphene.ID(required=True),
        mode=graphene.Argument(
            UserDeleteMode, required=True, default_value=accounts.UserDeleteMode.SOFT_DELETE
        ),
        resolver=_delete_user,
    )
