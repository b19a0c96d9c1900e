FROM python:3.11-slim-bookworm

# Labels are drawn with DejaVu (Latin, Persian) and Noto CJK (Chinese); backups need pg_dump.
RUN apt-get update \
 && apt-get install -y --no-install-recommends fonts-dejavu-core fonts-noto-cjk \
      postgresql-client \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --system --uid 10001 --home-dir /var/lib/lims --create-home lims \
 && install -d -o lims -g lims -m 0700 /backups
WORKDIR /srv/lims
ENV PATH=/srv/lims/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

# What the suite ran with, by digest, and nothing else.
COPY requirements.lock ./
RUN python -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
      -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY lims lims
COPY workers workers
COPY label_templates label_templates
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps \
      --no-build-isolation . \
 && .venv/bin/python -m compileall -q .venv/lib/python3.11/site-packages/lims \
      .venv/lib/python3.11/site-packages/workers \
 && rm -rf lims workers label_templates

USER lims
VOLUME /var/lib/lims
EXPOSE 8000
CMD ["lims", "serve", "--host", "0.0.0.0", "--port", "8000"]
