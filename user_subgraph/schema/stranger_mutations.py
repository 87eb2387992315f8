# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""What needs no login: opening an account, and using what stands in mails."""

import graphene
from graphql import GraphQLResolveInfo

from user_subgraph.request_context import context_of
from user_subgraph.schema.errors import errors_as_data
from user_subgraph.schema.inputs import Input, RegisterUserInput, ResetPasswordInput
from user_subgraph.schema.results import RegisterUserResult, TokenActionResult
from user_subgraph.schema.scalars import EmailAddress


@errors_as_data
def _register_user(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    return context_of(info).accounts.register(input)


@errors_as_data
def _verify_email(_root: None, info: GraphQLResolveInfo, token: str) -> object:
    return context_of(info).links.verify_email(token)


@errors_as_data
def _resend_verification_email(_root: None, info: GraphQLResolveInfo, email: str) -> object:
    return context_of(info).links.resend_verification(email)


@errors_as_data
def _request_password_reset(_root: None, info: GraphQLResolveInfo, email: str) -> object:
    return context_of(info).links.request_password_reset(email)


@errors_as_data
def _reset_password(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    return context_of(info).links.reset_password(input["token"], input["new_password"])


class StrangerMutations:
    register_user = graphene.Field(
        RegisterUserResult, input=RegisterUserInput(required=True), resolver=_register_user
    )
    verify_email = graphene.Field(
        TokenActionResult,
        description="With the token that was mailed. It is good once, for a day.",
        token=graphene.String(required=True),
        resolver=_verify_email,
    )
    resend_verification_email = graphene.Field(
        TokenActionResult,
        description="Same answer for every address.",
        email=EmailAddress(required=True),
        resolver=_resend_verification_email,
    )
    request_password_reset = graphene.Field(
        TokenActionResult,
        description="Mails the owner of the address a token for `resetPassword`. Same answer for every address.",
        email=EmailAddress(required=True),
        resolver=_request_password_reset,
    )
    reset_password = graphene.Field(
        TokenActionResult,
        description="With the token that was mailed: good once, for an hour (an invitation's for seven days). "
        "It ends all sessions and verifies the address.",
        input=ResetPasswordInput(required=True),
        resolver=_reset_password,
    )
