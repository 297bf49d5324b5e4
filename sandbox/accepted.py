"""Which parameters each call accepts; tests hold it against the installed `stripe` package's own types."""

from sandbox.parameters import (
    UNSUPPORTED,
    Accepted,
    Choice,
    Currency,
    Email,
    Flag,
    Group,
    Kind,
    ListOf,
    Metadata,
    MomentRange,
    Number,
    Text,
    Unsupported,
    Url,
    Whole,
)

LARGEST_AMOUNT = 99_999_999


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


METHOD_TYPES = _names(
    "acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact "
    "billie bizum blik boleto card cashapp crypto customer_balance eps fpx giropay grabpay ideal "
    "kakao_pay klarna konbini kr_card link mb_way mobilepay multibanco naver_pay nz_bank_account oxxo "
    "p24 pay_by_bank payco paynow paypal paypay payto pix promptpay revolut_pay samsung_pay satispay "
    "scalapay sepa_debit sequra sofort sunbit swish twint upi us_bank_account wechat_pay zip"
)

LOCALES = _names(
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb "
    "nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW"
)

EXPAND: dict[str, Kind] = {"expand": ListOf(Text(most=200))}


def _unsupported(names: str) -> dict[str, Kind]:
    return dict.fromkeys(_names(names), UNSUPPORTED)


_PAGED: dict[str, Kind] = EXPAND | {
    "limit": Whole(least=1, most=100),
    "starting_after": Text(most=200),
    "ending_before": Text(most=200),
}

RETRIEVE: Accepted = EXPAND

_PRODUCT_DATA = Group(
    {
        "name": Text(most=250),
        "description": Text(),
        "images": ListOf(Url(), most=8),
        "metadata": Metadata(),
        "tax_code": Text(),
        "unit_label": Text(most=12),
        **_unsupported("tax_details"),
    },
    required=("name",),
)

_TAX_BEHAVIOR = Choice(("inclusive", "exclusive", "unspecified"))

_LINE_ITEM = Group(
    {
        "price": Text(),
        "price_data": Group(
            {
                "currency": Currency(),
                "product": Text(),
                "product_data": _PRODUCT_DATA,
                "tax_behavior": _TAX_BEHAVIOR,
                "unit_amount": Whole(least=0, most=LARGEST_AMOUNT),
                **_unsupported("recurring unit_amount_decimal"),
            },
            required=("currency",),
        ),
        "quantity": Whole(least=0, most=999_999),
        "metadata": Metadata(),
        **_unsupported("adjustable_quantity tax_rates"),
    }
)

_PAYMENT_INTENT_DATA = Group(
    {
        "description": Text(most=1000),
        "metadata": Metadata(),
        "receipt_email": Email(),
        "setup_future_usage": Choice(("off_session", "on_session")),
        "statement_descriptor": Text(most=22),
        "statement_descriptor_suffix": Text(most=22),
        "capture_method": Choice(("automatic", "automatic_async")),
        **_unsupported("application_fee_amount on_behalf_of shipping transfer_data transfer_group"),
    }
)

_INVOICE_DATA = Group(
    {
        "description": Text(most=1500),
        "footer": Text(),
        "metadata": Metadata(),
        **_unsupported("account_tax_ids custom_fields issuer rendering_options"),
    }
)

_CUSTOM_MESSAGE = Group({"message": Text(most=1200)}, required=("message",))

SESSION_CREATE: Accepted = EXPAND | {
    "adaptive_pricing": Group({"enabled": Flag()}),
    "allow_promotion_codes": Flag(),
    "allowed_payment_method_types": ListOf(Choice(METHOD_TYPES)),
    "automatic_tax": Group({"enabled": Flag(), **_unsupported("liability")}, required=("enabled",)),
    "billing_address_collection": Choice(("auto", "required")),
    "cancel_url": Url(),
    "client_reference_id": Text(most=200),
    "currency": Currency(),
    "custom_text": Group(
        {"submit": _CUSTOM_MESSAGE, "after_submit": _CUSTOM_MESSAGE}
        | _unsupported("shipping_address terms_of_service_acceptance")
    ),
    "customer": Text(),
    "customer_creation": Choice(("always", "if_required")),
    "customer_email": Email(),
    "customer_update": Group({name: Choice(("auto", "never")) for name in ("address", "name", "shipping")}),
    "discounts": ListOf(Group({"coupon": Text(), "promotion_code": Text()}), most=1),
    "excluded_payment_method_types": ListOf(Choice(tuple(m for m in METHOD_TYPES if m != "link"))),
    "expires_at": Whole(least=0),
    "invoice_creation": Group({"enabled": Flag(), "invoice_data": _INVOICE_DATA}, required=("enabled",)),
    "line_items": ListOf(_LINE_ITEM),
    "locale": Choice(LOCALES),
    "metadata": Metadata(),
    "mode": Choice(("payment", "setup", "subscription")),
    "origin_context": Choice(("mobile_app", "web")),
    "payment_intent_data": _PAYMENT_INTENT_DATA,
    "payment_method_collection": Choice(("always", "if_required")),
    "phone_number_collection": Group({"enabled": Flag()}, required=("enabled",)),
    "submit_type": Choice(("auto", "book", "donate", "pay", "subscribe")),
    "success_url": Url(),
    "ui_mode": Choice(("elements", "embedded_page", "form", "hosted_page")),
    **_unsupported(
        "after_expiration branding_settings consent_collection custom_fields customer_account "
        "integration_identifier managed_payments name_collection optional_items payment_method_configuration "
        "payment_method_data payment_method_options permissions redirect_on_completion return_url "
        "saved_payment_method_options setup_intent_data shipping_address_collection shipping_options "
        "subscription_data tax_id_collection wallet_options"
    ),
}

SESSION_LIST: Accepted = _PAGED | {
    "created": MomentRange(),
    "customer": Text(),
    "payment_intent": Text(),
    "status": Choice(("complete", "expired", "open")),
    "customer_details": Group({"email": Email()}, required=("email",)),
    **_unsupported("customer_account payment_link subscription"),
}

LINE_ITEM_LIST: Accepted = _PAGED

INTENT_RETRIEVE: Accepted = EXPAND | {"client_secret": Text()}
INTENT_LIST: Accepted = _PAGED | {
    "created": MomentRange(),
    "customer": Text(),
    "customer_account": Unsupported(),
}

CHARGE_LIST: Accepted = _PAGED | {
    "created": MomentRange(),
    "customer": Text(),
    "payment_intent": Text(),
    "transfer_group": Unsupported(),
}

REFUND_CREATE: Accepted = EXPAND | {
    "amount": Whole(least=1, most=LARGEST_AMOUNT),
    "charge": Text(),
    "metadata": Metadata(),
    "payment_intent": Text(),
    "reason": Choice(("duplicate", "fraudulent", "requested_by_customer")),
    **_unsupported("currency customer instructions_email origin refund_application_fee reverse_transfer"),
}

REFUND_UPDATE: Accepted = EXPAND | {"metadata": Metadata()}
REFUND_LIST: Accepted = _PAGED | {"created": MomentRange(), "charge": Text(), "payment_intent": Text()}
DISPUTE_LIST: Accepted = REFUND_LIST
WARNING_LIST: Accepted = REFUND_LIST

EVENT_LIST: Accepted = _PAGED | {
    "created": MomentRange(),
    "delivery_success": Flag(),
    "type": Text(),
    "types": ListOf(Text(), most=20),
}

PRODUCT_CREATE: Accepted = EXPAND | {
    "active": Flag(),
    "description": Text(),
    "id": Text(),
    "images": ListOf(Url(), most=8),
    "metadata": Metadata(),
    "name": Text(most=250),
    "shippable": Flag(),
    "statement_descriptor": Text(most=22),
    "tax_code": Text(),
    "type": Choice(("good", "service")),
    "unit_label": Text(most=12),
    "url": Url(),
    **_unsupported("default_price_data marketing_features package_dimensions tax_details"),
}

PRICE_CREATE: Accepted = EXPAND | {
    "active": Flag(),
    "billing_scheme": Choice(("per_unit", "tiered")),
    "currency": Currency(),
    "lookup_key": Text(most=200),
    "metadata": Metadata(),
    "nickname": Text(),
    "product": Text(),
    "product_data": Group(
        {
            "active": Flag(),
            "id": Text(),
            "metadata": Metadata(),
            "name": Text(most=250),
            "statement_descriptor": Text(most=22),
            "tax_code": Text(),
            "unit_label": Text(most=12),
            **_unsupported("tax_details"),
        },
        required=("name",),
    ),
    "tax_behavior": _TAX_BEHAVIOR,
    "unit_amount": Whole(least=0, most=LARGEST_AMOUNT),
    **_unsupported(
        "currency_options custom_unit_amount recurring tiers tiers_mode transfer_lookup_key "
        "transform_quantity unit_amount_decimal"
    ),
}

COUPON_CREATE: Accepted = EXPAND | {
    "amount_off": Whole(least=1, most=LARGEST_AMOUNT),
    "currency": Currency(),
    "duration": Choice(("forever", "once", "repeating")),
    "id": Text(),
    "max_redemptions": Whole(least=1),
    "metadata": Metadata(),
    "name": Text(most=40),
    "percent_off": Number(least=0.01, most=100),
    "redeem_by": Whole(least=0),
    **_unsupported("applies_to currency_options duration_in_months"),
}

PROMOTION_CODE_CREATE: Accepted = EXPAND | {
    "active": Flag(),
    "code": Text(most=500),
    "expires_at": Whole(least=0),
    "max_redemptions": Whole(least=1),
    "metadata": Metadata(),
    "promotion": Group({"type": Choice(("coupon",)), "coupon": Text()}, required=("type",)),
    **_unsupported("customer customer_account restrictions"),
}

CUSTOMER_CREATE: Accepted = EXPAND | {
    "description": Text(),
    "email": Email(),
    "metadata": Metadata(),
    "name": Text(most=256),
    "phone": Text(most=20),
    "preferred_locales": ListOf(Text()),
    **_unsupported(
        "address balance business_name cash_balance individual_name invoice_prefix invoice_settings "
        "next_invoice_sequence payment_method shipping source tax tax_exempt tax_id_data test_clock validate"
    ),
}

CUSTOMER_UPDATE: Accepted = EXPAND | {
    "description": Text(),
    "email": Email(),
    "metadata": Metadata(),
    "name": Text(most=256),
    "phone": Text(most=20),
    "preferred_locales": ListOf(Text()),
    **_unsupported(
        "address balance business_name cash_balance default_source individual_name invoice_prefix "
        "invoice_settings next_invoice_sequence shipping source tax tax_exempt validate"
    ),
}

CUSTOMER_LIST: Accepted = _PAGED | {"created": MomentRange(), "email": Email(), "test_clock": Unsupported()}

ENDPOINT_LIST: Accepted = _PAGED
