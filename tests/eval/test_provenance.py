"""With what a run was made."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from eval.log import GitState
from eval.provenance import ANSWERING, SCORING, code_digest, git_state, machine, peak_memory_mb, versions
from rag import __version__

ROOT = Path(__file__).parents[2]


def git(folder: Path, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True, env=clean
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "a.py").write_text("a = 1\n")
    (folder / ".gitignore").write_text("*.log\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_versions_are_of_what_is_installed() -> None:
    found = versions()
    assert found["osler"] == __version__
    assert {"python", "numpy", "pydantic", "faiss-cpu"} <= found.keys()
    assert all(found.values())


def test_a_log_says_with_which_code_and_weights_it_was_scored() -> None:
    assert versions()["code"] == code_digest(*SCORING) != code_digest()
    matched = {path.relative_to(ROOT).as_posix() for pattern in SCORING for path in ROOT.glob(pattern)}
    assert {"eval/judges/matcher.json", "eval/judges/prompts/rubric.md", "eval/measures/kqa.py"} <= matched


def test_a_clean_checkout(checkout: Path) -> None:
    assert git_state(checkout) == GitState(commit=git(checkout, "rev-parse", "HEAD"), dirty=False)


def test_a_changed_or_unknown_file_makes_it_dirty(checkout: Path) -> None:
    (checkout / "run.log").write_text("ignored\n")
    assert git_state(checkout).dirty is False
    (checkout / "b.py").write_text("b = 2\n")
    assert git_state(checkout).dirty is True
    (checkout / "b.py").unlink()
    (checkout / "a.py").write_text("a = 2\n")
    assert git_state(checkout).dirty is True


def test_outside_a_checkout_nothing_is_known(tmp_path: Path) -> None:
    assert git_state(tmp_path) == GitState()


def test_a_folder_within_a_checkout_is_not_taken_for_it(checkout: Path) -> None:
    (checkout / "site-packages").mkdir()
    assert git_state(checkout / "site-packages") == GitState()


def test_a_checkout_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert git_state(tmp_path) == GitState()


def test_without_git_nothing_is_known(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert git_state(checkout) == GitState()


def test_a_hook_of_another_checkout_does_not_matter(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(checkout / "elsewhere"))
    assert git_state(checkout).commit == git(checkout, "rev-parse", "HEAD")


def test_the_digest_is_of_the_code_that_answers() -> None:
    matched = {path.relative_to(ROOT).as_posix() for pattern in ANSWERING for path in ROOT.glob(pattern)}
    assert {"rag/pipeline.py", "rag/clinical/lexicon.tsv", "eval/systems/osler.py", "eval/article.py"} <= matched
    assert len(code_digest()) == 16


def test_the_digest_changes_with_the_code_and_its_places(tmp_path: Path) -> None:
    codes = [{"a.py": "1"}, {"a.py": "2"}, {"b.py": "1"}, {"a.py": "1", "b/c.tsv": "1"}, {"a.json": "1"},
             {"a.py": "1", "log.txt": "1"}]  # fmt: skip
    digests = []
    for number, files in enumerate(codes):
        root = tmp_path / str(number)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        digests.append(code_digest("**/*", root=root))
    assert len(set(digests[:5])) == 5
    assert digests[5] == digests[0], "what is no code does not count"


def test_the_machine_is_described() -> None:
    described = machine()
    assert described["cpus"] >= 1
    assert json.loads(json.dumps(described)) == described


def test_memory_only_grows() -> None:
    before = peak_memory_mb()
    held = bytearray(64 * 2**20)
    held[:: 2**12] = b"x" * len(held[:: 2**12])
    assert 10 < before <= peak_memory_mb()
    assert peak_memory_mb() < 100_000
