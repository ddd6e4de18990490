"""What the tests of object storage share."""

from pathlib import Path

import pytest

from lcoins.data import pack_writer, storage


@pytest.fixture
def quick_and_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are tried again at once, shards hold two photos, and each test has a small cache of its own."""
    monkeypatch.setattr(storage, "WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(pack_writer, "PHOTOS_PER_SHARD", 2)
    monkeypatch.setenv("LCOINS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LCOINS_CACHE_GIB", "0.01")
