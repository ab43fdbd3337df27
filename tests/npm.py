"""Programs from npm that tests use; each is installed once, in a folder that git ignores."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

_TOOLS = Path(__file__).parents[1] / ".tools"


def installed(name: str, version: str) -> Path:
    """The ``node_modules`` with a package of exactly this version; some seconds when it is not there yet."""
    folder = _TOOLS / f"{name.rpartition('/')[2]}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
            subprocess.run(["npm", "install", *options, f"{name}@{version}"], check=True)
            (folder / "installed").touch()
    return folder / "node_modules"
