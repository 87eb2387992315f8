"""The built pages of the front end: GraphiQL and the files it loads."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path

NOT_BUILT = b"""GraphiQL is not built yet. From the repository root:

    npm --prefix frontend ci && npm --prefix frontend run build

or let FRONTEND_DIR name the folder that holds graphiql.html.
"""


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    body: bytes
    content_type: str
    cache_control: str = "no-cache"


class Pages:
    """Finds files below one folder, and never outside of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def find(self, url_path: str) -> Page | None:
        if url_path == "/graphiql":
            return self._read("graphiql.html", "no-cache") or Page(
                503, NOT_BUILT, "text/plain; charset=utf-8"
            )
        if url_path.startswith("/assets/"):
            # Vite names assets after their content, so a name never gets another content.
            return self._read(url_path.removeprefix("/"), "public, max-age=31536000, immutable")
        return None

    def _read(self, name: str, cache_control: str) -> Page | None:
        if "\0" in name:
            return None
        file = (self._folder / name).resolve()
        if not file.is_relative_to(self._folder) or not file.is_file():
            return None
        guessed = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        is_text = guessed.startswith("text/") or guessed in {"application/javascript", "application/json"}
        return Page(200, file.read_bytes(), guessed + ("; charset=utf-8" if is_text else ""), cache_control)
