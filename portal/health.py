"""Whether the portal is alive, ready, and busy: /healthz, /readyz, and /metrics."""

from __future__ import annotations

import hmac
import os
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Generic, TypeVar

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout

from core.models import Mail
from credentialing.models import ClaimsRequest, Delivery
from feed.freshness import stale_since
from portal import workers
from portal.logging import view_name_of

T = TypeVar("T")
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
REQUESTS = Counter("portal_requests", "Requests answered.", ["view", "method", "status"])
SECONDS = Histogram(
    "portal_request_seconds",
    "Time from a request to its response.",
    ["view"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class MetricsMiddleware:
    """Count requests and measure their time by view name, never by URL, which may be personal."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        start = time.perf_counter()
        response = self.get_response(request)
        view = view_name_of(request)
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(view, method, str(response.status_code)).inc()
        SECONDS.labels(view).observe(time.perf_counter() - start)
        return response


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 as long as the process answers, whatever else is down."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Return whether requests can be served: 503 without the database, for every caller.

    Callers that may read /metrics also get a list of everything else that's down, with 200:
    `{"ready": true, "down": {"redis": "no answer", …}}`. Results are kept for two seconds.
    """
    ready = _database.now()
    answer: dict[str, Any] = {"ready": ready}
    if _may_know(request):
        from_database = (_feed_down() | _mails_failed()) if ready else {"database": "no answer"}
        answer["down"] = from_database | _background.now()
    return JsonResponse(answer, status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Return Prometheus' text format. Requires METRICS_TOKEN, or a local caller if no token is set; otherwise 404."""
    if not _may_know(request):
        raise Http404
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    body = generate_latest(registry) + generate_latest(_now())
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


class _Background(Collector):
    """Metrics of queues and workers, read when they're collected."""

    def collect(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("portal_queue_depth", "Tasks waiting in a queue.", labels=["queue"])
        serving = GaugeMetricFamily("portal_workers", "Workers heard from lately, by queue.", labels=["queue"])
        up = GaugeMetricFamily("portal_redis_up", "Whether Redis answers.", value=1)
        try:
            with workers.connect() as client:
                for queue, number in workers.waiting(client).items():
                    depth.add_metric([queue], number)
                for queue, number in workers.working(client, now=time.time()).items():
                    serving.add_metric([queue], number)
                counters = workers.all_counted(client)
        except redis.RedisError:
            yield GaugeMetricFamily("portal_redis_up", "Whether Redis answers.", value=0)
            return
        yield from (depth, serving, up)
        for name, values in counters.items():
            # Not the name that web processes count under.
            family = CounterMetricFamily(
                name.replace("portal_", "portal_workers_", 1), "Counted by workers.", labels=list(values[0][0])
            )
            for labels, value in values:
                family.add_metric(list(labels.values()), value)
            yield family


class _ClaimsRequests(Collector):
    """Requests for loss runs and claims histories that wait for staff, read when they're collected."""

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "portal_claims_requests", "Requests for claims papers that wait for staff.", labels=["clock"]
        )
        try:
            waiting, overdue = ClaimsRequest.objects.waiting().count(), ClaimsRequest.objects.overdue().count()
        except (DatabaseError, PoolTimeout):
            return
        gauge.add_metric(["waiting"], waiting)
        gauge.add_metric(["overdue"], overdue)
        yield gauge


def _now() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Background())
    registry.register(_ClaimsRequests())
    return registry


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except (DatabaseError, PoolTimeout):
        return False


def _background_down() -> dict[str, str]:
    try:
        with workers.connect() as client:
            serving = workers.working(client, now=time.time())
    except redis.RedisError:
        return {"redis": "no answer"}
    return {f"worker:{queue}": "not heard of" for queue, number in serving.items() if number == 0}


class Lately(Generic[T]):
    """A probe's result, kept for some seconds: however many callers ask at once, one of them runs the probe."""

    def __init__(self, probe: Callable[[], T], *, seconds: float) -> None:
        self._probe, self._seconds = probe, seconds
        self._looking = threading.Lock()
        self._found: tuple[float, T] | None = None

    def now(self) -> T:
        """Return the result. While one caller probes, others get the last result, or wait if there is none."""
        found = self._found
        if found is not None and time.monotonic() - found[0] < self._seconds:
            return found[1]
        if not self._looking.acquire(blocking=found is None):
            assert found is not None  # noqa: S101  # it would have waited otherwise
            return found[1]
        try:
            newest = self._found
            if newest is None or newest is found:
                newest = self._found = (time.monotonic(), self._probe())
            return newest[1]
        finally:
            self._looking.release()

    def forget(self) -> None:
        """Run the probe again next time."""
        self._found = None


_database = Lately(_database_answers, seconds=2)
_background = Lately(_background_down, seconds=2)


def forget() -> None:
    """Run the probes again next time, as after a known change."""
    _database.forget()
    _background.forget()


def _feed_down() -> dict[str, str]:
    if import_string(settings.FEED_AS_OF)() is None:
        return {"feed": "never loaded"}
    if (as_of := stale_since()) is not None:
        return {"feed": f"stale, as of {as_of.isoformat()}"}
    return {}


def _mails_failed() -> dict[str, str]:
    """Mails that were given up, and those with certificates. A mail that tells staff may be one of them, so staff must
    hear about it here too."""
    failed = Mail.objects.filter(status=Mail.FAILED).count()
    to_holders = Delivery.objects.undelivered().filter(status=Delivery.FAILED).count()
    return ({"mail": f"{failed} failed"} if failed else {}) | (
        {"deliveries": f"{to_holders} failed"} if to_holders else {}
    )


def _may_know(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        expected = f"Bearer {settings.METRICS_TOKEN}"
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode())
    # A proxy on this machine has a loopback address too, but names its client.
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
