"""The files of a project: which are looked at, in which order, and which file a name is imported from."""

from collections.abc import Iterator
from pathlib import Path

from fastauth.cli.finding.modules import Imported, Module, read_module

FILES = ("main.py", "app.py", "config.py", "settings.py", "db.py", "database.py", "models.py")
_NEVER = frozenset(
    {"tests", "test", "migrations", "alembic", "docs", "examples", "scripts", "venv", "env", "node_modules"}
)


class Project:
    """The modules of one folder, each read once.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root: Path = root.resolve()
        self.notes: list[str] = []
        self._modules: dict[Path, Module | None] = {}

    def files(self, named: Path | None) -> Iterator[Path]:
        """Return the files to look at: the one that is named, then the usual ones, here, in packages and in src."""
        seen: set[Path] = set()
        folders = [self.root, *_packages(self.root), self.root / "src", *_packages(self.root / "src")]
        candidates = [folder / name for folder in folders for name in FILES]
        for path in ([named.resolve()] if named is not None else []) + candidates:
            if path not in seen and path.is_file():
                seen.add(path)
                yield path

    def module(self, path: Path) -> Module | None:
        """Return the module in this file; None, with a note, when it cannot be read."""
        if path not in self._modules:
            module = read_module(path, self._label(path))
            if isinstance(module, str):
                self.notes.append(module)
            self._modules[path] = None if isinstance(module, str) else module
        return self._modules[path]

    def imported(self, what: Imported, by: Module) -> Module | None:
        """Return the module of the project that an import names; None when it is not one of the project's."""
        parts = what.module.split(".") if what.module else []
        for folder in self._search_path(by.path, what.level):
            path = folder.joinpath(*parts)
            for file in (path.with_name(path.name + ".py"), path / "__init__.py"):
                if file.is_file() and file.resolve().is_relative_to(self.root):
                    return self.module(file.resolve())
        return None

    def submodule(self, package: Module, name: str) -> Module | None:
        """Return the module of this name in the package, or None."""
        if package.path.name != "__init__.py":
            return None
        return self.imported(Imported(name, 1, None), package)

    def dotted(self, path: Path) -> str:
        """Return the name by which the module in this file is imported."""
        parts = [path.stem]
        folder = path.parent
        while (folder / "__init__.py").is_file() and folder != self.root.parent:
            parts.insert(0, folder.name)
            folder = folder.parent
        return ".".join(parts)

    def _search_path(self, path: Path, level: int) -> list[Path]:
        if level:
            return [path.parents[level - 1]] if level <= len(path.parents) else []
        folder = path.parent
        while (folder / "__init__.py").is_file():
            folder = folder.parent
        return list(dict.fromkeys([folder, self.root, self.root / "src"]))

    def _label(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def _packages(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.name.isidentifier()
        and path.name not in _NEVER
        and ((path / "__init__.py").is_file() or (path.name in {"app", "backend", "api"} and path.is_dir()))
    )
