"""The command line: serve, --check, --probe, --version.

Rule for editors: what only some of these need is imported where it is needed; loading everything takes half a second.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .values.failures import ConfigurationRefused, StorageBroken

if TYPE_CHECKING:
    from .settings.model import Settings

EXIT_OK, EXIT_REFUSED, EXIT_USAGE = 0, 1, 2


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dtr-content-cache",
        description="A content cache for Docker Trusted Registry. Serves until SIGTERM, then drains.",
    )
    parser.add_argument("config", nargs="?", help="the configuration file; or set REGISTRY_CONFIGURATION_PATH")
    parser.add_argument("--check", action="store_true", help="say every mistake in the file and stop: 0 none, 1 some")
    parser.add_argument("--probe", action="store_true", help="is the running cache of this file healthy? 0 yes, 1 no")
    parser.add_argument("--fresh", action="store_true", help="with --probe: can it reach and trust an upstream now?")
    parser.add_argument("--version", action="version", version=f"dtr-content-cache {__version__}")
    arguments = parser.parse_args(argv)
    arguments.config = arguments.config or os.environ.get("REGISTRY_CONFIGURATION_PATH")
    if arguments.fresh and not arguments.probe:
        parser.error("--fresh goes with --probe")
    if not arguments.config:
        parser.error("name the configuration file, or set REGISTRY_CONFIGURATION_PATH")
    return arguments


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(sys.argv[1:] if argv is None else argv)
    from .settings import load

    try:
        settings = load(Path(arguments.config), os.environ)
    except ConfigurationRefused as refused:
        print("\n".join(refused.mistakes), file=sys.stderr)
        return EXIT_REFUSED
    if arguments.check:
        for warning in settings.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        print(f"{arguments.config}: good")
        return EXIT_OK
    if arguments.probe:
        from .probe import probe

        problem = probe(settings, fresh=arguments.fresh)
        print(problem or "healthy", file=sys.stderr if problem else sys.stdout)
        return EXIT_REFUSED if problem else EXIT_OK
    return _serve(settings)


def _serve(settings: Settings) -> int:
    from .life import serve
    from .web import early_loop

    async def serve_to_the_end() -> None:
        await serve(settings)
        # Every transfer has ended or was cut. A thread may still wait for a dead upstream or a dead disk: nobody needs
        # what it waits for, and neither the loop's end nor the interpreter's shall wait for it.
        sys.stdout.flush()
        os._exit(EXIT_OK)

    try:
        early_loop.run(serve_to_the_end())
    except ConfigurationRefused as refused:
        print("\n".join(refused.mistakes), file=sys.stderr)
        return EXIT_REFUSED
    except StorageBroken as broken:
        print(
            f"{settings.source}: storage.filesystem.rootdirectory: {settings.storage.root} cannot be used ({broken}); "
            "wanted a folder that this user may write to",
            file=sys.stderr,
        )
        return EXIT_REFUSED
    except OSError as error:
        print(f"{settings.source}: this system does not let it run: {error.strerror or error}", file=sys.stderr)
        return EXIT_REFUSED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
