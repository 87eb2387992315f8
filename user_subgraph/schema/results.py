# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""What mutations answer with: a success, or one of the domain errors that can happen (see `errors.py`)."""

import graphene

from user_subgraph import (
    accepted,
    accounts,
    data_exports,
    login,
    passkeys,
    second_factor,
    session_tokens,
    sessions,
)
from user_subgraph.schema.errors import (
    AccountDisabledError,
    ConflictError,
    EmailNotVerifiedError,
    InvalidCredentialsError,
    InvalidTokenError,
    LastAdminError,
    MfaRequiredError,
    NotFoundError,
    RateLimitedError,
    ReauthenticationRequiredError,
    ValidationError,
)
from user_subgraph.schema.types import DataExport, Passkey, TokenPair, User, UserDeleteMode


class RegisterUserSuccess(graphene.ObjectType):
    class Meta:
        description = "Same answer whether or not the address is already registered (no account enumeration)."
        possible_types = (accounts.RegisterUserSuccess,)

    requires_verification = graphene.Boolean(required=True)


class LoginSuccess(graphene.ObjectType):
    class Meta:
        possible_types = (session_tokens.LoginSuccess,)

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


class PasskeyEnrollment(graphene.ObjectType):
    class Meta:
        description = (
            "What to ask the browser for. Nothing changes before `confirmPasskey`, within five minutes."
        )
        possible_types = (passkeys.PasskeyEnrollment,)

    options = graphene.String(
        required=True,
        description="JSON, for `PublicKeyCredential.parseCreationOptionsFromJSON`.",
    )


class PasskeyConfirmed(graphene.ObjectType):
    class Meta:
        description = "With the account's first one, a login with the password asks for it, or for a code."
        possible_types = (passkeys.PasskeyConfirmed,)

    passkey = graphene.Field(Passkey, required=True)
    recovery_codes = graphene.List(
        graphene.NonNull(graphene.String),
        required=True,
        description="Shown this once; empty for who has got some before.",
    )


class PasskeyChallenge(graphene.ObjectType):
    class Meta:
        description = (
            "Send what the browser answers with this challenge to `completeMfa` within five minutes."
        )
        possible_types = (login.PasskeyChallenge,)

    challenge_id = graphene.ID(required=True)
    options = graphene.String(
        required=True,
        description="JSON, for `PublicKeyCredential.parseRequestOptionsFromJSON`.",
    )


class DataExportSuccess(graphene.ObjectType):
    class Meta:
        possible_types = (data_exports.DataExportSuccess,)

    data_export = graphene.Field(DataExport, required=True)


class DataExportResult(graphene.Union):
    class Meta:
        types = (DataExportSuccess, RateLimitedError, ReauthenticationRequiredError)


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
        types = (TotpEnrollment, ReauthenticationRequiredError, EmailNotVerifiedError)


class TotpConfirmResult(graphene.Union):
    class Meta:
        types = (
            TotpConfirmed,
            ValidationError,
            ReauthenticationRequiredError,
            EmailNotVerifiedError,
            RateLimitedError,
        )


class DisableTotpResult(graphene.Union):
    class Meta:
        types = (
            AcceptedSuccess,
            InvalidCredentialsError,
            ReauthenticationRequiredError,
            RateLimitedError,
        )


class BeginPasskeyLoginResult(graphene.Union):
    class Meta:
        types = (PasskeyChallenge, RateLimitedError)


class PasskeyEnrollResult(graphene.Union):
    class Meta:
        types = (PasskeyEnrollment, ValidationError, ReauthenticationRequiredError, EmailNotVerifiedError)


class PasskeyConfirmResult(graphene.Union):
    class Meta:
        types = (PasskeyConfirmed, ValidationError, ReauthenticationRequiredError, EmailNotVerifiedError)


class RemovePasskeyResult(graphene.Union):
    class Meta:
        types = (AcceptedSuccess, NotFoundError, ReauthenticationRequiredError)


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
