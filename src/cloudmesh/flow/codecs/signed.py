"""cloudpickle, signed: loaded only where this user's key signed it.

A pickle runs code when it is loaded, so a value from somebody else's hands
must never be.  The key is 32 random bytes in ``~/.cloudmesh/flow/key`` (0600).

A class of the program itself stands by its name, as in `models`: so it is the
same class when another process has loaded the program's file as a module.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import Any

__all__ = ["dumps", "loads", "sign"]

_SIZE = hashlib.sha256().digest_size


def dumps(value: Any) -> bytes:
    """Signature and pickle.  Raises `ValueError` where the value cannot be pickled."""
    try:
        body = _pickled(value)
    except Exception as error:  # any object may raise anything in its __reduce__
        raise ValueError(
            f"the value, a {type(value).__name__}, cannot be stored: {error}"
        ) from None  # what pickle and the codecs did on the way tells a user nothing
    try:
        key = _key()
    except OSError as error:
        raise ValueError(
            f"the value, a {type(value).__name__}, cannot be stored: it would be signed with a "
            f"key in {_key_file()}, which cannot be kept: {error.strerror}"
        ) from None
    return hmac.digest(key, body, "sha256") + body


def loads(data: bytes) -> Any:
    """The value.  Raises `ValueError` for another's signature, or where it cannot be loaded."""
    signature, body = data[:_SIZE], data[_SIZE:]
    if not hmac.compare_digest(hmac.digest(_key(), body, "sha256"), signature):
        raise ValueError("a stored value is not signed with this user's key, so it is not loaded")
    try:
        return _unpickled(body)
    except Exception as error:  # a pickle may raise anything
        raise ValueError(
            f"a stored value cannot be loaded: {type(error).__name__}: {error}"
        ) from error


def _pickled(value: Any) -> bytes:
    import pickle
    from io import BytesIO

    import cloudpickle

    from cloudmesh.flow.codecs.models import class_named, class_of, program_name

    program = program_name()

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, thing: Any) -> Any:
            if isinstance(thing, type) and thing.__module__ == "__main__" and program:
                name = thing.__qualname__
                if class_named(program, name) is thing:
                    return class_of, (program, name)
            return super().reducer_override(thing)

    file = BytesIO()
    Pickler(file, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return file.getvalue()


def _unpickled(body: bytes) -> Any:
    import pickle
    import sys
    from io import BytesIO

    from cloudmesh.flow.codecs.models import class_of, program_name

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if module not in sys.modules and module == program_name():
                return class_of(module, name)
            return super().find_class(module, name)

    return Unpickler(BytesIO(body)).load()


def sign(data: bytes) -> str:
    """A signature by this user's key, as text.  Raises `OSError` where no key can be kept."""
    return hmac.digest(_key(), data, "sha256").hex()


def _key_file() -> Path:
    return Path.home() / ".cloudmesh" / "flow" / "key"


def _key() -> bytes:
    path = _key_file()
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"key.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, os.urandom(32))
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(fresh, path)  # whoever is first; never overwrites a key that others have used
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_bytes()
