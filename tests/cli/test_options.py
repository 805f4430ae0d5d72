"""What is wrong with an option is said in words, not by the name of a function."""

from __future__ import annotations

import pytest

from cloudmesh.flow.cli.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run --parallel 0", "--parallel: a whole number above 0 is needed, not '0'"),
        ("run --parallel many", "--parallel: a whole number above 0 is needed, not 'many'"),
        ("view --port 99999", "--port: a port is a number from 0 to 65535, not '99999'"),
        ("run --flowname=", "--flowname: a name is needed, not ''"),
        ("infra", "required: list|check|build|clean (see `cms flow infra --help`)"),
        ("completion", "required: bash|zsh|fish (see"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    with pytest.raises(SystemExit) as exit:
        raise SystemExit(main(["flow", *words.split()]))
    assert exit.value.code == 2
    assert said in capsys.readouterr().err
