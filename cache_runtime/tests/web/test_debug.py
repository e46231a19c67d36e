"""The operator's listener over real sockets."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from dtr_content_cache.observation.metrics import CONTENT_TYPE, Metrics
from dtr_content_cache.values.events import Event, StorageTrouble
from dtr_content_cache.web.debug import DebugServer, debug_application
from tornado.netutil import bind_sockets


def ask(
    path: str,
    method: str = "GET",
    failures: Mapping[str, str] | None = None,
    not_ready: Mapping[str, str] | None = None,
    not_fresh: Mapping[str, str] | None = None,
    metrics: Callable[[], bytes] | None = None,
    metrics_path: str | None = "/metrics",
    status: Callable[[], Awaitable[dict[str, Any]]] | None = None,
) -> tuple[HTTPResponse, bytes]:
    async def story() -> tuple[HTTPResponse, bytes]:
        application = debug_application(
            *(lambda found=found: found or {} for found in (failures, not_ready, not_fresh)),
            metrics,
            metrics_path,
            CONTENT_TYPE,
            status,
        )
        server = DebugServer(application, lambda event: None)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)

        def question() -> tuple[HTTPResponse, bytes]:
            connection = HTTPConnection("127.0.0.1", sockets[0].getsockname()[1], timeout=5)
            connection.request(method, path)
            response = connection.getresponse()
            content = response.read()
            connection.close()
            return response, content

        try:
            return await asyncio.to_thread(question)
        finally:
            server.stop()
            await server.close_all_connections()

    return asyncio.run(story())


@pytest.mark.parametrize("path", ["/debug/health", "/debug/ready", "/debug/fresh"])
def test_well_is_200_and_an_empty_object(path: str) -> None:
    response, body = ask(path)
    assert (response.status, body) == (200, b"{}")
    assert response.getheader("Content-Type", "").startswith("application/json")
    assert response.getheader("Cache-Control") == "no-store"
    assert response.getheader("Server") is None


def test_what_is_ready_by_memory_only_is_ready_and_not_fresh() -> None:
    stale = {"discovery": "https://dtr.example.com: certificate verify failed"}
    assert ask("/debug/ready", not_fresh=stale)[0].status == 200
    response, body = ask("/debug/fresh", not_fresh=stale)
    assert (response.status, json.loads(body)) == (503, stale)


def test_not_well_is_503_with_each_check_and_its_reason() -> None:
    reasons = {"storagedriver_filesystem": "writing: EIO", "/out": "file exists"}
    response, body = ask("/debug/health", failures=reasons)
    assert (response.status, json.loads(body)) == (503, reasons)


def test_health_and_readiness_are_two_questions() -> None:
    assert ask("/debug/health", not_ready={"draining": "draining"})[0].status == 200
    response, body = ask("/debug/ready", not_ready={"draining": "draining"})
    assert (response.status, json.loads(body)) == (503, {"draining": "draining"})


def test_head_is_answered_without_a_body() -> None:
    assert (ask("/debug/health", "HEAD")[0].status, ask("/debug/health", "HEAD")[1]) == (200, b"")
    assert ask("/debug/health", "HEAD", failures={"x": "y"})[0].status == 503


def test_metrics_are_there_where_they_were_asked_for() -> None:
    response, body = ask("/metrics", metrics=Metrics("1.2.3").render)
    assert response.status == 200
    assert response.getheader("Content-Type") == CONTENT_TYPE
    assert b"dtr_cache_build_info{" in body
    assert ask("/metrics")[0].status == 404
    assert ask("/metrics", metrics=Metrics("1").render, metrics_path=None)[0].status == 404


def test_the_path_of_the_metrics_is_taken_literally() -> None:
    render = Metrics("1").render
    assert ask("/my.metrics+", metrics=render, metrics_path="/my.metrics+")[0].status == 200
    assert ask("/myxmetrics+", metrics=render, metrics_path="/my.metrics+")[0].status == 404


@pytest.mark.parametrize(
    "path", ["/", "/debug", "/debug/health/", "/debug/vars", "/debug/pprof/", "/v2/", "/debug/health/x"]
)
def test_there_is_nothing_else(path: str) -> None:
    response, body = ask(path)
    assert (response.status, body) == (404, b"{}")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed_through_it(method: str) -> None:
    response, body = ask("/debug/health", method)
    assert (response.status, body) == (405, b"{}")
    assert response.getheader("Allow") == "GET, HEAD"


def test_a_fault_shows_nothing_of_the_program() -> None:
    def broken() -> bytes:
        raise RuntimeError("canary")

    response, body = ask("/metrics", metrics=broken)
    assert (response.status, body) == (500, b"{}")


async def standing() -> dict[str, Any]:
    return {"health": {"state": "well"}}


@pytest.mark.parametrize("path", ["/", "/debug", "/debug/"])
def test_whoever_opens_the_listener_is_led_to_the_status_page(path: str) -> None:
    response, _ = ask(path, status=standing)
    assert (response.status, response.getheader("Location")) == (302, "/debug/status")


def test_the_status_is_a_page_for_people_and_a_document_for_programs() -> None:
    response, body = ask("/debug/status", status=standing)
    assert (response.status, response.getheader("Content-Type")) == (200, "text/html; charset=utf-8")
    assert b"<!doctype html>" in body
    response, body = ask("/debug/status.json", status=standing)
    assert (response.status, json.loads(body)) == (200, {"health": {"state": "well"}})
    assert response.getheader("Cache-Control") == "no-store"


def test_no_other_page_can_frame_the_status_or_read_it() -> None:
    response, _ = ask("/debug/status", status=standing)
    policy = response.getheader("Content-Security-Policy", "")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    response, _ = ask("/debug/status.json", status=standing)
    assert response.getheader("Access-Control-Allow-Origin") is None


def test_a_head_of_the_status_has_no_body() -> None:
    response, body = ask("/debug/status.json", "HEAD", status=standing)
    assert (response.status, body) == (200, b"")


def test_without_descriptors_the_question_waits_and_nobody_reports_a_bug(caplog: pytest.LogCaptureFixture) -> None:
    class Exhausted:
        """A listening socket whose accept has no descriptor for us at first."""

        def __init__(self, sock: socket.socket) -> None:
            self.sock, self.left = sock, 2

        def accept(self) -> Any:
            if self.left:
                self.left -= 1
                raise OSError(errno.EMFILE, "EMFILE")
            return self.sock.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.sock, name)

    events: list[Event] = []

    async def story() -> int:
        server = DebugServer(debug_application(dict, dict, dict), events.append)
        (sock,) = bind_sockets(0, "127.0.0.1")
        server.add_sockets([Exhausted(sock)])  # type: ignore[list-item]
        connection = HTTPConnection("127.0.0.1", sock.getsockname()[1], timeout=5)
        try:
            await asyncio.to_thread(connection.request, "GET", "/debug/health")
            return (await asyncio.to_thread(connection.getresponse)).status
        finally:
            connection.close()
            server.stop()
            await server.close_all_connections()

    assert asyncio.run(story()) == 200
    assert events == [StorageTrouble("accepting a connection", "EMFILE")] * 2
    assert caplog.records == []
