"""How the hosted pages look: fills their templates, decides nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sandbox.cards import BAD_ACCOUNTS, CARDS, DEBIT_TYPES, GOOD_ACCOUNTS
from sandbox.currencies import converted, presentment_currencies, written
from sandbox.page_templates import Html, fill, joined, page
from sandbox.store import Json

_DEBIT_NAMES = {
    "sepa_debit": ("SEPA Direct Debit", "IBAN"),
    "us_bank_account": ("US bank account (ACH)", "Account number"),
    "bacs_debit": ("Bacs Direct Debit", "Account number"),
    "au_becs_debit": ("BECS Direct Debit", "Account number"),
    "acss_debit": ("Pre-authorized debit", "Account number"),
}


def pay_page(
    session: Json,
    items: list[Json],
    *,
    form: Mapping[str, str],
    problems: Mapping[str, str],
    fixed_email: str,
    tax_percent: int,
) -> str:
    body = fill(
        "pay.html",
        shop=urlsplit(session["success_url"]).hostname or "the shop",
        summary=_summary(session, items, tax_percent),
        promotion=_promotion(session, problems),
        problems=_problem_list(problems),
        action=f"/c/pay/{session['id']}",
        email_field=_email_field(form, problems, fixed_email),
        method=_methods(session, form, problems),
        presentment=_presentment(session),
        button=_button(session),
        help=_help(session),
        back=fill("_back.html", url=session["cancel_url"]) if session["cancel_url"] else Html(),
    )
    return page("Pay - Sandbox", body, wide=True)


def closed_page(session: Json, success_url: str) -> str:
    complete = session["status"] == "complete"
    back = success_url if complete else session["cancel_url"]
    body = fill(
        "closed.html",
        heading="This payment is complete" if complete else "This payment page has expired",
        text="You can close this page. Nothing more will be charged."
        if complete
        else "Nothing was charged here. Please start again from the shop.",
        state=session["status"],
        back=fill("_button_link.html", url=back, label="Back to the shop") if back else Html(),
    )
    return page("Complete" if complete else "Expired", body)


def authentication_page(session: Json) -> str:
    amount = written(session["amount_total"], session["currency"])
    return page("3-D Secure", fill("three_d_secure.html", amount=amount, action=f"/c/3ds/{session['id']}"))


def receipt_page(charge: Json) -> str:
    body = fill(
        "receipt.html",
        amount=written(charge["amount"], charge["currency"]),
        refunded=written(charge["amount_refunded"], charge["currency"]),
        day=f"{datetime.fromtimestamp(charge['created'], UTC):%d %B %Y, %H:%M} UTC",
        status=charge["status"],
        charge=charge["id"],
    )
    return page("Receipt", body)


def missing_page() -> str:
    body = fill(
        "closed.html",
        heading="There is nothing here",
        text="This address belongs to no payment in the sandbox.",
        state="missing",
        back=Html(),
    )
    return page("Not found", body)


def _summary(session: Json, items: list[Json], tax_percent: int) -> Html:
    currency = session["currency"]
    lines = [
        fill(
            "_line.html",
            name=item["description"],
            note=f"{item['quantity']} x {written(item['price']['unit_amount'], currency)}",
            amount=written(item["amount_subtotal"], currency),
        )
        for item in items
    ]
    details = session["total_details"]
    if details["amount_discount"]:
        discount = written(-details["amount_discount"], currency)
        lines.append(fill("_line.html", name="Discount", note="", amount=discount))
    if details["amount_tax"]:
        tax = written(details["amount_tax"], currency)
        lines.append(fill("_line.html", name=f"Tax ({tax_percent} %)", note="", amount=tax))
    elif tax_percent:
        lines.append(fill("_line.html", name="Tax", note="added when you pay", amount=f"{tax_percent} %"))
    return fill("_summary.html", lines=joined(lines), total=written(session["amount_total"], currency))


def _promotion(session: Json, problems: Mapping[str, str]) -> Html:
    if not session["allow_promotion_codes"] or session["discounts"]:
        return Html()
    return fill(
        "_promotion.html", action=f"/c/pay/{session['id']}/promotion", problem=_problem(problems, "code")
    )


def _problem_list(problems: Mapping[str, str]) -> Html:
    said = [fill("_problem_line.html", text=text) for name, text in problems.items() if name != "code"]
    return fill("_problems.html", lines=joined(said)) if said else Html()


def _problem(problems: Mapping[str, str], name: str) -> Html:
    return fill("_problem.html", name=name, text=problems[name]) if name in problems else Html()


def _invalid(problems: Mapping[str, str], name: str) -> Html:
    return Html(f' aria-invalid="true" aria-describedby="{name}-problem"') if name in problems else Html()


def _email_field(form: Mapping[str, str], problems: Mapping[str, str], fixed: str) -> Html:
    return fill(
        "_email.html",
        value=fixed or form.get("email", ""),
        readonly=Html(" readonly") if fixed else Html(),
        invalid=_invalid(problems, "email"),
        problem=_problem(problems, "email"),
    )


def _methods(session: Json, form: Mapping[str, str], problems: Mapping[str, str]) -> Html:
    if session["amount_total"] == 0:
        return Html()
    types = session["payment_method_types"]
    debit = DEBIT_TYPES.get(session["currency"], "")
    takes_debit = debit in types
    chosen = (
        form.get("method", "card")
        if takes_debit and "card" in types
        else "card"
        if "card" in types
        else "bank_debit"
    )
    return joined(
        [
            _method_choice(debit, chosen) if takes_debit and "card" in types else _only_method(chosen),
            _card_fields(form, problems) if "card" in types else Html(),
            _debit_fields(debit) if takes_debit else Html(),
        ]
    )


def _method_choice(debit: str, chosen: str) -> Html:
    checked = Html(" checked")
    return fill(
        "_methods.html",
        debit=_DEBIT_NAMES[debit][0],
        card_checked=checked if chosen != "bank_debit" else Html(),
        debit_checked=checked if chosen == "bank_debit" else Html(),
    )


def _only_method(chosen: str) -> Html:
    return Html(f'<input type="hidden" name="method" value="{chosen}">')


def _card_fields(form: Mapping[str, str], problems: Mapping[str, str]) -> Html:
    # A card number that was refused is not shown again; one from the list of test cards is.
    number = "" if problems else form.get("card_number", "")
    return fill(
        "_card.html",
        number=_grouped(number),
        exp="12/34" if number else "",
        cvc="123" if number else "",
        name=form.get("name", ""),
        number_invalid=_invalid(problems, "card_number"),
        exp_invalid=_invalid(problems, "exp"),
        cvc_invalid=_invalid(problems, "cvc"),
        number_problem=_problem(problems, "card_number"),
        exp_problem=_problem(problems, "exp"),
        cvc_problem=_problem(problems, "cvc"),
    )


def _debit_fields(debit: str) -> Html:
    return fill("_debit.html", label=_DEBIT_NAMES[debit][1], good=GOOD_ACCOUNTS[debit])


def _help(session: Json) -> Html:
    if session["amount_total"] == 0:
        return Html()
    cards = [
        fill(
            "_test_card.html",
            url=f"/c/pay/{session['id']}?fill={card.number}",
            number=_grouped(card.number),
            does=card.does,
        )
        for card in CARDS
    ]
    debit = DEBIT_TYPES.get(session["currency"], "")
    offered = debit in session["payment_method_types"]
    return fill("_help.html", cards=joined(cards), accounts=_accounts(debit) if offered else Html())


def _accounts(debit: str) -> Html:
    name = _DEBIT_NAMES[debit][0]
    return fill("_accounts.html", name=name, good=GOOD_ACCOUNTS[debit], bad=BAD_ACCOUNTS[debit])


def _grouped(number: str) -> str:
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def _presentment(session: Json) -> Html:
    """Adaptive Pricing: the shop's currency first, then what else the buyer may see."""
    others = presentment_currencies(session["currency"]) if session["adaptive_pricing"]["enabled"] else []
    if not others or session["amount_total"] == 0:
        return Html()
    total, own = session["amount_total"], session["currency"]
    options = [fill("_option.html", value="", label=written(total, own))]
    options += [
        fill("_option.html", value=other, label=written(converted(total, own, other), other))
        for other in others
    ]
    return fill("_presentment.html", options=joined(options))


def _button(session: Json) -> str:
    if session["amount_total"] == 0:
        return "Complete order"
    return f"Pay {written(session['amount_total'], session['currency'])}"
