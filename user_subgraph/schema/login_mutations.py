# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""Logging in, staying logged in, logging out."""

from dataclasses import replace

import graphene
from graphql import GraphQLResolveInfo

from user_subgraph import errors, session_tokens, sessions
from user_subgraph.challenge_check import ChallengeAnswer
from user_subgraph.request_context import context_of
from user_subgraph.schema.errors import errors_as_data
from user_subgraph.schema.inputs import CompleteMfaInput, Input, LoginInput, RefreshTokenInput
from user_subgraph.schema.protected_field import ProtectedField
from user_subgraph.schema.results import (
    BeginPasskeyLoginResult,
    CompleteMfaResult,
    LoginResult,
    LogoutSuccess,
    RefreshTokenResult,
)
from user_subgraph.schema.types import LogoutScope


@errors_as_data
def _login(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    scopes = input.get("scopes")
    asked_for = None if scopes is None else frozenset(scopes)
    success = context_of(info).login.log_in(input["email"], input["password"], asked_for)
    return _carried(info, success)


@errors_as_data
def _begin_passkey_login(_root: None, info: GraphQLResolveInfo, scopes: list[str] | None = None) -> object:
    asked_for = None if scopes is None else frozenset(scopes)
    return context_of(info).login.begin_with_passkey(asked_for)


@errors_as_data
def _complete_mfa(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    answer = ChallengeAnswer(input["challenge_id"], input["method"], input["code"])
    success = context_of(info).login.complete_mfa(answer)
    return _carried(info, success)


@errors_as_data
def _refresh_token(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    context, given = context_of(info), input.get("refresh_token")
    token = context.refresh_cookie.token if given is None else given
    if token is None:
        raise errors.InvalidTokenError
    try:
        return _carried(info, context.login.refresh(token))
    except errors.InvalidTokenError:
        if given is None:
            context.refresh_cookie.clear()
        raise


def _carried(info: GraphQLResolveInfo, success: session_tokens.LoginSuccess) -> session_tokens.LoginSuccess:
    """With its refresh token in the cookie, if the client wants it there."""
    cookie = context_of(info).refresh_cookie
    return replace(success, tokens=cookie.carry(success.tokens, success.session_ends_in_s))


def _logout(_root: None, info: GraphQLResolveInfo, scope: sessions.LogoutScope) -> object:
    context = context_of(info)
    success = context.sessions.log_out(context.known_viewer, scope)
    if scope is not sessions.LogoutScope.OTHER_SESSIONS:
        context.refresh_cookie.clear()
    return success


class LoginMutations:
    login = graphene.Field(LoginResult, input=LoginInput(required=True), resolver=_login)
    begin_passkey_login = graphene.Field(
        BeginPasskeyLoginResult,
        description="Logs in with a passkey alone: without a password, and without saying who you are.",
        scopes=graphene.List(
            graphene.NonNull(graphene.String),
            description="Narrows the tokens of the session to these; omit for all that the roles allow.",
        ),
        resolver=_begin_passkey_login,
    )
    complete_mfa = graphene.Field(
        CompleteMfaResult, input=CompleteMfaInput(required=True), resolver=_complete_mfa
    )
    refresh_token = graphene.Field(
        RefreshTokenResult, input=RefreshTokenInput(required=True), resolver=_refresh_token
    )
    logout = ProtectedField(
        LogoutSuccess,
        scope=graphene.Argument(LogoutScope, required=True, default_value=sessions.LogoutScope.THIS_SESSION),
        resolver=_logout,
    )
