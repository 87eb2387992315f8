"""Pages and assets go out as the build has compressed them, to clients that take them so."""

import gzip
from pathlib import Path

import httpx
import pytest

from gateway.settings import Settings
from tests.gateway.patience import LONG_S
from tests.gateway.running_gateway import running_gateway, serving_subgraphs
from tests.gateway.test_http import Reply, call

HTML, SCRIPT = b"<title>GraphiQL</title>", b"let a;"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Files as the build lays them, but for the Brotli ones, which nobody here could read."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    for name, content in (("graphiql.html", HTML), ("assets/app-1.js", SCRIPT)):
        (folder / name).write_bytes(content)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        (folder / f"{name}.br").write_bytes(b"br of " + content)
    (folder / "assets" / "dot-1.svg").write_bytes(b"<svg/>")
    (folder / "assets" / "dot-1.svg.gz").write_bytes(gzip.compress(b"<svg/>"))
    (folder / "assets" / "plain-1.svg").write_bytes(b"<svg/>")
    return folder


def get(dist: Path, path: str, accept_encoding: str) -> Reply:
    return call("GET", path, settings=Settings(frontend_dir=dist), accept_encoding=accept_encoding)


@pytest.mark.parametrize(("path", "content"), [("/graphiql", HTML), ("/assets/app-1.js", SCRIPT)])
def test_a_compressed_file_is_the_same_resource_in_another_coding(
    dist: Path, path: str, content: bytes
) -> None:
    plain, zipped = get(dist, path, ""), get(dist, path, "gzip")

    assert (plain.body, gzip.decompress(zipped.body)) == (content, content)
    assert "content-encoding" not in plain.headers
    assert zipped.headers == plain.headers | {
        "content-encoding": "gzip",
        "content-length": str(len(zipped.body)),
        "x-request-id": zipped.headers["x-request-id"],
    }


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("GZIP", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.2", "br"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("", None),
        ("identity", None),
        ("deflate, zstd", None),
        ("gzip;q=0", None),
        ("gzip;q=0, br;q=nonsense, *;q=0", None),
        ("gzipped, ,;,brotli", None),
    ],
)
def test_the_client_chooses_the_coding(dist: Path, accept_encoding: str, coding: str | None) -> None:
    reply = get(dist, "/assets/app-1.js", accept_encoding)

    assert reply.headers.get("content-encoding") == coding
    assert reply.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(("name", "coding"), [("dot-1.svg", "gzip"), ("plain-1.svg", None)])
def test_what_the_build_has_not_compressed_is_not_compressed_for_the_client(
    dist: Path, name: str, coding: str | None
) -> None:
    reply = get(dist, f"/assets/{name}", "br, gzip")

    assert (reply.status, reply.headers.get("content-encoding")) == (200, coding)


@pytest.mark.parametrize("ending", [".gz", ".br"])
def test_a_compressed_file_has_no_address_of_its_own(dist: Path, ending: str) -> None:
    assert get(dist, f"/assets/app-1.js{ending}", "br, gzip").status == 404


def test_no_compressed_file_is_taken_from_outside_of_the_folder(dist: Path) -> None:
    secret = dist.parent / "secret.gz"
    secret.write_bytes(gzip.compress(b"secret"))
    (dist / "assets" / "plain-1.svg.gz").symlink_to(secret)

    reply = get(dist, "/assets/plain-1.svg", "gzip")

    assert (reply.body, reply.headers.get("content-encoding")) == (b"<svg/>", None)


def test_head_tells_what_get_would_bring(dist: Path) -> None:
    with (
        serving_subgraphs() as subgraphs,
        running_gateway(subgraphs, FRONTEND_DIR=str(dist)) as gateway,
        httpx.Client(
            base_url=gateway.url, headers={"accept-encoding": "gzip"}, trust_env=False, timeout=LONG_S
        ) as client,
    ):
        got, head = client.get("/assets/app-1.js"), client.head("/assets/app-1.js")

    assert (got.content, head.content) == (SCRIPT, b"")
    same = ("content-encoding", "content-length", "content-type", "cache-control", "vary")
    assert [head.headers[name] for name in same] == [got.headers[name] for name in same]
    assert head.headers["content-encoding"] == "gzip"
