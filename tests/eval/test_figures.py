"""Figures of logs as Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_logs import realistic_log

from eval.figures import main
from eval.log import write_log


def test_a_row_a_measure_or_a_row_a_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = realistic_log(30)
    write_log(log, tmp_path / "log.json")
    name = next(n for n, s in log.summaries.items() if s.n)
    assert main([str(tmp_path / "log.json"), "--measures", name]) == 0
    assert f"\n| {name} | " in capsys.readouterr().out
    assert main([str(tmp_path / "log.json"), "--kinds", "--measures", name]) == 0
    printed = capsys.readouterr().out
    assert f"| kind | items | {name} |" in printed
    assert all(f"\n| {kind} | " in printed for kind in log.by_kind)
