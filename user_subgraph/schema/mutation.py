# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""Mutation, and the unions it answers with: domain errors are data, see `errors.py`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from user_subgraph import accepted, accounts, errors, login, second_factor, sessions
from user_subgraph.errors import DomainError
from user_subgraph.request_context import context_of
from user_subgraph.schema.inputs import (
    ChangePasswordInput,
    CompleteMfaInput,
    CreateUserInput,
    LoginInput,
    RefreshTokenInput,
    RegisterUserInput,
    ResetPasswordInput,
    UpdateProfileInput,
    UpdateUserInput,
)
from user_subgraph.schema.protected_field import ProtectedField
from user_subgraph.schema.scalars import EmailAddress
from user_subgraph.schema.types import (
    AccountDisabledError,
    ConflictError,
    InvalidCredentialsError,
    InvalidTokenError,
    LastAdminError,
    LogoutScope,
    MfaRequiredError,
    NotFoundError,
    RateLimitedError,
    ReauthenticationRequiredError,
    TokenPair,
    User,
    UserDeleteMode,
    ValidationError,
    error_as_data,
)

Input = Mapping[str, Any]


class RegisterUserSuccess(graphene.ObjectType):
    class Meta:
        description = "Same answer whether or not the address is already registered (no account enumeration)."
        possible_types = (accounts.RegisterUserSuccess,)

    requires_verification = graphene.Boolean(required=True)


class LoginSuccess(graphene.ObjectType):
    class Meta:
        possible_types = (login.LoginSuccess,)

    tokens = graphene.Field(TokenPair, required=True)
    user = graphene.Field(User, required=True)


class UserSuccess(graphene.ObjectType):
    class Meta:
        possible_types = (accounts.UserSuccess,)

    user = graphene.Field(User, required=True)


class DeleteUserSuccess(graphene.ObjectType):
    class Meta:
        possible_types = (accounts.DeleteUserSuccess,)

    deleted_user_id = graphene.ID(required=True)
    mode = graphene.Field(UserDeleteMode, required=True)
    retained_payment_records = graphene.Boolean(required=True)


class LogoutSuccess(graphene.ObjectType):
    class Meta:
        possible_types = (sessions.LogoutSuccess,)

    revoked_sessions = graphene.Int(required=True)


class AcceptedSuccess(graphene.ObjectType):
    class Meta:
        possible_types = (accepted.AcceptedSuccess,)

    accepted = graphene.Boolean(required=True)


class TotpEnrollment(graphene.ObjectType):
    class Meta:
        description = "What to put into an authenticator app. Nothing changes before `confirmTotp`."
        possible_types = (second_factor.TotpEnrollment,)

    secret = graphene.String(required=True, description="In base 32, to be typed in.")
    otpauth_url = graphene.String(required=True, description="To be shown as a QR code.")


class TotpConfirmed(graphene.ObjectType):
    class Meta:
        description = "From now on a login asks for the second factor. The codes are shown this once."
        possible_types = (second_factor.TotpConfirmed,)

    recovery_codes = graphene.List(graphene.NonNull(graphene.String), required=True)


class TokenActionResult(graphene.Union):
    class Meta:
        types = (AcceptedSuccess, ValidationError, InvalidTokenError, RateLimitedError)


class RegisterUserResult(graphene.Union):
    class Meta:
        types = (RegisterUserSuccess, ValidationError, RateLimitedError)


class LoginResult(graphene.Union):
    class Meta:
        types = (
            LoginSuccess,
            MfaRequiredError,
            InvalidCredentialsError,
            AccountDisabledError,
            RateLimitedError,
        )


class CompleteMfaResult(graphene.Union):
    class Meta:
        types = (
            LoginSuccess,
            InvalidTokenError,
            InvalidCredentialsError,
            AccountDisabledError,
            RateLimitedError,
        )


class TotpEnrollResult(graphene.Union):
    class Meta:
        types = (TotpEnrollment, ReauthenticationRequiredError)


class TotpConfirmResult(graphene.Union):
    class Meta:
        types = (TotpConfirmed, ValidationError, ReauthenticationRequiredError, RateLimitedError)


class DisableTotpResult(graphene.Union):
    class Meta:
        types = (
            AcceptedSuccess,
            InvalidCredentialsError,
            ReauthenticationRequiredError,
            RateLimitedError,
        )


class RefreshTokenResult(graphene.Union):
    class Meta:
        types = (LoginSuccess, InvalidTokenError, RateLimitedError)


class RevokeSessionResult(graphene.Union):
    class Meta:
        types = (LogoutSuccess, NotFoundError)


class PasswordResult(graphene.Union):
    class Meta:
        types = (
            AcceptedSuccess,
            ValidationError,
            InvalidCredentialsError,
            ReauthenticationRequiredError,
            RateLimitedError,
        )


class UserResult(graphene.Union):
    class Meta:
        types = (UserSuccess, ValidationError, NotFoundError, ConflictError, LastAdminError, RateLimitedError)


class DeleteUserResult(graphene.Union):
    class Meta:
        types = (
            DeleteUserSuccess,
            NotFoundError,
            LastAdminError,
            InvalidCredentialsError,
            ReauthenticationRequiredError,
            RateLimitedError,
        )


def errors_as_data(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """A raised `DomainError` becomes the value, for the union to show."""

    @wraps(resolve)
    def resolve_to_value(*arguments: Any, **options: Any) -> Any:
        try:
            return resolve(*arguments, **options)
        except DomainError as error:
            return error_as_data(error)

    return resolve_to_value


# `input` and `id` are the API's names, so they are these functions' too.
@errors_as_data
def _register_user(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    return context_of(info).accounts.register(input)


@errors_as_data
def _login(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    scopes = input.get("scopes")
    asked_for = None if scopes is None else frozenset(scopes)
    success = context_of(info).login.log_in(input["email"], input["password"], asked_for)
    return _carried(info, success)


@errors_as_data
def _complete_mfa(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    success = context_of(info).login.complete_mfa(input["challenge_id"], input["method"], input["code"])
    return _carried(info, success)


@errors_as_data
def _enroll_totp(_root: None, info: GraphQLResolveInfo) -> object:
    context = context_of(info)
    return context.second_factor.enroll(context.known_viewer)


@errors_as_data
def _confirm_totp(_root: None, info: GraphQLResolveInfo, code: str) -> object:
    context = context_of(info)
    return context.second_factor.confirm(context.known_viewer, code)


@errors_as_data
def _disable_totp(_root: None, info: GraphQLResolveInfo, code: str) -> object:
    context = context_of(info)
    return context.second_factor.disable(context.known_viewer, code)


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


def _carried(info: GraphQLResolveInfo, success: login.LoginSuccess) -> login.LoginSuccess:
    """With its refresh token in the cookie, if the client wants it there."""
    cookie = context_of(info).refresh_cookie
    return replace(success, tokens=cookie.carry(success.tokens, success.session_ends_in_s))


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


def _logout(_root: None, info: GraphQLResolveInfo, scope: sessions.LogoutScope) -> object:
    context = context_of(info)
    success = context.sessions.log_out(context.known_viewer, scope)
    if scope is not sessions.LogoutScope.OTHER_SESSIONS:
        context.refresh_cookie.clear()
    return success


@errors_as_data
def _revoke_session(_root: None, info: GraphQLResolveInfo, id: str) -> object:  # noqa: A002
    context = context_of(info)
    return context.sessions.revoke(context.known_viewer, id)


@errors_as_data
def _change_password(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    context = context_of(info)
    return context.password_change.change(
        context.known_viewer, input["current_password"], input["new_password"]
    )


@errors_as_data
def _update_profile(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    context = context_of(info)
    return context.accounts.update_profile(context.known_viewer, input)


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


@errors_as_data
def _delete_my_account(_root: None, info: GraphQLResolveInfo, current_password: str) -> object:
    context = context_of(info)
    success = context.accounts.delete_mine(context.known_viewer, current_password)
    context.refresh_cookie.clear()
    return success


class Mutation(graphene.ObjectType):
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
    login = graphene.Field(LoginResult, input=LoginInput(required=True), resolver=_login)
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
    revoke_session = ProtectedField(
        RevokeSessionResult,
        scopes=[["profile:write"]],
        description="Ends one of your own sessions.",
        id=graphene.ID(required=True),
        resolver=_revoke_session,
    )
    change_password = ProtectedField(
        PasswordResult,
        scopes=[["profile:write"]],
        description="Ends all of your other sessions.",
        input=ChangePasswordInput(required=True),
        resolver=_change_password,
    )
    update_profile = ProtectedField(
        UserResult,
        scopes=[["profile:write"]],
        input=UpdateProfileInput(required=True),
        resolver=_update_profile,
    )
    delete_my_account = ProtectedField(
        DeleteUserResult,
        scopes=[["profile:write"]],
        description="Erases the account, as `deleteUser` with `ERASE` does. There is no way back.",
        current_password=graphene.String(required=True),
        resolver=_delete_my_account,
    )
    enroll_totp = ProtectedField(TotpEnrollResult, scopes=[["profile:write"]], resolver=_enroll_totp)
    confirm_totp = ProtectedField(
        TotpConfirmResult,
        scopes=[["profile:write"]],
        code=graphene.String(required=True),
        resolver=_confirm_totp,
    )
    disable_totp = ProtectedField(
        DisableTotpResult,
        scopes=[["profile:write"]],
        description="With a code of the authenticator, or a recovery code.",
        code=graphene.String(required=True),
        resolver=_disable_totp,
    )
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


# The mutations that need no login: a stale token in the header must not stand in their way.
WITHOUT_TOKEN = frozenset(
    {
        "registerUser",
        "login",
        "completeMfa",
        "refreshToken",
        "verifyEmail",
        "resendVerificationEmail",
        "requestPasswordReset",
        "resetPassword",
        "__typename",
    }
)
