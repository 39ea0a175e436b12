# syntax=docker/dockerfile:1
# One image for every process of the portal: web server, workers, schedule, and jobs. docker-compose.yml starts them.
ARG PYTHON=3.12-slim-bookworm

FROM python:${PYTHON} AS packages
COPY requirements/prod.txt /tmp/prod.txt
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes --no-deps --no-compile -r /tmp/prod.txt \
 && /venv/bin/python -m compileall -q -j 0 /venv/lib

FROM python:${PYTHON}
# What the portal needs of the system, by the one list.
COPY core/__init__.py core/system.py core/system_packages.toml /system/core/
RUN cd /system && python -m core.system image && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data portal \
 && install -d -o portal -g portal /data /feed
COPY --from=packages /venv /venv
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=portal.settings \
    PORTAL_DATA_DIR=/data \
    STATIC_ROOT=/app/collected
# Style sheets and scripts are part of the image: hashed, compressed, and the same for every process.
# The faces of the screen are made on the way; the data folder stays the portal's own.
RUN set -a && . docker/build.env && set +a \
 && PORTAL_DATA_DIR=/tmp/made python manage.py collectstatic --noinput && rm -r /tmp/made \
 && python -m compileall -q -j 0 /app
USER portal
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "-c", "portal/gunicorn_conf.py", "portal.wsgi"]
