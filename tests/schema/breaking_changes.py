"""Which changes of the API would break a client that works today."""

from graphql import GraphQLSchema, build_schema, is_enum_type, is_interface_type, is_object_type
from graphql.utilities import BreakingChange, BreakingChangeType, find_breaking_changes

REMOVALS_AFTER_DEPRECATION = {BreakingChangeType.FIELD_REMOVED, BreakingChangeType.VALUE_REMOVED_FROM_ENUM}


def breaking_changes(before: str, after: str) -> list[str]:
    """One sentence for each change from SDL *before* to SDL *after* that breaks clients.

    Taking away a field or enum value that *before* already marked as deprecated is not one: its users were told.
    """
    old, new = build_schema(before), build_schema(after)
    return [
        change.description for change in find_breaking_changes(old, new) if not _was_announced(change, old)
    ]


def _was_announced(change: BreakingChange, old: GraphQLSchema) -> bool:
    return change.type in REMOVALS_AFTER_DEPRECATION and any(
        f" {name} " in change.description for name in _deprecated_names(old)
    )


def _deprecated_names(schema: GraphQLSchema) -> list[str]:
    """`Type.field` and `Enum.VALUE` of all that is deprecated, as descriptions of changes write it."""
    return [
        f"{type_.name}.{name}"
        for type_ in schema.type_map.values()
        if is_object_type(type_) or is_interface_type(type_) or is_enum_type(type_)
        for name, member in (type_.values if is_enum_type(type_) else type_.fields).items()
        if member.deprecation_reason is not None
    ]
