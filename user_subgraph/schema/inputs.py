# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""The input types. A field that is left out stays as it is; null empties it where that is possible."""

from collections.abc import Mapping
from typing import Any

import graphene

from user_subgraph import user_page
from user_subgraph.schema.scalars import DateTime, EmailAddress
from user_subgraph.schema.types import MfaMethod, Role, SortDirection, UserSortField, UserStatus

Input = Mapping[str, Any]
"""What a resolver is given of one: names as ours are, only those that were sent."""


class RegisterUserInput(graphene.InputObjectType):
    email = EmailAddress(required=True)
    password = graphene.String(required=True)
    first_name = graphene.String()
    last_name = graphene.String()
    locale = graphene.String()


class LoginInput(graphene.InputObjectType):
    email = EmailAddress(required=True)
    password = graphene.String(required=True)
    scopes = graphene.List(
        graphene.NonNull(graphene.String),
        description="Narrows the tokens of this session to these scopes; omit for all that the roles allow.",
    )


class CompleteMfaInput(graphene.InputObjectType):
    challenge_id = graphene.ID(required=True)
    method = MfaMethod(required=True)
    code = graphene.String(
        required=True,
        description="Of a passkey, what `navigator.credentials.get` gave, as JSON (`AuthenticationResponseJSON`).",
    )


class ConfirmPasskeyInput(graphene.InputObjectType):
    name = graphene.String(required=True, description="What you tell it by, such as the device's name.")
    response = graphene.String(
        required=True,
        description="What `navigator.credentials.create` gave, as JSON (`RegistrationResponseJSON`).",
    )


class RefreshTokenInput(graphene.InputObjectType):
    refresh_token = graphene.String(
        description="Leave it out when the token travels in the cookie; `X-Refresh-Token: cookie` must then stand in the headers."
    )


class ChangePasswordInput(graphene.InputObjectType):
    current_password = graphene.String(required=True)
    new_password = graphene.String(required=True)


class UpdateProfileInput(graphene.InputObjectType):
    version = graphene.Int()
    first_name = graphene.String()
    last_name = graphene.String()
    display_name = graphene.String()
    phone = graphene.String()
    locale = graphene.String()


class ResetPasswordInput(graphene.InputObjectType):
    token = graphene.String(required=True)
    new_password = graphene.String(required=True)


class CreateUserInput(graphene.InputObjectType):
    email = EmailAddress(required=True)
    password = graphene.String(
        description="A first password to hand to the user; without one nobody can log in as them yet."
    )
    first_name = graphene.String()
    last_name = graphene.String()
    roles = graphene.List(graphene.NonNull(Role), description="CUSTOMER when left out.")
    send_invite = graphene.Boolean(
        default_value=True, description="Without a password, mail the user a token to set one with."
    )


class UpdateUserInput(graphene.InputObjectType):
    version = graphene.Int()
    email = EmailAddress()
    first_name = graphene.String()
    last_name = graphene.String()
    display_name = graphene.String()
    phone = graphene.String()
    locale = graphene.String()
    status = graphene.InputField(UserStatus)
    roles = graphene.List(graphene.NonNull(Role))


class UserFilter(graphene.InputObjectType):
    search = graphene.String(
        description="The e-mail address or a name, or what follows the beginning of a word in it: `lovelace@`, `ada lo`."
    )
    status = graphene.List(
        graphene.NonNull(UserStatus), description="Deleted users appear only when DELETED is among these."
    )
    roles = graphene.List(graphene.NonNull(Role))
    created_after = DateTime()
    created_before = DateTime()


class UserOrder(graphene.InputObjectType):
    field = graphene.InputField(UserSortField, required=True)
    direction = graphene.InputField(SortDirection, required=True, default_value=user_page.SortDirection.DESC)
