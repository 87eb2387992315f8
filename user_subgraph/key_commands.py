"""`keys list`, `keys rotate` and `keys retire`: what an operator does with the signing keys while services run."""

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from user_subgraph.clock import utc_now
from user_subgraph.errors import CommandRefused
from user_subgraph.key_rotation import KeyLife, KeyRotation, KeyState
from user_subgraph.settings import Settings
from user_subgraph.signing_keys import SigningKey, alone_with, create_key, key_files, load_keys


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    keys = commands.add_parser("keys", help="list, rotate and retire signing keys, while services run")
    actions = keys.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="every key, and what it is for at the moment")
    rotate = actions.add_parser(
        "rotate", help="add a key, which signs once verifiers have had time to learn it"
    )
    rotate.add_argument(
        "--if-older-than", type=int, metavar="SECONDS", help="only if the newest key is older than that"
    )
    retire = actions.add_parser("retire", help="delete the keys of which no valid token is left")
    # Not by its kid, which may begin with a hyphen as an option does.
    retire.add_argument(
        "file", nargs="?", help="this key instead, whatever it is for: its tokens are refused from now on"
    )


def keys(settings: Settings, options: argparse.Namespace) -> None:
    now = utc_now()
    match options.action:
        case "list":
            _list(settings, now)
        case "rotate":
            rotate(settings, now, options.if_older_than)
        case _:
            retire(settings, now, options.file)


def _list(settings: Settings, now: datetime) -> None:
    for key, life in _with_lives(settings):
        print(f"{key.kid}  {_told(life, now)}  {key.file}")


def rotate(settings: Settings, now: datetime, if_older_than_s: int | None = None) -> None:
    """Add a key; or the first one, which signs at once."""
    folder = settings.signing_keys_dir
    with alone_with(folder):
        if if_older_than_s is not None and key_files(folder):
            age = now - load_keys(folder)[-1].made_at
            if age < timedelta(seconds=if_older_than_s):
                return
        made = create_key(folder, now)
        (told,) = (_told(life, now) for key, life in _with_lives(settings) if key.file == made)
    print(f"{made}: {told}")


def retire(settings: Settings, now: datetime, file: str | None = None) -> None:
    """Raises `CommandRefused` for a key that is not there, and for the only one."""
    with alone_with(settings.signing_keys_dir):
        found = _with_lives(settings)
        if file is None:
            chosen = [key for key, life in found if life.state(now) is KeyState.RETIRED]
        else:
            chosen = [key for key, _ in found if key.file.name == Path(file).name]
            if not chosen:
                raise CommandRefused(f"There is no key {file}: `keys list` tells which there are.")
        if len(chosen) == len(found):
            raise CommandRefused(
                "This is the only key, without which nobody can log in: `keys rotate` first."
            )
        for key in chosen:
            key.file.unlink()
            print(f"{key.kid}  deleted  {key.file}")


def _with_lives(settings: Settings) -> Sequence[tuple[SigningKey, KeyLife]]:
    found = load_keys(settings.signing_keys_dir)
    rotation = KeyRotation.of_tokens_living(settings.access_token_ttl_s)
    return list(zip(found, rotation.lives([key.made_at for key in found]), strict=True))


def _told(life: KeyLife, now: datetime) -> str:
    match life.state(now):
        case KeyState.ANNOUNCED:
            return f"announced, signs from {_time(life.signs_from)}"
        case KeyState.SIGNING:
            return f"signing until {_time(life.signs_until)}" if life.signs_until else "signing"
        case KeyState.VERIFYING:
            return f"verifying until {_time(life.verifies_until)}"
        case KeyState.RETIRED:
            return f"retired since {_time(life.verifies_until)}"


def _time(when: datetime | None) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}" if when else ""
