from django.http import HttpRequest


def credits_balance(request: HttpRequest) -> dict[str, object]:
    return {"credits_balance": None}
