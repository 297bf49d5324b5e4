# One image for web, worker, beat and the commands. docs/deploy.md says how it is run.
FROM python:3.12-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 COFFER_STATE_DIR=/var/lib/coffer
RUN useradd --system --home-dir /srv/coffer coffer && install -d -o coffer /var/lib/coffer
WORKDIR /srv/coffer
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
# collectstatic reads no database and no secret. Without a broker of its own it would leave folders of root's in the state.
RUN DEBUG=false SECRET_KEY=build ALLOWED_HOSTS=build PUBLIC_BASE_URL=https://build STRIPE_SECRET_KEY=sk_test_build \
    STRIPE_WEBHOOK_SECRET=whsec_build CELERY_BROKER_URL=memory:// python manage.py collectstatic --noinput --verbosity 0
USER coffer
EXPOSE 8000
ENV BIND=0.0.0.0:8000
CMD ["gunicorn", "--config", "deploy/gunicorn.conf.py", "config.wsgi:application"]
