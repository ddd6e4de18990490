"""Loading trained systems; that what is exported is loaded again is tested in tests/colorize/test_export.py."""

import subprocess
import sys


def test_loading_a_system_needs_no_photo_tool() -> None:
    """Training starts from packages and checkpoints, and must not import the rooms that read and color photos."""
    command = (
        "import sys, lcoins.models.checkpoint\n"
        "print([name for name in sys.modules if name.startswith(('lcoins.imaging', 'lcoins.colorize'))])"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
