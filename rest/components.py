"""What the OpenAPI description names once. Plain data: the settings read it."""

from typing import Any

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A refusal (RFC 9457). Programs look at `code`; some codes bring members of their own.",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"member": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["member", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "code"],
}
COMPONENTS: dict[str, Any] = {
    "schemas": {"Problem": PROBLEM},
    "securitySchemes": {
        "ApiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key PREFIX.SECRET`",
        },
        "Session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "A signed-in browser; POST needs X-CSRFToken.",
        },
    },
}
