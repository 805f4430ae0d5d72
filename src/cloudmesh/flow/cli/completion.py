"""``completion SHELL``: the script that completes ``cms flow …`` in bash, zsh and fish.

The scripts know nothing themselves: at each TAB they hand the words to
``cms flow completion SHELL -- WORDS``, which prints what the last one can be.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cloudmesh.flow.cli.main import Command

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS", "SCRIPTS"]

BASH = r"""# Completion of `cms flow` for bash; in ~/.bashrc:  eval "$(cms flow completion bash)"
_cms_complete() {
    local line cms="${COMP_WORDS[0]/#\~/$HOME}"
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <("$cms" flow completion bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/=] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _cms_complete cms
"""

ZSH = r"""#compdef cms
# Completion of `cms flow` for zsh; in ~/.zshrc, after compinit:
#   eval "$(cms flow completion zsh)"
_cms() {
    local line word
    local -a said open
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        if [[ $word == *[/=] ]]; then
            open+=("$word")
        else
            said+=("${word//:/\\:}:${line#*$'\t'}")
        fi
    done < <(${(Q)words[1]/#\~/$HOME} flow completion zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( $#said )) && _describe -V 'cms flow' said
    (( $#open )) && compadd -S '' -- "${open[@]}"
    return 0
}
if [[ $funcstack[1] == _cms ]]; then
    _cms "$@"
else
    compdef _cms cms
fi
"""

FISH = r"""# Completion of `cms flow` for fish:
#   cms flow completion fish > ~/.config/fish/completions/cms.fish
function __cms_complete
    set -l words (commandline -opc) (commandline -ct)
    cms flow completion fish -- $words[2..-1] 2>/dev/null
end
complete -c cms -f -a '(__cms_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=tuple(SCRIPTS), metavar="|".join(SCRIPTS))
    words = parser.add_argument(
        "words", nargs="...", metavar="-- WORDS", help="what the script asks: how they go on"
    )
    words.required = False  # argparse would ask for it where the shell is missing


def completion(args: argparse.Namespace) -> int:
    """Print the script; behind ``--`` what the last of the words can be."""
    words = args.words[args.words[:1] == ["--"] :]
    if not words:
        sys.stdout.write(SCRIPTS[args.shell])
        return 0
    from cloudmesh.flow.cli.complete import complete

    for word, said in complete(words, split=args.shell == "bash"):
        sys.stdout.write(f"{word}\n" if args.shell == "bash" else f"{word}\t{said}\n")
    return 0


COMMANDS = {
    "completion": Command(
        completion_arguments,
        completion,
        (
            'eval "$(cms flow completion bash)"                             in ~/.bashrc',
            'eval "$(cms flow completion zsh)"                              in ~/.zshrc',
            "cms flow completion fish > ~/.config/fish/completions/cms.fish",
        ),
    )
}
