"""Names of a package that are imported when they are first asked for, and what Keras must know all the same."""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_REGISTERED_ROOMS = ("layers", "losses", "metrics")


def register_classes() -> None:
    """Register layers, losses and metrics with Keras, so that `.keras` files open; not where nothing imported it."""
    if sys.modules.get("keras") is not None:
        for room in _REGISTERED_ROOMS:
            importlib.import_module(f"keras_seq.{room}")


def lazy_imports(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package, for what it imports below `if TYPE_CHECKING:`.

    Readers and type checkers see ordinary imports; a program waits for those alone that it uses. No name may be that of
    a module of the package: Python puts the module in its place. Importing the package calls `register_classes`.

    Args:
        package: the name of the package.
        file: its `__init__.py`.

    Example:
        >>> import keras_seq.tasks
        >>> keras_seq.tasks.Family.__module__
        'keras_seq.tasks.registry'

    Reference:
        PEP 562.
    """
    register_classes()
    places = {
        name.asname or name.name: (str(node.module), name.name)
        for block in ast.parse(Path(file).read_text(encoding="utf-8")).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = places[name]
        return getattr(importlib.import_module(module), attribute)

    return get, lambda: sorted({*places, *vars(importlib.import_module(package))})
