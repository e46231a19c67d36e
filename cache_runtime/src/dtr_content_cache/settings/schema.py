"""The registry's configuration format, version 0.1, and what this cache does about every key: one table.

Rule for editors: a key belongs in here before it is read anywhere; its policy is a promise to operators (see
config-example.yml for the honoured ones)."""

from __future__ import annotations

from pathlib import Path

from .addresses import check_target, check_url, external_url, host_and_optional_port, listen_address
from .certificates import authorities
from .ciphers import cipher_suite
from .headers import fields, headers
from .kinds import (
    absolute_path,
    boolean,
    duration,
    integer,
    list_of,
    registry_name,
    share_or_size,
    size,
    text,
    url_path,
    url_prefix,
    word,
)
from .policy import Accepted, Each, Honoured, Ignored, Keys, Refused
from .upstreams import upstreams

_LEVEL = word("error", "warn", "info", "debug", fold_case=True)
_CLIENT_AUTH = word(
    "request-client-cert", "require-any-client-cert", "verify-client-cert-if-given", "require-and-verify-client-cert"
)
_PEM_PATHS = list_of(authorities, "absolute paths of PEM files")
_INTERVAL = Honoured(duration(), 10.0)
_TIMEOUT = Honoured(duration(), 5.0)
_THRESHOLD = Honoured(integer(0, 1000), 0)

_ON_DISK = Refused("wanted filesystem alone: this build stores on a file system only (a mounted volume, NFS included)")
_NO_AUTH = Refused("wanted no auth section: DTR's grants, or the upstream itself, say what users may read")
_ALONE = Refused("wanted none: downstream, under middleware.registry, is the only middleware that this cache has")
_NO_PROXY = Refused("wanted no proxy: name the upstream in the downstream middleware's upstreams", even_empty=False)
_NO_ACME = Refused("wanted certificate and key: this build obtains no certificates", even_empty=False)
_BY_DOWNSTREAM = Ignored("the downstream middleware takes the place of the proxy section")
_ON_FILES = Ignored("what the cache holds is looked up on the disk", unless=("inmemory",))

_HOSTS = Honoured(list_of(host_and_optional_port, "host or host:port"), ())
_OFFLINE = word("refuse", "serve")
_REGISTRY = Keys(
    {
        "name": Honoured(registry_name, required="a name such as hub, which clients write before the repository"),
        "ns": Honoured(list_of(host_and_optional_port, "host or host:port")),
        "hosts": _HOSTS,
        "upstreams": Honoured(upstreams, (), required="a list of http(s)://host[:port], the registry"),
        # Without these the middleware's own count.
        "cas": Honoured(_PEM_PATHS),
        "redirecthosts": _HOSTS,
        "realmhosts": _HOSTS,
        "verdictttl": Honoured(duration(zero=True)),
        "offline": Honoured(_OFFLINE),
        "offlinelimit": Honoured(duration()),
    }
)

DOWNSTREAM_OPTIONS = Keys(
    {
        # The vendor's three.
        "blobttl": Honoured(duration()),
        "upstreams": Honoured(upstreams, ()),  # required where there are no registries: rules.py
        "cas": Honoured(_PEM_PATHS, ()),
        # Our additions.
        "authorization": Honoured(word("grant", "upstream"), "grant"),
        "maxsize": Honoured(size("wanted a size above 0, such as 200GB or 1TiB", small_bytes=10**6)),
        "minfree": Honoured(share_or_size, (0.05, None)),
        "clockskew": Honoured(duration(), 30.0),
        "verdictttl": Honoured(duration(zero=True), 60.0),
        "redirecthosts": _HOSTS,
        "realmhosts": _HOSTS,
        "offline": Honoured(_OFFLINE, "refuse"),
        "offlinelimit": Honoured(duration(), 24 * 3600.0),
        "registries": Each(_REGISTRY),
        "stalltimeout": Honoured(duration(), 30.0),
        "maxfills": Honoured(integer(1, 10_000), 32),
        "maxfillrate": Honoured(size("wanted the bytes of a second as a size above 0, such as 10MB", small_bytes=1000)),
        "workers": Honoured(integer(1, 1024), 1),
    }
)

_MIDDLEWARE = Keys(
    {
        "name": Honoured(text, required="downstream"),
        "disabled": Honoured(boolean, False),
        "options": Honoured(lambda at: at),  # rules.py reads them by the table above, once the name is known
    }
)
_FOREIGN_MIDDLEWARE = Each(Keys({"name": _ALONE, "disabled": Accepted(), "options": Accepted()}), switch=True)

_LOG = Keys(
    {
        "level": Honoured(_LEVEL),
        "formatter": Honoured(word("text", "json", "logstash"), "text"),
        "fields": Honoured(fields, ()),
        "reportcaller": Accepted(),
        "accesslog": Keys({"disabled": Honoured(boolean, False)}),
        "hooks": Ignored("this cache sends no mail; the log collector can"),
    }
)

_UPLOAD_PURGING = Keys(
    {
        "enabled": Ignored("unfinished downloads are always removed once they are old", unless=(True,)),
        "age": Honoured(duration(), 24 * 3600.0),
        "interval": Accepted(),
        "dryrun": Ignored("unfinished downloads are really removed", unless=(False,)),
    }
)

OTHER_DRIVERS = ("s3", "s3aws", "azure", "gcs", "swift", "oss", "rados")
_STORAGE = Keys(
    {
        "filesystem": Keys(
            {
                "rootdirectory": Honoured(absolute_path, Path("/var/lib/registry")),
                "maxthreads": Ignored("this cache sizes its own thread pools"),
            }
        ),
        "inmemory": Keys({}),  # rules.py looks whether it is there
        **dict.fromkeys(OTHER_DRIVERS, _ON_DISK),
        "delete": Keys({"enabled": Honoured(boolean, False)}),
        "redirect": Accepted(),
        "cache": Keys({"blobdescriptor": _ON_FILES, "layerinfo": _ON_FILES, "blobdescriptorsize": Accepted()}),
        "maintenance": Keys(
            {"readonly": Keys({"enabled": Honoured(boolean, False)}), "uploadpurging": _UPLOAD_PURGING}
        ),
        "tag": Accepted(),
    },
    unknown=_ON_DISK,
    short=True,
)

_TLS = Keys(
    {
        "certificate": Honoured(absolute_path),
        "key": Honoured(absolute_path),
        "clientcas": Honoured(_PEM_PATHS, ()),
        "clientauth": Honoured(_CLIENT_AUTH),
        "minimumtls": Honoured(word("tls1.2", "tls1.3"), "tls1.2"),
        "ciphersuites": Honoured(list_of(cipher_suite, "IANA cipher suite names"), ()),
        "letsencrypt": _NO_ACME,
    }
)

_HTTP = Keys(
    {
        "addr": Honoured(text, required="an address such as :5000"),
        "net": Honoured(word("tcp", "unix"), "tcp"),
        "host": Honoured(external_url, ""),
        "prefix": Honoured(url_prefix, "/"),
        "secret": Accepted(),
        "relativeurls": Accepted(),
        "draintimeout": Honoured(duration(zero=True), 30.0),
        "headers": Honoured(headers, ()),
        "tls": _TLS,
        "debug": Keys(
            {
                "addr": Honoured(listen_address),
                "prometheus": Keys({"enabled": Honoured(boolean, False), "path": Honoured(url_path, "/metrics")}),
            }
        ),
        "http2": Accepted(),
        "h2c": Keys({"enabled": Ignored("this cache speaks HTTP/1.1", unless=(False,))}),
    }
)

_FILE_CHECK = Keys({"file": Honoured(absolute_path, required="an absolute path"), "interval": _INTERVAL})
_HTTP_CHECK = Keys(
    {
        "uri": Honoured(check_url, required="a URL such as https://dtr.example.com/_ping"),
        "headers": Honoured(headers, ()),
        "statuscode": Honoured(integer(100, 599), 200),
        "timeout": _TIMEOUT,
        "interval": _INTERVAL,
        "threshold": _THRESHOLD,
    }
)
_TCP_CHECK = Keys(
    {
        "addr": Honoured(check_target, required="host:port, such as dtr.example.com:443"),
        "timeout": _TIMEOUT,
        "interval": _INTERVAL,
        "threshold": _THRESHOLD,
    }
)
_STORAGE_CHECK = Keys(
    {"enabled": Honoured(boolean, False), "interval": _INTERVAL, "threshold": Honoured(integer(0, 1000), 3)}
)

SCHEMA = Keys(
    {
        "version": Honoured(word("0.1"), required="0.1"),
        "loglevel": Honoured(_LEVEL),  # deprecated by the registry in favour of log.level, and still read
        "log": _LOG,
        "storage": _STORAGE,
        "auth": Keys(
            {"none": Accepted(), **dict.fromkeys(("silly", "token", "htpasswd"), _NO_AUTH)},
            unknown=_NO_AUTH,
            short=True,
        ),
        "middleware": Keys(
            {
                "registry": Each(_MIDDLEWARE, switch=True),
                "repository": _FOREIGN_MIDDLEWARE,
                "storage": _FOREIGN_MIDDLEWARE,
            }
        ),
        "http": _HTTP,
        "health": Keys(
            {
                "storagedriver": _STORAGE_CHECK,
                "file": Each(_FILE_CHECK),
                "http": Each(_HTTP_CHECK),
                "tcp": Each(_TCP_CHECK),
            }
        ),
        "proxy": Keys(
            {
                "remoteurl": _NO_PROXY,
                **dict.fromkeys(("username", "password", "exec", "ttl", "cachewritetimeout"), _BY_DOWNSTREAM),
            }
        ),
        "notifications": Ignored("this cache sends no notifications"),
        "redis": Ignored("this cache keeps nothing in Redis"),
        "reporting": Ignored("this cache reports to no service; http.debug offers metrics"),
        "catalog": Accepted(),
        "tags": Accepted(),
        "validation": Accepted(),
        "policy": Accepted(),
        "compatibility": Accepted(),
    }
)
