"""The protocol's inspector, from npm, in its command-line mode; it is installed once, in a folder that git ignores.

The last version of its first generation: the second needs a newer node than Debian's, this one only for its web page.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import npm

VERSION: Final = "1.0.3"


def installed() -> Path:
    """The program, of some 160 MB."""
    return npm.installed("@modelcontextprotocol/inspector", VERSION) / ".bin" / "mcp-inspector"


def inspected(program: Path, server: list[str], method: str, *options: str, **environment: str) -> Any:
    """What the inspector prints of a method: a server is a command, or an address with what goes with it."""
    command = [str(program), "--cli", *server, "--method", method, *options]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
