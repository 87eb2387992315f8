# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""The domain errors as data: a type each, and how a raised one becomes a value."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import graphene

from user_subgraph import errors
from user_subgraph.errors import DomainError
from user_subgraph.schema.types import MfaMethod


class Error(graphene.Interface):
    message = graphene.String(required=True)
    code = graphene.String(required=True)


class FieldError(graphene.ObjectType):
    class Meta:
        possible_types = (errors.FieldError,)

    path = graphene.List(graphene.NonNull(graphene.String), required=True)
    message = graphene.String(required=True)
    code = graphene.String(required=True)


class ValidationError(graphene.ObjectType):
    class Meta:
        interfaces = (Error,)

    fields = graphene.List(graphene.NonNull(FieldError), required=True)


class NotFoundError(graphene.ObjectType):
    class Meta:
        interfaces = (Error,)

    id = graphene.ID()


class ConflictError(graphene.ObjectType):
    class Meta:
        description = "The row changed since the client read it (see `version`)."
        interfaces = (Error,)

    current_version = graphene.Int()


class RateLimitedError(graphene.ObjectType):
    class Meta:
        description = (
            "Nothing was done. Users: too many logins failed or too many registrations came of late, or too many passwords "
            "are being checked or set at this moment. Payment methods: the user began to keep too many within an hour."
        )
        interfaces = (Error,)

    retry_after_seconds = graphene.Int(required=True)


class InvalidCredentialsError(graphene.ObjectType):
    class Meta:
        description = (
            "The address or the password is wrong, or a second factor is: the message does not say more."
        )
        interfaces = (Error,)


class InvalidTokenError(graphene.ObjectType):
    class Meta:
        interfaces = (Error,)


class AccountDisabledError(graphene.ObjectType):
    class Meta:
        description = "Shown only after the right password or passkey. Also before the address is verified, where that is required."
        interfaces = (Error,)


class MfaRequiredError(graphene.ObjectType):
    class Meta:
        description = (
            "The password was right. Send a code, or a passkey's answer, with this challenge to `completeMfa` within five "
            "minutes."
        )
        interfaces = (Error,)

    challenge_id = graphene.ID(required=True)
    methods = graphene.List(graphene.NonNull(MfaMethod), required=True)
    passkey_options = graphene.String(
        description="What to ask the browser for a passkey with, as JSON (`PublicKeyCredentialRequestOptionsJSON`); null for "
        "who has none."
    )


class ReauthenticationRequiredError(graphene.ObjectType):
    class Meta:
        description = "This needs a new login, with the second factor if the account has one."
        interfaces = (Error,)


class EmailNotVerifiedError(graphene.ObjectType):
    class Meta:
        description = "Confirm the address of the account first: `resendVerificationEmail` mails a token for `verifyEmail`."
        interfaces = (Error,)


class LastAdminError(graphene.ObjectType):
    class Meta:
        description = "Nobody would be left to administer the system."
        interfaces = (Error,)


_SHOWN_AS: dict[type[errors.DomainError], Any] = {
    errors.ValidationError: ValidationError,
    errors.NotFoundError: NotFoundError,
    errors.ConflictError: ConflictError,
    errors.RateLimitedError: RateLimitedError,
    errors.InvalidCredentialsError: InvalidCredentialsError,
    errors.InvalidTokenError: InvalidTokenError,
    errors.AccountDisabledError: AccountDisabledError,
    errors.MfaRequiredError: MfaRequiredError,
    errors.ReauthenticationRequiredError: ReauthenticationRequiredError,
    errors.EmailNotVerifiedError: EmailNotVerifiedError,
    errors.LastAdminError: LastAdminError,
}


def error_as_data(error: errors.DomainError) -> Any:
    """*error* as a value of its SDL type. (graphql-core raises an exception that it is given as a value.)"""
    shown_as = _SHOWN_AS[type(error)]
    return shown_as(**{name: getattr(error, name) for name in shown_as._meta.fields})  # noqa: SLF001


def errors_as_data(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """A raised `DomainError` becomes the value, for the union to show."""

    @wraps(resolve)
    def resolve_to_value(*arguments: Any, **options: Any) -> Any:
        try:
            return resolve(*arguments, **options)
        except DomainError as error:
            return error_as_data(error)

    return resolve_to_value
