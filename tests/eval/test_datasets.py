"""What every loader of an evaluation set does, on tiny examples in the owners' form and in the prepared form."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dataset_examples import PREPARED, PUBLISHED, Files, write

import eval.datasets.catalogue as catalogue
from eval.datasets import prepared
from eval.datasets.catalogue import DATASETS, load
from rag.errors import InputError

EXAMPLES = [
    pytest.param(name, files, id=f"{name}-{form}")
    for form, examples in (("published", PUBLISHED), ("prepared", PREPARED))
    for name, files in examples.items()
]
#: What is put at the end of a file to break it, by how its name ends.
BROKEN = {
    ".jsonl": '{"_id": \n',
    ".csv": "a row too short\n",
    ".tsv": "no tabs\n",
    ".json": "]",
    ".xml": "<",
    ".txt": "?",
}
READ_CORPUS = {"scifact", "pubmedqa"}


def test_every_set_has_an_example() -> None:
    assert set(PUBLISHED) | {"scholarqa"} == set(DATASETS)
    assert set(PREPARED) <= set(DATASETS)


@pytest.mark.parametrize(("name", "files"), EXAMPLES)
def test_items_are_whole(name: str, files: Files, tmp_path: Path) -> None:
    loaded = load(name, write(files, tmp_path))
    assert len(loaded.items) > 1
    assert len({item.item_id for item in loaded.items}) == len(loaded.items)
    for item in loaded.items:
        texts = [item.question, item.kind, item.cluster, *item.evidence, *item.gold.answers, *item.gold.evidence]
        assert all(text == text.strip() for text in texts)
        assert all([item.question, *item.evidence, *item.gold.answers, *item.gold.evidence])


@pytest.mark.parametrize(("name", "files"), EXAMPLES)
def test_a_set_says_what_it_is(name: str, files: Files, tmp_path: Path) -> None:
    loaded = load(name, write(files, tmp_path))
    assert loaded.name.partition("/")[0] == name
    assert loaded.description
    assert loaded.licence
    assert re.match(r"https?://\S+", loaded.source)
    assert loaded.corpus is None or loaded.corpus.is_file()


@pytest.mark.parametrize(("name", "files"), EXAMPLES)
def test_digest_is_of_the_items_wherever_they_lie(name: str, files: Files, tmp_path: Path) -> None:
    first = load(name, write(files, tmp_path / "one"))
    again = load(name, write(files, tmp_path / "two"))
    assert re.fullmatch(r"[0-9a-f]{16}", first.digest)
    assert (first.digest, first.items) == (again.digest, again.items)


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_is_an_error_that_says_where_to_get_the_data(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(DATASETS[name].about().source)):
        load(name, tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_a_missing_folder_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        load(name, tmp_path / "nowhere")


@pytest.mark.parametrize(("name", "files"), EXAMPLES)
def test_a_broken_file_is_named_with_its_line(name: str, files: Files, tmp_path: Path) -> None:
    for broken, content in files.items():
        if broken == prepared.CORPUS and name not in READ_CORPUS:
            continue  # only an index is built from it
        folder = write(files | {broken: content + BROKEN[Path(broken).suffix]}, tmp_path)
        with pytest.raises(InputError, match=rf"{re.escape(Path(broken).name)}.* line \d+"):
            load(name, folder)


@pytest.mark.parametrize(("name", "files"), EXAMPLES)
def test_a_file_that_is_not_utf8_is_named(name: str, files: Files, tmp_path: Path) -> None:
    folder = write(files, tmp_path)
    broken = next(iter(files)) if prepared.QUERIES not in files else prepared.QUERIES
    (folder / broken).write_bytes(b"\xff\xfe{}\n")
    with pytest.raises(InputError, match=re.escape(Path(broken).name)):
        load(name, folder)


@pytest.mark.parametrize("name", ["kqa", "healthver", "bioasq", "scifact"])
def test_one_label_changes_the_digest(name: str, tmp_path: Path) -> None:
    files = PREPARED[name]
    other = {path: text.replace("toy", "top").replace("Refutes", "Neutral") for path, text in files.items()}
    other = {path: text.replace('"label": "SUPPORT"', '"label": "CONTRADICT"') for path, text in other.items()}
    assert load(name, write(files, tmp_path / "one")).digest != load(name, write(other, tmp_path / "two")).digest


def test_an_id_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    folder = write(PUBLISHED["bioasq"], tmp_path)
    shutil.copy(folder / "training.json", folder / "golden.json")
    with pytest.raises(InputError, match=r"'bioasq-a1' is there 2 times"):
        load("bioasq", folder)


def test_a_set_without_items_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no items"):
        load("kqa", write({"questions_w_answers.jsonl": ""}, tmp_path))


def test_an_unknown_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'frogs' is unknown; there are alce, .*scifact"):
        load("frogs", tmp_path)


def test_listing_the_names_imports_no_loader() -> None:
    code = "import sys, eval.datasets.catalogue as c; list(c.DATASETS); print('eval.datasets.scifact' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_names_are_those_of_the_modules() -> None:
    assert [about.name for about in catalogue.describe()] == list(DATASETS)


def test_readme_has_the_table() -> None:
    readme = (Path(catalogue.__file__).parent / "README.md").read_text("utf-8")
    assert catalogue.table() in readme, "replace the table by what eval.datasets.catalogue.table() gives"
