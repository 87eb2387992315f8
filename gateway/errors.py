"""Everything that can go wrong, as one tree.

GatewayError
├── SupergraphError              the supergraph file cannot be served; stops the start
├── SettingsError                an environment variable has a bad value; stops the start
├── RequestError                 the client's request; answered without `data`
│   ├── BadRequest               not a well-formed GraphQL-over-HTTP request
│   ├── ParseFailed              the operation is not GraphQL
│   ├── ValidationFailed         the operation does not fit the API schema
│   ├── DocumentNotTrusted       only the manifest's documents are answered, and this is none of them
│   ├── BadUserInput             a variable has a value its type does not allow, or not one slicing argument is given
│   ├── BodyTooLarge             more bytes than are read
│   ├── TooComplex               a limit on operations is passed: comparing fields that overlap, or one of these
│   │   ├── TooLong              in characters
│   │   ├── TooManyTokens
│   │   ├── TooDeep
│   │   ├── TooManyAliases
│   │   ├── TooManyRootFields
│   │   ├── TooManyDirectives
│   │   ├── TooManyFields
│   │   ├── TooManyVariables
│   │   ├── FragmentsTooDeep
│   │   ├── IntrospectionTooLarge    more than the whole schema is asked of itself
│   │   ├── TooCostly            with all the objects its arguments and variables ask for
│   │   └── PlanTooComplex
│   ├── Unauthenticated          what the Authorization header holds is no valid access token
│   └── Unavailable              not now; trying again can help
│       ├── TooManySubscriptions     as many are open as may be
│       ├── Overloaded               as many requests are being answered as may be
│       ├── PlanningDelayed          too many new operations came before this one
│       └── TokensUncheckable        nobody has told us the issuer's keys yet
├── Unauthorized                 a field or object the caller may not have; costs only itself
├── UnknownEntity                a subgraph has no such object, or does not show it; costs what must have a field of it
├── PlanningError                a field of the API schema no subgraph can supply from where it is asked
└── SubgraphFailure              one fetch; costs only the fields it was to bring
    ├── SubgraphUnavailable      unreachable, or an answer that is not GraphQL
    └── DeadlineExceeded         no answer in time

Each class has one stable code, listed in `schema/error_codes.json`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

FormattedError = dict[str, Any]

ERROR_LIMIT = 200
"""More errors than this say nothing new, and a list of a million places must not become a million errors."""


class GatewayError(Exception):
    """Anything this gateway raises on purpose."""

    code: ClassVar[str] = "INTERNAL_SERVER_ERROR"


class SupergraphError(GatewayError):
    """The supergraph cannot be served; the message says why in one sentence."""


class SettingsError(GatewayError):
    """A setting has a bad value; the message names the variable."""


class PlanningError(GatewayError):
    """A composed supergraph promises that this never happens for a valid operation."""

    def __init__(self, type_name: str, field: str) -> None:
        self.type_name = type_name
        self.field = field
        super().__init__(f"No subgraph can supply {type_name}.{field} from where it is asked")


class RequestError(GatewayError):
    """A request that is answered without `data`."""

    status: ClassVar[int] = 400
    """Of a malformed request whatever the media type, of any other where the media type has statuses for it."""

    def __init__(self, message: str, locations: list[dict[str, int]] | None = None) -> None:
        self.message = message
        self.locations = locations
        super().__init__(message)

    def again(self) -> Self:
        """The same error, raised by nobody yet."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin

    def formatted(self) -> list[FormattedError]:
        """The `errors` of the answer."""
        error: FormattedError = {"message": self.message}
        if self.locations:
            error["locations"] = self.locations
        error["extensions"] = {"code": self.code}
        return [error]


class BadRequest(RequestError):
    code = "BAD_REQUEST"


class ParseFailed(RequestError):
    code = "GRAPHQL_PARSE_FAILED"


class DocumentNotTrusted(RequestError):
    code = "DOCUMENT_NOT_TRUSTED"

    def __init__(self) -> None:
        super().__init__("Only the trusted documents of this gateway are answered, and this is none of them.")


class BadUserInput(RequestError):
    code = "BAD_USER_INPUT"


class BodyTooLarge(BadRequest):
    code = "BODY_TOO_LARGE"
    status = 413

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"The body is larger than {limit} bytes.")

    def formatted(self) -> list[FormattedError]:
        return [{"message": self.message, "extensions": {"code": self.code, "limit": self.limit}}]


class TooComplex(RequestError):
    code = "QUERY_TOO_COMPLEX"
    what: ClassVar[str] = "fields to compare under one name"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"The operation has more than {limit} {self.what}.")

    def formatted(self) -> list[FormattedError]:
        return [{"message": self.message, "extensions": {"code": self.code, "limit": self.limit}}]


class TooLong(TooComplex):
    code = "QUERY_TOO_LONG"
    what = "characters"


class TooManyTokens(TooComplex):
    code = "TOO_MANY_TOKENS"
    what = "tokens"


class TooDeep(TooComplex):
    code = "QUERY_TOO_DEEP"
    what = "levels of depth"


class TooManyAliases(TooComplex):
    code = "TOO_MANY_ALIASES"
    what = "aliases"


class TooManyRootFields(TooComplex):
    code = "TOO_MANY_ROOT_FIELDS"
    what = "fields at the root"


class TooManyDirectives(TooComplex):
    code = "TOO_MANY_DIRECTIVES"
    what = "directives"


class TooManyFields(TooComplex):
    code = "TOO_MANY_FIELDS"
    what = "fields"


class TooManyVariables(TooComplex):
    code = "TOO_MANY_VARIABLES"
    what = "uses of variables"


class FragmentsTooDeep(TooComplex):
    code = "FRAGMENTS_TOO_DEEP"
    what = "fragments inside each other"


class PlanTooComplex(TooComplex):
    code = "PLAN_TOO_COMPLEX"
    what = "planning steps"


class IntrospectionTooLarge(TooComplex):
    code = "INTROSPECTION_TOO_LARGE"
    what = "values of introspection"


class TooCostly(TooComplex):
    code = "QUERY_TOO_COSTLY"

    def __init__(self, cost: int, limit: int) -> None:
        self.cost = cost
        self.limit = limit
        RequestError.__init__(
            self, f"The operation costs {cost}, and {limit} is the limit. Ask for fewer objects at once."
        )

    def formatted(self) -> list[FormattedError]:
        [error] = super().formatted()
        return [error | {"extensions": error["extensions"] | {"cost": self.cost}}]


class Unavailable(RequestError):
    status = 503
    retry_after_s: ClassVar[int]


class TooManySubscriptions(Unavailable):
    code = "TOO_MANY_SUBSCRIPTIONS"
    retry_after_s = 5

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"{limit} subscriptions are open already, which is the limit. Try again later.")


class Overloaded(Unavailable):
    code = "OVERLOADED"
    retry_after_s = 1

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"{limit} requests are being answered, which is the limit. Try again in a moment.")


class PlanningDelayed(Unavailable):
    code = "PLANNING_DELAYED"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__(
            "Other new operations are still being planned before this one. Try again in a moment."
        )


class ValidationFailed(RequestError):
    """Carries every error the validation found."""

    code = "GRAPHQL_VALIDATION_FAILED"

    def __init__(self, errors: list[FormattedError]) -> None:
        self.errors = errors
        super().__init__(errors[0]["message"])

    def formatted(self) -> list[FormattedError]:
        return [error | {"extensions": {"code": self.code}} for error in self.errors]


class Unauthenticated(RequestError):
    code = "UNAUTHENTICATED"
    status = 401


class TokensUncheckable(Unavailable):
    """Access tokens can be neither believed nor refused; so nobody is let in, and nobody called a liar."""

    code = "SUBGRAPH_UNAVAILABLE"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("Access tokens cannot be checked at the moment.")


class Unauthorized(GatewayError):
    """What stands at a field that was left out of the operation, and at an object that was left out of the answer."""

    code = "UNAUTHORIZED_FIELD_OR_TYPE"

    def __init__(self, *, is_anonymous: bool, required_scopes: list[list[str]] | None) -> None:
        self.required_scopes = required_scopes
        if is_anonymous:
            self.message = "This needs a valid access token."
        elif required_scopes is not None:
            self.message = "The access token lacks a scope for this."
        else:
            self.message = "No policy allows the caller to see this."
        super().__init__(self.message)

    def at(self, path: list[str | int]) -> FormattedError:
        extensions: dict[str, Any] = {"code": self.code}
        if self.required_scopes is not None:
            extensions["requiredScopes"] = self.required_scopes
        return {"message": self.message, "path": path, "extensions": extensions}


class UnknownEntity(GatewayError):
    """Null is a subgraph's good answer about an entity; it is an error only where a field may not be null."""

    code = "NOT_FOUND"

    def __init__(self, service: str) -> None:
        self.service = service
        self.message = f"The service '{service}' has no such object, or you may not see it."
        super().__init__(self.message)

    def at(self, path: list[str | int]) -> FormattedError:
        extensions = {"code": self.code, "service": self.service}
        return {"message": self.message, "path": path, "extensions": extensions}


class SubgraphFailure(GatewayError):
    """A fetch brought nothing; *reason* is for the log only, clients see `message`."""

    message: ClassVar[str]

    def __init__(self, service: str, reason: str) -> None:
        self.service = service
        self.reason = reason
        super().__init__(f"{service}: {reason}")

    def at(self, path: tuple[str | int, ...]) -> FormattedError:
        """The error a client sees at the field that is missing because of this."""
        return {
            "message": self.message.format(service=self.service),
            "path": list(path),
            "extensions": {"code": self.code, "service": self.service},
        }


class SubgraphUnavailable(SubgraphFailure):
    code = "SUBGRAPH_UNAVAILABLE"
    message = "The service '{service}' is not available."


class DeadlineExceeded(SubgraphFailure):
    code = "DEADLINE_EXCEEDED"
    message = "The service '{service}' did not answer in time."


def internal_error(request_id: str) -> FormattedError:
    """What a client sees of a fault of ours; the log has the rest under *request_id*."""
    extensions: Mapping[str, str] = {"code": GatewayError.code, "requestId": request_id}
    return {"message": "Internal server error.", "extensions": extensions}
