"""The guard that keeps the tests off the network must itself hold."""

import socket
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("192.0.2.1", 80)),  # reserved for documentation, RFC 5737
        (socket.AF_INET6, ("2001:db8::1", 80, 0, 0)),
        (socket.AF_INET, ("hub.example", 443)),
    ],
)
def test_connection_to_another_machine_is_refused(family: socket.AddressFamily, address: tuple) -> None:
    with socket.socket(family) as outgoing:
        for connect in (outgoing.connect, outgoing.connect_ex):
            with pytest.raises(PermissionError, match="beyond this machine"):
                connect(address)


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as outgoing:
        outgoing.connect(server.getsockname())


def test_unix_socket_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a short relative name: the path of such a socket may not exceed about 100 bytes
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as outgoing:
        server.bind("here")
        server.listen()
        outgoing.connect("here")


def test_run_folder_is_apart_from_the_current_folder(run_folder: Path) -> None:
    assert run_folder.is_absolute() and not run_folder.exists()
    assert not run_folder.is_relative_to(Path.cwd())
