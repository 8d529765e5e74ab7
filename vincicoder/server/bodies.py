"""Bodies of calls and answers as JSON, whatever the protocol."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import HTTPException, Response
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


def parsed(model: type[Model], body: bytes) -> Model:
    """Read a body.

    Raises:
        HTTPException: 422; it is not what the model describes.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        raise HTTPException(422, details) from error


def json_response(text: str) -> Response:
    """Answer with JSON text."""
    return Response(text, media_type="application/json")


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """Document the body of a route that reads it by itself, within the limits."""
    schema = model.model_json_schema()
    for definition in schema.pop("$defs", {}).values():  # a reference would point to the root of the whole document
        for field in schema["properties"].values():
            if "$ref" in field.get("items", {}):
                field["items"] = definition
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
