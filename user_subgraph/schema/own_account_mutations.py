# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""What the viewer does with their own account."""

import graphene
from graphql import GraphQLResolveInfo

from user_subgraph.request_context import context_of
from user_subgraph.schema.errors import errors_as_data
from user_subgraph.schema.inputs import ChangePasswordInput, ConfirmPasskeyInput, Input, UpdateProfileInput
from user_subgraph.schema.protected_field import ProtectedField
from user_subgraph.schema.results import (
    DataExportResult,
    DeleteUserResult,
    DisableTotpResult,
    PasskeyConfirmResult,
    PasskeyEnrollResult,
    PasswordResult,
    RemovePasskeyResult,
    RevokeSessionResult,
    TokenActionResult,
    TotpConfirmResult,
    TotpEnrollResult,
    UserResult,
)
from user_subgraph.schema.scalars import EmailAddress


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
def _request_email_change(
    _root: None, info: GraphQLResolveInfo, new_email: str, current_password: str
) -> object:
    context = context_of(info)
    return context.email_change.request(context.known_viewer, new_email, current_password)


@errors_as_data
def _confirm_email_change(_root: None, info: GraphQLResolveInfo, token: str) -> object:
    context = context_of(info)
    return context.email_change.confirm(context.known_viewer, token)


@errors_as_data
def _update_profile(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    context = context_of(info)
    return context.accounts.update_profile(context.known_viewer, input)


@errors_as_data
def _delete_my_account(_root: None, info: GraphQLResolveInfo, current_password: str) -> object:
    context = context_of(info)
    success = context.accounts.delete_mine(context.known_viewer, current_password)
    context.refresh_cookie.clear()
    return success


@errors_as_data
def _request_data_export(_root: None, info: GraphQLResolveInfo) -> object:
    context = context_of(info)
    return context.data_exports.request(context.known_viewer)


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
def _enroll_passkey(_root: None, info: GraphQLResolveInfo) -> object:
    context = context_of(info)
    return context.passkeys.enroll(context.known_viewer)


@errors_as_data
def _confirm_passkey(_root: None, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    context = context_of(info)
    return context.passkeys.confirm(context.known_viewer, input["name"], input["response"])


@errors_as_data
def _remove_passkey(_root: None, info: GraphQLResolveInfo, id: str) -> object:  # noqa: A002
    context = context_of(info)
    return context.passkeys.remove(context.known_viewer, id)


_TO_ADD = "It takes a confirmed address, and a login of just now."


class OwnAccountMutations:
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
    request_email_change = ProtectedField(
        PasswordResult,
        scopes=[["profile:write"]],
        description="Mails a token for `confirmEmailChange` to the new address. Same answer for every address.",
        new_email=EmailAddress(required=True),
        current_password=graphene.String(required=True),
        resolver=_request_email_change,
    )
    confirm_email_change = ProtectedField(
        TokenActionResult,
        scopes=[["profile:write"]],
        description="With the token that was mailed, logged in to the account: good once, for a day. Ends all of your "
        "other sessions.",
        token=graphene.String(required=True),
        resolver=_confirm_email_change,
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
    request_data_export = ProtectedField(
        DataExportResult,
        scopes=[["profile:read"]],
        description="A copy of your data, once a day; the one before is deleted. `dataExport` tells when it is ready.",
        resolver=_request_data_export,
    )
    enroll_totp = ProtectedField(
        TotpEnrollResult,
        scopes=[["profile:write"]],
        description=f"A secret for an authenticator app. {_TO_ADD}",
        resolver=_enroll_totp,
    )
    confirm_totp = ProtectedField(
        TotpConfirmResult,
        scopes=[["profile:write"]],
        description="With a code of the app: from now on a login asks for one. Other sessions end.",
        code=graphene.String(required=True),
        resolver=_confirm_totp,
    )
    disable_totp = ProtectedField(
        DisableTotpResult,
        scopes=[["profile:write"]],
        description="With a code of the authenticator, or a recovery code. Passkeys stay.",
        code=graphene.String(required=True),
        resolver=_disable_totp,
    )
    enroll_passkey = ProtectedField(
        PasskeyEnrollResult,
        scopes=[["profile:write"]],
        description=f"What a device is to be asked for. {_TO_ADD}",
        resolver=_enroll_passkey,
    )
    confirm_passkey = ProtectedField(
        PasskeyConfirmResult,
        scopes=[["profile:write"]],
        description="With the device's answer. The first passkey turns the second factor on: other sessions end.",
        input=ConfirmPasskeyInput(required=True),
        resolver=_confirm_passkey,
    )
    remove_passkey = ProtectedField(
        RemovePasskeyResult,
        scopes=[["profile:write"]],
        description="With the last factor of the account, a login asks for none any more.",
        id=graphene.ID(required=True),
        resolver=_remove_passkey,
    )
