"""All object schemas are closed, so that fuzzing finds undescribed members of responses."""

from typing import Any

from webapp.api import schemas

# The response whose members are not ours to list, and the figures of an import by their names.
OF_OTHERS = {"OpenAPI", "ImportedData"}


def _objects(schema: Any, name: str) -> list[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - JSON can be anything
    """Return all object schemas within this one, with their paths."""
    found = []
    if isinstance(schema, dict):
        if schema.get("type") == "object" or "properties" in schema:
            found.append((name, schema))
        for key, value in schema.items():
            found += _objects(value, f"{name}.{key}")
    elif isinstance(schema, list):
        for value in schema:
            found += _objects(value, name)
    return found


def test_no_answer_may_have_members_that_are_not_described() -> None:
    components = {name: schema for name, schema in schemas.components().items() if name not in OF_OTHERS}
    assert len(components) > 20
    for name, schema in components.items():
        for where, described in _objects(schema, name):
            assert described["additionalProperties"] is False, where
