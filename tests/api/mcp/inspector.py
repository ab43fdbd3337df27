"""The protocol's inspector, from npm, in its command-line mode; it is installed once, in a folder that git ignores.

The last version of its first generation: the second needs a newer node than Debian's, this one only for its web page.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

VERSION: Final = "1.0.3"
_FOLDER: Final = Path(__file__).parents[3] / ".tools" / f"mcp-inspector-{VERSION}"


def installed() -> Path:
    """The program; some 15 seconds and 160 MB when it is not there yet."""
    program = _FOLDER / "node_modules" / ".bin" / "mcp-inspector"
    done = _FOLDER / "installed"
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(_FOLDER)]
            subprocess.run(["npm", "install", *options, f"@modelcontextprotocol/inspector@{VERSION}"], check=True)
            done.touch()
    return program


def inspected(program: Path, server: list[str], method: str, *options: str, **environment: str) -> Any:
    """What the inspector prints of a method: a server is a command, or an address with what goes with it."""
    command = [str(program), "--cli", *server, "--method", method, *options]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
