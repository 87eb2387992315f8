"""Which changes of the API would break a client that works today."""

from graphql import GraphQLSchema, build_schema, is_interface_type, is_object_type
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
        name in change.description for name in _deprecated_names(old)
    )


def _deprecated_names(schema: GraphQLSchema) -> list[str]:
    """`Type.field` of each deprecated field, as descriptions of changes write it."""
    return [
        f"{type_.name}.{name}"
        for type_ in schema.type_map.values()
        if is_object_type(type_) or is_interface_type(type_)
        for name, field in type_.fields.items()
        if field.deprecation_reason is not None
    ]
