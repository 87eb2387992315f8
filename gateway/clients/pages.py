"""The built pages of the front end: GraphiQL, others that lie beside it, and the files they load."""

import mimetypes
import os.path
import re
from dataclasses import dataclass
from pathlib import Path

NOT_BUILT = b"""GraphiQL is not built yet. From the repository root:

    npm --prefix frontend ci && npm --prefix frontend run build

or let FRONTEND_DIR name the folder that holds graphiql.html.
"""

ENCODED_ENDINGS = {"br": ".br", "gzip": ".gz"}
"""Content codings, and how the build names a file that is encoded so; the smallest first."""

PAGE_PATH = re.compile(r"(/[a-z0-9-]+)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    body: bytes
    content_type: str
    cache_control: str = "no-cache"
    content_encoding: str | None = None
    varies: bool = False
    """Whether somebody who takes other codings might have got another body."""


class Pages:
    """Finds files below one folder, and never outside of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def find(self, url_path: str, accept_encoding: str = "") -> Page | None:
        """The page *a/b.html* has the address */a/b*; which ones there are is the build's to say."""
        if PAGE_PATH.fullmatch(url_path) and (page := self._page(url_path, accept_encoding)):
            return page
        if url_path.startswith("/assets/") and not url_path.endswith(tuple(ENCODED_ENDINGS.values())):
            # Vite names assets after their content, so a name never gets another content.
            name = url_path.removeprefix("/")
            return self._read(name, "public, max-age=31536000, immutable", accept_encoding)
        return None

    def _page(self, url_path: str, accept_encoding: str) -> Page | None:
        built = self._read(f"{url_path.removeprefix('/')}.html", "no-cache", accept_encoding)
        if built is None and url_path == "/graphiql":
            return Page(503, NOT_BUILT, "text/plain; charset=utf-8")
        return built

    def _read(self, name: str, cache_control: str, accept_encoding: str) -> Page | None:
        file = self._file(name)
        if file is None:
            return None
        guessed = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        is_text = guessed.startswith("text/") or guessed in {"application/javascript", "application/json"}
        content_type = guessed + ("; charset=utf-8" if is_text else "")
        coding, sent = self._encoded(name, accept_encoding) or (None, file)
        return Page(200, sent.read_bytes(), content_type, cache_control, coding, varies=True)

    def _encoded(self, name: str, accept_encoding: str) -> tuple[str, Path] | None:
        """The file that the build has encoded as the client likes best, if it likes any."""
        for coding in _acceptable(accept_encoding):
            if file := self._file(name + ENCODED_ENDINGS[coding]):
                return coding, file
        return None

    def _file(self, name: str) -> Path | None:
        if "\0" in name:
            return None
        file = (self._folder / name).resolve()
        # Not `file.is_file()`, which raises for a name that is too long for a file.
        return file if file.is_relative_to(self._folder) and os.path.isfile(file) else None  # noqa: PTH113


def _acceptable(accept_encoding: str) -> list[str]:
    """Those of our codings that the client takes, what it prefers first. Source: RFC 9110, section 12.5.3."""
    weights = dict(_weighted(each) for each in accept_encoding.lower().split(","))
    others = weights.get("*", 0.0)
    ours = {coding: weights.get(coding, others) for coding in ENCODED_ENDINGS}
    return sorted((coding for coding in ours if ours[coding] > 0), key=lambda coding: -ours[coding])


def _weighted(text: str) -> tuple[str, float]:
    coding, _, weight = (each.strip() for each in text.partition(";"))
    try:
        return coding, float(weight.removeprefix("q=")) if weight else 1.0
    except ValueError:
        return coding, 0.0
