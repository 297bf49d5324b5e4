"""`{% once %} ... {% endonce %}`: what is the same for everybody, rendered once a language and then kept.

`{% once here=request.resolver_match.view_name %}` keeps one for each value. Inside, only these values are known, so
that nothing of a person or a request can be kept by mistake. Give only values of which there are few.
"""

from typing import Any

from django import template
from django.template import Context, Node, NodeList, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


class Once(Node):
    """Lives as long as its template, which the loader keeps for the life of the process."""

    def __init__(self, values: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self.values = values
        self.nodelist = nodelist
        self.kept: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        """Return what is kept; two threads that render the first one render the same."""
        values = {name: value.resolve(context) for name, value in self.values.items()}
        key = (get_language(), *values.values())
        if key not in self.kept:
            self.kept[key] = self.nodelist.render(context.new(values))
        return self.kept[key]


@register.tag
def once(parser: Parser, token: Token) -> Once:
    """Compile the tag; anything but `name=value` is an error."""
    _name, *words = token.split_contents()
    values = token_kwargs(words, parser)
    if words:
        raise TemplateSyntaxError("once takes name=value and nothing else")
    nodelist = parser.parse(("endonce",))
    parser.delete_first_token()
    return Once(values, nodelist)
