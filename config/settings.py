"""Every setting, from the environment or a `.env` file. docs/settings.md lists them for operators."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import throttle_settings, trade_settings
from config.colours import palette
from config.environment import Environment
from rest.components import COMPONENTS

# Lets ModelAdmin[Tier] and the like be written as types.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
environ.Env.read_env(env.str("COFFER_ENV_FILE", default=str(BASE_DIR / ".env")), overwrite=False)


def demo_default(value: Any) -> Any:
    """A value that only the demo may fall back to."""
    return value if DEBUG else ""


# --- What a production start cannot do without (config.required refuses it) ---
DEBUG = env.bool("DEBUG", default=False)
STATE_DIR = Path(env.str("COFFER_STATE_DIR", default=str(BASE_DIR / ".state")))
SECRET_KEY = env.str("SECRET_KEY", default="") or demo_default("demo-only-" + "0123456789abcdef" * 4)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS") or demo_default(["localhost", "127.0.0.1", "[::1]"]) or []
PUBLIC_BASE_URL = env.web_address("PUBLIC_BASE_URL") or demo_default("http://localhost:8000")
DATABASE_URL = env.postgres("DATABASE_URL")
MIGRATE_DATABASE_URL = env.postgres("MIGRATE_DATABASE_URL") or DATABASE_URL
STRIPE_SECRET_KEY = env.secret("STRIPE_SECRET_KEY")
STRIPE_API_BASE = env.web_address("STRIPE_API_BASE")
STRIPE_WEBHOOK_SECRETS = env.secrets("STRIPE_WEBHOOK_SECRET") or demo_default(["whsec_sandbox"]) or []
# The demo's Stripe. A key of one's own without a base address means the real one.
USES_SANDBOX = DEBUG and not STRIPE_SECRET_KEY and not STRIPE_API_BASE
if DEBUG and not STRIPE_SECRET_KEY:
    STRIPE_SECRET_KEY = "sk_test_sandbox"  # noqa: S105
    _port = env.int("SANDBOX_PORT", default=8001, at_least=1, at_most=65535)
    STRIPE_API_BASE = STRIPE_API_BASE or f"http://localhost:{_port}"
STRIPE_API_BASE = STRIPE_API_BASE or "https://api.stripe.com"
POSTGRES_DIR = STATE_DIR / "postgres"
USES_EMBEDDED_POSTGRES = DEBUG and not DATABASE_URL
if USES_EMBEDDED_POSTGRES:
    from config import embedded_postgres, state_folder

    state_folder.make_writable(STATE_DIR)
    _urls = embedded_postgres.start(POSTGRES_DIR)
    DATABASE_URL, MIGRATE_DATABASE_URL = _urls.runtime, _urls.owner

MISSING_SETTINGS = [
    name
    for name, value in {
        "SECRET_KEY": SECRET_KEY,
        "ALLOWED_HOSTS": ALLOWED_HOSTS,
        "PUBLIC_BASE_URL": PUBLIC_BASE_URL,
        "DATABASE_URL": DATABASE_URL,
        "STRIPE_SECRET_KEY": STRIPE_SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": STRIPE_WEBHOOK_SECRETS,
    }.items()
    if not value
]
if STRIPE_SECRET_KEY.startswith("pk_"):
    raise ImproperlyConfigured("STRIPE_SECRET_KEY is a publishable key: take the secret one beside it.")
if STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_")):
    if DEBUG:
        raise ImproperlyConfigured("STRIPE_SECRET_KEY is a live key: it is refused while DEBUG is on.")
    if STRIPE_API_BASE != "https://api.stripe.com":
        raise ImproperlyConfigured(
            "STRIPE_SECRET_KEY is a live key: it is never sent to another STRIPE_API_BASE."
        )

# --- Stripe and checkout ---
STRIPE_TIMEOUT_SECONDS = env.seconds("STRIPE_TIMEOUT_SECONDS", default=8.0, at_least=0.1, at_most=600)
# Of one process: fewer than its threads, so that some are left for other pages while Stripe is silent.
STRIPE_CONCURRENT_CALLS = env.int("STRIPE_CONCURRENT_CALLS", default=3, at_least=1, at_most=1000)
vars().update(trade_settings.read(env))
CHECKOUT_SESSION_HOURS = env.int("CHECKOUT_SESSION_HOURS", default=24, at_least=1, at_most=8760)
CHECKOUT_RETENTION_DAYS = env.days("CHECKOUT_RETENTION_DAYS", default=7)
PURCHASES_SWEEP_SECONDS = env.seconds("PURCHASES_SWEEP_SECONDS", default=30.0, at_least=0.1)
PURCHASES_FIRST_CHECK_SECONDS = env.seconds("PURCHASES_FIRST_CHECK_SECONDS", default=60.0)
# A delayed debit may take two weeks: the daily proof looks a day further back.
PURCHASES_PROOF_DAYS = env.days("PURCHASES_PROOF_DAYS", default=15, at_least=1)
# A purchase that came to nothing is kept so long, in case a payment is still found; one with money for ever.
PURCHASES_RETENTION_DAYS = env.days("PURCHASES_RETENTION_DAYS", default=400)
PURCHASES_EVENT_RETENTION_DAYS = env.days("PURCHASES_EVENT_RETENTION_DAYS", default=400)
CREDITS_SPENDING_IN_DEBT = env.bool("CREDITS_SPENDING_IN_DEBT", default=False)
CREDITS_TELL_GRANTED = env.bool("CREDITS_TELL_GRANTED", default=False)
CREDITS_TELL_SPENT = env.bool("CREDITS_TELL_SPENT", default=False)
CREDITS_PREPARED_STATEMENTS = env.bool("CREDITS_PREPARED_STATEMENTS", default=False)
# Below this many credits a buyer is told, on pages and once by mail; 0: never.
LOW_BALANCE_CREDITS = env.int("LOW_BALANCE_CREDITS", default=10, at_most=10**12)
# Signs what we put into Stripe's metadata; a key of its own so that SECRET_KEY can be rotated.
PURCHASES_METADATA_KEY = env.str("PURCHASES_METADATA_KEY", default="") or SECRET_KEY
# Signs outgoing webhooks: each endpoint's secret is derived from it.
WEBHOOKS_SIGNING_KEY = env.str("WEBHOOKS_SIGNING_KEY", default="") or SECRET_KEY
# Whether an outgoing webhook may go to a private, loopback or link-local address.
WEBHOOKS_TO_PRIVATE_ADDRESSES = env.bool("WEBHOOKS_TO_PRIVATE_ADDRESSES", default=DEBUG)
OUTBOX_RETENTION_DAYS = env.days("OUTBOX_RETENTION_DAYS", default=90)
# How many credits staff may give or take at once without the permission to go beyond.
OPERATORS_ADJUST_LIMIT = env.int("OPERATORS_ADJUST_LIMIT", default=1000, at_most=10**12)
# Asked of whoever reads /metrics; empty: open to all.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- The shop's face ---
BRAND_NAME = env.str("BRAND_NAME", default="Coffer")
# "#rrggbb": pages and mails take shades of it that can be read. BRAND_LOGO: an image among the static files.
BRAND_COLOR = env.str("BRAND_COLOR", default="")
BRAND_LOGO = env.str("BRAND_LOGO", default="")
try:
    BRAND_PALETTE = palette(BRAND_COLOR or "#0b6a58")
except ValueError as error:
    raise ImproperlyConfigured(f"BRAND_COLOR: {error}.") from error
vars().update(trade_settings.terms(env))
# "included" or "excluded": what the price pages say about tax; empty: nothing.
TAX_NOTE = trade_settings.tax_note(env)
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="support@example.com")

# --- Django ---
INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "accounts",
    "purchases",
    "checkout",
    "credits",
    "outbox",
    "config.apps.CofferAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django_htmx",
    "django_structlog",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "config.middleware.TrustedProxies",
    "config.middleware.SafeHeaders",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.RequestLog",
    "rest.middleware.ApiProblems",
    "config.middleware.OnlyUtf8",
    "config.middleware.ContentPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.middleware.NamedHost",
    "config.middleware.FormsOnly",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.Throttles",
    "accounts.middleware.Guests",
    "accounts.languages.RememberLanguage",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context_processors.brand",
                "credits.context_processors.credits_balance",
            ],
        },
    }
]

# --- The database: PostgreSQL only, the runtime role; `migrate` borrows the owner's connection ---
# Limits on waiting, so that one frozen worker costs others a clean 503 and no more (milliseconds).
_TIMEOUTS = {"lock_timeout": 3000, "statement_timeout": 10000, "idle_in_transaction_session_timeout": 15000}


def _database(url: str) -> dict[str, Any]:
    parsed: dict[str, Any] = env.database(url) if url else {"NAME": ""}
    options = dict(parsed.pop("OPTIONS", {}))
    options.setdefault("options", " ".join(f"-c {name}={value}" for name, value in _TIMEOUTS.items()))
    options.setdefault("connect_timeout", "3")
    return {
        **parsed,
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


DATABASES = {"default": _database(DATABASE_URL)}
MIGRATE_DATABASE = _database(MIGRATE_DATABASE_URL)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ---
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.backends.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "purchases:pricing"
# Where a visitor is signed in as a guest, by POST and after the CSRF check.
GUEST_VIEWS = ["checkout:start", "api:session"]
# What takes a form or answers a script and shows no page of its own: nobody is led there (checkout.coming_back).
VIEWS_WITHOUT_A_PAGE = [
    "accounts:logout",
    "admin:logout",
    "checkout:start",
    "checkout:change",
    "checkout:recover",
    "checkout:cancel",
    "purchases:pay",
    "purchases:check",
    "purchases:status",
    "purchases:webhook",
    "purchases:webhook_without_slash",
    "api",
]
GUEST_DAYS = env.days("GUEST_DAYS", default=30, at_least=1)
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.5  # hours
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_CALLABLE = "accounts.guessing.locked_out"
AXES_CLIENT_IP_CALLABLE = "config.middleware.client_address"
AXES_USERNAME_CALLABLE = "accounts.guessing.counted_name"
AXES_USERNAME_FORM_FIELD = "username"  # else axes looks for "email", and a locked name is let in
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True  # addresses of people who signed in: kept by nobody
AXES_ENABLE_ADMIN = False

vars().update(throttle_settings.read(env))
THROTTLED_VIEWS = {
    "checkout:start": "starts",
    "checkout:change": "starts",
    "api:checkout_start": "starts",
    "api:checkout_change": "starts",
    "accounts:register": "sign_ups",
    "accounts:password_reset": "resets",
    "accounts:claim": "claims",
    "accounts:claim_link": "claims",
}

# --- The API ---
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0, at_most=100)
# Where somebody is sent who has too few credits; other back ends pass it on to their people.
TOP_UP_URL = env.link("TOP_UP_URL") or "/pricing/"
if TOP_UP_URL.startswith("/"):
    TOP_UP_URL = f"{PUBLIC_BASE_URL}{TOP_UP_URL}"
# Counted in the cache: a client by its keys, a person by their session, a visitor by address.
API_CALLS_PER_MINUTE = {
    "key": env.int("API_CALLS_PER_MINUTE_KEY", default=30_000, at_least=1, at_most=10**9),
    "buyer": env.int("API_CALLS_PER_MINUTE_BUYER", default=600, at_least=1, at_most=10**9),
    "visitor": env.int("API_CALLS_PER_MINUTE_VISITOR", default=300, at_least=1, at_most=10**9),
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api_keys.KeyAuthentication",
        "rest.callers.BuyerAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest.callers.Admitted"],
    "DEFAULT_THROTTLE_CLASSES": ["rest.throttles.PerMinute"],
    "DEFAULT_PARSER_CLASSES": ["rest.strict_json.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest.strict_json.CompactJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "rest.strict_json.AlwaysJSON",
    "DEFAULT_SCHEMA_CLASS": "rest.schema.CallSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "rest.problems.respond",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Coffer",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": "Prepaid credits: balances, spends and holds for other back ends, checkout for browsers.",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "APPEND_COMPONENTS": COMPONENTS,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False},
}

# --- Cache, sessions, e-mail, worker ---
CACHE_URL = env.str("CACHE_URL", default="") or "locmemcache://"
CACHES = {"default": env.cache("CACHE_URL", CACHE_URL)}
if CACHE_URL.startswith("redis"):
    CACHES["default"]["BACKEND"] = "config.shared_cache.SharedCache"
SESSION_ENGINE = (
    "django.contrib.sessions.backends.cached_db"
    if CACHE_URL.startswith("redis")
    else "django.contrib.sessions.backends.db"
)
vars().update(env.mail("EMAIL_URL"))
EMAIL_TIMEOUT = 5  # seconds; the worker sends one after the other
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"{BRAND_NAME} <no-reply@example.com>")
CELERY_BROKER_URL = env.broker("CELERY_BROKER_URL")

# --- Safety in the browser ---
IS_HTTPS = PUBLIC_BASE_URL.startswith("https://")
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = IS_HTTPS
# Stripe counts a redirect as a failed delivery; probes speak plain http.
SECURE_REDIRECT_EXEMPT = [r"^webhooks/stripe/?$", r"^healthz/", r"^metrics$"]
SECURE_HSTS_SECONDS = 31536000 if IS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
# Subdomains and preload bind a whole domain, which is its owner's decision: security.W005, W021.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
# Lax, not Strict: Strict would lose the person on the way back from Stripe.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200


def form_targets(api_base: str) -> list[str]:
    """Where a form may lead: Chromium checks redirects too, and Pay redirects to Stripe's page."""
    base = urlsplit(api_base)
    if base.hostname == "api.stripe.com":
        return [SELF, "https://checkout.stripe.com"]
    # A sandbox on this machine may answer to either name.
    hosts = (
        ["localhost", "127.0.0.1"] if base.hostname in ("localhost", "127.0.0.1") else [base.hostname or ""]
    )
    port = f":{base.port}" if base.port else ""
    return [SELF, "https://checkout.stripe.com", *(f"{base.scheme}://{host}{port}" for host in hosts)]


CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": form_targets(STRIPE_API_BASE),
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Language and files ---
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_files.HashedFiles"},
}
# Serve straight from static/ where nothing was collected (the demo, the tests).
WHITENOISE_USE_FINDERS = DEBUG or not STATIC_ROOT.exists()
WHITENOISE_AUTOREFRESH = DEBUG

# --- Logs ---
from config.logs import LOGGING, LOGGING_CONFIG  # noqa: E402, F401  needs nothing above

DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # an address is personal data
DJANGO_STRUCTLOG_CELERY_ENABLED = True
