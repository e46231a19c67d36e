"""Give the installed cache the number 0.2.0, its compiled file included. Runs inside the image, while that is built."""

from __future__ import annotations

import compileall
import pathlib
import py_compile
import re

module = pathlib.Path("/opt/dtr-content-cache/dtr_content_cache/__init__.py")
text, replaced = re.subn(r'(?m)^__version__ = ".*"$', '__version__ = "0.2.0"', module.read_text())
if replaced != 1:
    raise SystemExit(f"{module}: found {replaced} lines with the version, wanted one")
module.write_text(text)
unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH  # as the image's own files are compiled
compileall.compile_file(str(module), force=True, quiet=1, invalidation_mode=unchecked)
