"""Noticing that a file is another one."""

import asyncio
import os
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.watched_file import WatchedFile
from tests.gateway.patience import LONG_S

SOON_S = 0.01


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("one")
    return path


def watched(path: Path) -> WatchedFile:
    file = WatchedFile(path, look_every_s=SOON_S)
    file.read()
    return file


async def is_noticed(file: WatchedFile, within_s: float = LONG_S) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await file.changed()
    except TimeoutError:
        return False
    return True


def test_a_file_that_stays_is_not_changed(path: Path) -> None:
    assert not asyncio.run(is_noticed(watched(path), within_s=20 * SOON_S))


def test_another_content_is_noticed(path: Path) -> None:
    file = watched(path)
    path.write_text("another")

    assert asyncio.run(is_noticed(file))


def test_a_file_put_in_its_place_is_noticed_even_with_the_same_size_and_time(path: Path) -> None:
    file = watched(path)
    other = path.with_name("other")
    other.write_text("two")
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    os.utime(other, ns=times)
    other.replace(path)

    assert asyncio.run(is_noticed(file))


def test_a_link_that_leads_elsewhere_is_noticed(tmp_path: Path) -> None:
    """As mounted configuration does it: the file is a link through a folder that is exchanged."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text(folder)
    current = tmp_path / "current"
    current.symlink_to("a")
    file = watched(current / "file")
    new = tmp_path / "new"
    new.symlink_to("b")
    new.replace(current)

    assert asyncio.run(is_noticed(file))
    assert file.read() == b"b"


def test_a_file_that_is_still_being_written_is_left_alone(path: Path) -> None:
    file = watched(path)

    async def story() -> bool:
        noticing = asyncio.create_task(is_noticed(file))
        text = ""
        while len(text) < 20:
            text += "x"
            path.write_text(text)
            await asyncio.sleep(SOON_S / 2)
            assert not noticing.done()
        return await noticing

    assert asyncio.run(story())


def test_asked_for_it_looks_at_once() -> None:
    async def story() -> None:
        file = WatchedFile(Path("/nowhere"), look_every_s=3600)
        file.look_now()
        await file.changed()

    asyncio.run(asyncio.wait_for(story(), LONG_S))


def test_a_file_that_is_gone_and_comes_back_is_noticed_each_time(path: Path) -> None:
    async def story() -> list[bool]:
        file = watched(path)
        path.unlink()
        gone = await is_noticed(file)
        with pytest.raises(SettingsError, match="cannot be read: No such file"):
            file.read()
        still_gone = await is_noticed(file, within_s=20 * SOON_S)
        path.write_text("one")
        return [gone, still_gone, await is_noticed(file)]

    assert asyncio.run(story()) == [True, False, True]
