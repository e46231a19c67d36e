"""Sphinx's settings for the documentation's site. docs.sh lays the sources out and names this folder (-c).

Rule for editors: nothing is fetched while building or reading, so no theme, font or script from elsewhere."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = "dtr.caches"
version = release = os.environ.get("DOCS_VERSION", "")
copyright = "The dtr.caches maintainers"
extensions = ["sphinx_antsibull_ext", "myst_parser", "sequence_directive", "repository_links"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
html_theme = "furo"
html_title = f"dtr.caches {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
pygments_style, pygments_dark_style = "friendly", "monokai"
