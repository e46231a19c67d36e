"""The routes: which path is answered by which handler.

Owns: the one table of paths. Rule: the specific stands before the general; unknown paths are 404.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import tornado.web

from .dtr import Dtr
from .handlers import account_list, account_settings, api_tokens, content_caches, keys, meta, open_pages
from .handlers.blobs import Blobs
from .handlers.exchange import NotFound
from .handlers.listings import Catalog, Tags, Version
from .handlers.manifests import Manifests
from .handlers.token_service import TokenService
from .handlers.uploads import Uploads

ROUTES: tuple[tuple[str, type[tornado.web.RequestHandler]], ...] = (
    (r"/", open_pages.Root),
    (r"/ca", open_pages.CertificateAuthority),
    (r"/_ping", open_pages.Ping),
    (r"/health", open_pages.Ping),
    (r"/nginx_status", open_pages.NginxStatus),
    (r"/\.well-known/dtr-content-cache", open_pages.Discovery),
    (r"/auth/token", TokenService),
    (r"/api/v0/content_caches/?", content_caches.ContentCaches),
    (r"/api/v0/content_caches/([^/]+)", content_caches.OneContentCache),
    (r"/api/v0/accounts/([^/]+)/settings", account_settings.AccountSettings),
    (r"/enzi/v0/accounts/?", account_list.AccountList),
    (r"/api/v0/api_tokens", api_tokens.ApiTokens),
    (r"/api/v0/api_tokens/([^/]+)", api_tokens.OneApiToken),
    (r"/api/v0/meta/features", meta.Features),
    (r"/api/v0/meta/cluster_status", meta.ClusterStatus),
    (r"/api/v0/meta/settings", meta.Settings),
    (r"/api/v0/meta/alerts", meta.Alerts),
    (r"/_simulator/keys", keys.Keys),
    (r"/_simulator/keys/([^/]+)", keys.OneKey),
    (r"/v2/", Version),
    (r"/v2/_catalog", Catalog),
    (r"/v2/(.+)/tags/list", Tags),
    (r"/v2/(.+)/manifests/([^/]+)", Manifests),
    (r"/v2/(.+)/blobs/uploads/(.*)", Uploads),
    (r"/v2/(.+)/blobs/([^/]+)", Blobs),
)


def build_application(dtr: Dtr, connections: Callable[[], Collection[object]]) -> tornado.web.Application:
    routes = [(path, handler, {"dtr": dtr}) for path, handler in ROUTES]
    return tornado.web.Application(
        routes, default_handler_class=NotFound, default_handler_args={"dtr": dtr}, connections=connections,
        log_function=lambda handler: None)
