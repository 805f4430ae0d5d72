"""Python files: loading one as a module, and finding the place of what is wrong in it."""

from __future__ import annotations

import os
import re
import sys
from functools import cache, cached_property
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.errors import InputError, NotFound, Problem
from cloudmesh.flow.language.functions import codes
from cloudmesh.flow.language.pythonclass import loading
from cloudmesh.flow.language.source import Source, did_you_mean, files_beside

if TYPE_CHECKING:
    import ast

__all__ = ["PythonText", "code_hash", "file_of", "load_module", "python_text", "shown"]

_texts: dict[str, PythonText] = {}  # by file name as code objects have it


class PythonText:
    """The text of a Python file, parsed when the first place in it is asked for."""

    def __init__(self, text: str, file: str) -> None:
        self.source = Source(text, file)

    @cached_property
    def tree(self) -> ast.Module | None:
        import ast

        try:
            return ast.parse(self.source.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @cached_property
    def functions(self) -> dict[tuple[str, int], Any]:
        """Function definitions by name and first line (that of the first decorator)."""
        import ast

        found: dict[tuple[str, int], Any] = {}
        for node in ast.walk(self.tree) if self.tree else ():
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                found[node.name, first] = node
        return found

    def offset(self, line: int, column: int) -> int:
        """The offset of a place as `ast` gives it: the column counts bytes, from 0."""
        text = self.source.line(line).encode()[:column].decode(errors="replace")
        return self.source.offset(line, len(text) + 1)

    def problem_at(self, message: str, node: Any) -> Problem:
        """A problem with a node of the tree."""
        start = self.offset(node.lineno, node.col_offset)
        end = self.offset(node.end_lineno, node.end_col_offset)
        return self.source.problem(message, start, end)

    def function(self, code: Any) -> Any:
        """The definition that a code object comes from, or None."""
        return self.functions.get((code.co_name, code.co_firstlineno))

    def parameter_problem(self, message: str, code: Any, name: str) -> Problem:
        """A problem with a parameter of a function; at its name, where there is none such."""
        definition = self.function(code)
        if definition is None:
            return self.line_problem(message, code.co_firstlineno)
        a = definition.args
        given = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
        for argument in given:
            if argument is not None and argument.arg == name:
                return self.problem_at(message, argument)
        return self.name_problem(message, definition)

    def name_problem(self, message: str, definition: Any) -> Problem:
        """A problem with a function or class, at its name."""
        start = self.offset(definition.lineno, definition.col_offset)
        name = re.compile(rf"\b{definition.name}\b").search(self.source.text, start)
        at = name.start() if name else start
        return self.source.problem(message, at, at + len(definition.name))

    def word_problem(self, message: str, code: Any, word: str) -> Problem:
        """A problem with a word of the ``@task`` above a function; at its name, if it has none."""
        definition = self.function(code)
        if definition is None:
            return self.line_problem(message, code.co_firstlineno)
        for decorator in definition.decorator_list:
            for keyword in getattr(decorator, "keywords", ()):
                if keyword.arg == word:
                    return self.problem_at(message, keyword.value)
        return self.name_problem(message, definition)

    def attribute_problem(self, message: str, cls: str, name: str) -> Problem | None:
        """A problem with what a class assigns to an attribute; None where that is not seen."""
        import ast

        for node in ast.walk(self.tree) if self.tree else ():
            if not isinstance(node, ast.ClassDef) or node.name != cls:
                continue
            for line in node.body:
                if isinstance(line, ast.Assign):
                    targets = line.targets
                else:
                    targets = [line.target] if isinstance(line, ast.AnnAssign) else []
                if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                    return self.problem_at(message, line.value)  # type: ignore[attr-defined]
        return None

    def line_problem(self, message: str, line: int) -> Problem:
        """A problem with a whole line."""
        text = self.source.line(min(line, self.source.place(len(self.source.text))[0]))
        start = self.source.offset(line, len(text) - len(text.lstrip()) + 1)
        return self.source.problem(message, start, start + max(1, len(text.strip())))

    def literal(self, text: str, cls: str = "", line: int = 0) -> Source | None:
        """The source of a text that stands as a literal, in a class or from a line on."""
        import ast

        if self.tree is None:
            return None
        scope: Any = self.tree
        for node in ast.walk(self.tree):
            if cls and isinstance(node, ast.ClassDef) and node.name == cls:
                scope = node
                break
        for node in ast.walk(scope):
            if isinstance(node, ast.Constant) and node.value == text and node.lineno >= line:
                start = self.offset(node.lineno, node.col_offset)
                end = self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
                skip = 1  # the quote, and a prefix before it
                return Source.inside(self.source, start + skip, end, text)
        return None


def python_text(file: str) -> PythonText | None:
    """The text of a loaded file, or of any other one that code comes from."""
    if file in _texts:
        return _texts[file]
    import linecache

    lines = linecache.getlines(file)
    if not lines:
        return None
    _texts[file] = PythonText("".join(lines), shown(file))
    return _texts[file]


def code_hash(code: Any) -> str:
    """SHA-256 of the text that a code object comes from ("" where there is none)."""
    text = python_text(code.co_filename)
    if text is None:
        return ""
    sha256 = _sha256()
    last = max(line for inner in codes(code) for _, _, line in inner.co_lines() if line is not None)
    lines = [text.source.line(n) for n in range(code.co_firstlineno, last + 1)]
    return str(sha256("\n".join(lines).encode()).hexdigest())


@cache  # a module that is not there is looked for in all folders, each time
def _sha256() -> Any:
    """SHA-256 without `hashlib`, which loads OpenSSL: that takes longer than a small flow runs."""
    for name in ("_sha2", "_sha256", "hashlib"):  # Python 3.12 and newer; 3.11; anything else
        try:
            return __import__(name).sha256
        except ImportError:
            continue
    raise AssertionError("hashlib is part of Python")


def load_module(path: str) -> ModuleType:
    """Load a Python file as a module, anew each time.

    It is registered under a name made from the file's, so that what it defines
    can be pickled; its folder is put on the path, and stays there for the nodes.
    Raises `InputError` with the line for what is wrong in it.
    """
    path = os.path.abspath(path)
    raw = _read(path)
    text = PythonText(_decode(raw), shown(path))
    _texts[path] = text
    try:
        code = compile(raw, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise InputError(problems=[_syntax_problem(error, path)]) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(problems=[text.line_problem(f"not readable: {error}", 1)]) from None
    folder = os.path.dirname(path)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    module = ModuleType(_module_name(path))
    module.__file__ = path
    module.__dict__["__builtins__"] = __builtins__
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        _execute(code, module, path)
    except BaseException:
        if before is None:
            del sys.modules[module.__name__]
        else:
            sys.modules[module.__name__] = before
        raise
    return module


def _execute(code: Any, module: ModuleType, path: str) -> None:
    text = _texts[path]
    try:
        with loading(path):
            exec(code, module.__dict__)
    except KeyboardInterrupt:
        raise
    except InputError as error:
        line, _ = _line_in(error.__traceback__, path)
        placed = [p if p.line else text.line_problem(p.message, line) for p in error.problems]
        raise InputError(problems=placed) from None
    except SyntaxError as error:  # of a module that it imports
        raise InputError(problems=[_syntax_problem(error, path)]) from None
    except SystemExit as error:
        line, _ = _line_in(error.__traceback__, path)
        message = (
            "the file ends the program while it is loaded; put that under "
            'if __name__ == "__main__":'
        )
        raise InputError(problems=[text.line_problem(message, line)]) from None
    except BaseException as error:  # what a file raises while it is loaded may be anything
        line, deeper = _line_in(error.__traceback__, path)
        said = str(error).strip().split("\n")[0]
        message = f"{type(error).__name__}: {said}" if said else type(error).__name__
        where = f" (at {deeper})" if deeper else ""
        if isinstance(error, ModuleNotFoundError):
            where += f"; install it for {sys.executable}, or put it beside the file"
        raise InputError(
            problems=[text.line_problem(f"the file cannot be loaded: {message}{where}", line)]
        ) from None


def _line_in(trace: TracebackType | None, path: str) -> tuple[int, str]:
    """The last line of the file in a traceback, and the place below it in a file beside it."""
    line, deeper = 1, ""
    folder = os.path.dirname(path)
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file == path:
            line, deeper = trace.tb_lineno, ""
        elif os.path.dirname(file) == folder:
            deeper = f"{os.path.basename(file)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return line, deeper


def _syntax_problem(error: SyntaxError, path: str) -> Problem:
    file = error.filename or path
    text = python_text(file) if file != path else _texts[path]
    message = f"the file is no Python: {error.msg}"
    if text is None or not error.lineno:
        return Problem(message, shown(file), error.lineno or 0, error.offset or 1)
    start = text.source.offset(error.lineno, error.offset or 1)
    end = start + 1
    if error.end_lineno == error.lineno and error.end_offset:
        end = text.source.offset(error.lineno, error.end_offset)
    return text.source.problem(message, start, end)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        hint = did_you_mean(shown(path), map(shown, files_beside(path)))
        raise NotFound(f"{shown(path)}: there is no such file{hint}") from None
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read: {error.strerror}") from None


def _decode(raw: bytes) -> str:
    """The text, as Python reads it; where it cannot be, what can be shown of it."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    import io
    import tokenize

    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return raw.decode(encoding, errors="replace")
    except (SyntaxError, LookupError):
        return raw.decode("latin-1")


def shown(path: str) -> str:
    """A path as a user writes it: relative where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except (ValueError, OSError):  # another drive; a working directory that is gone
        return path
    return relative if len(relative) < len(path) else path


def _module_name(path: str) -> str:
    """A name for a file's module: the same each time, and that of no other module."""
    stem = os.path.splitext(os.path.basename(path))[0]
    name = re.sub(r"\W", "_", stem)
    if not name or name[0].isdigit():
        name = f"_{name}"
    known = sys.modules.get(name)
    foreign = known is not None and getattr(known, "__file__", None) not in _texts
    if foreign or name in sys.stdlib_module_names or name in ("cloudmesh", "__main__"):
        return f"flow_{name}"
    return name


def file_of(cls: type) -> str:
    """The file that a class stands in ("" where it stands in none: a notebook)."""
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return os.path.abspath(file) if file else ""
