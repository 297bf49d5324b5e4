"""gunicorn's settings: several processes, so that one that hangs on Stripe leaves the others; threads within each."""

import multiprocessing
import os

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "0")) or 2 * multiprocessing.cpu_count() + 1
threads = 4
worker_class = "gthread"
timeout = 30  # a page takes ten seconds at most, whatever Stripe does
graceful_timeout = 30
keepalive = 5
max_requests = 10_000
max_requests_jitter = 1_000
control_socket_disable = True
# Proxies are counted by TRUSTED_PROXY_COUNT, and by nobody else.
forwarded_allow_ips = ""
accesslog = None  # the application logs each request itself, as JSON with its id
