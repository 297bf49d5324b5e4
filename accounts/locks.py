"""Every lock of this app. The order everywhere: user, checkout session, purchase, account."""

from accounts.models import ApiClient, User


def lock_people(*ids: int) -> dict[int, User]:
    """Lock these people in the order of their numbers and read them anew; one who is gone is missing."""
    people = User.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {person.pk: person for person in people}


def lock_client(client_id: int) -> None:
    """Let one rotation at a time touch this client's keys."""
    ApiClient.objects.select_for_update(no_key=True).filter(pk=client_id).values("pk").first()


def lock_guests_to_delete(ids: list[int]) -> list[int]:
    """Lock those of these guests whom nobody is using, so that nothing can begin to name them."""
    guests = User.objects.select_for_update(skip_locked=True).filter(pk__in=ids).order_by("pk")
    return list(guests.values_list("pk", flat=True))
