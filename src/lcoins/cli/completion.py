"""Completion in the shell: a script for bash, zsh or fish, and the words that it asks lcoins for at each press of Tab.

The words come from what there is: commands and options from the command line itself, groups, options and keys from the
files of ``conf/``. Hydra has a completion of its own, which would compose a config at each press, and so load PyTorch.
"""

import shlex
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import typer

from lcoins.cli.conf_files import conf_folder, group_options, single_values

app = typer.Typer(pretty_exceptions_enable=False)
ASKED = "complete-words"  # what the scripts call lcoins with, and the line up to the cursor
# A word that ends in = or . is begun only, so no space follows it. Where nothing is found, the shell offers files.
# bash takes a word apart at = and wants only what comes behind it.
SCRIPTS = {
    "bash": r"""
_lcoins() {
    local line=${COMP_LINE:0:COMP_POINT} word
    local last=${line##*[[:space:]]}
    COMPREPLY=()
    while IFS= read -r word; do
        [[ $last == *=* && $COMP_WORDBREAKS == *=* ]] && word=${word#*=}
        COMPREPLY+=("$word")
    done < <("${COMP_WORDS[0]}" complete-words "$line" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[0]} == *[=.] ]] && compopt -o nospace
    return 0
}
complete -o default -F _lcoins lcoins
""",
    "zsh": r"""
_lcoins() {
    local -a found begun
    found=(${(f)"$(${(Q)words[1]} complete-words "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)"})
    begun=(${(M)found:#*[=.]})
    found=(${found:#*[=.]})
    if (( ${#found} + ${#begun} )); then
        (( ${#found} )) && compadd -- $found
        (( ${#begun} )) && compadd -S '' -- $begun
    else
        compset -P '*='
        _files
    fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _lcoins lcoins
""",
    "fish": r"""
complete -c lcoins -a '(lcoins complete-words (commandline -cp | string collect) 2>/dev/null)'
""",
}


@app.command()
def completion(shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print a script that makes Tab complete commands, options, choices and keys: eval "$(lcoins completion bash)"."""
    typer.echo(SCRIPTS[shell].strip())


def print_words(root: typer.Typer, line: str) -> None:
    """Prints what may stand at the end of a line, one word a line, for the scripts above."""
    for word in candidates(typer.main.get_command(root), line):
        typer.echo(word)


def candidates(root: Any, line: str) -> list[str]:
    """What the last word of a line may become, whole words in order; nothing where files or free text belong.

    ``root`` is the command line of lcoins, and ``line`` begins with its name.
    """
    words = _words(line)
    if len(words) < 2:
        return []
    command, left = root, words[1:-1]
    while hasattr(command, "commands"):
        name = next((word for word in left if not word.startswith("-")), None)
        if name is None:
            return _beginning(words[-1], command.commands if not words[-1].startswith("-") else _options(command))
        if name not in command.commands:
            return []
        command, left = command.commands[name], left[left.index(name) + 1 :]
    if command.context_settings.get("ignore_unknown_options"):  # the rest is Hydra's
        return _overrides(str(command.name), words[-1])
    return _beginning(words[-1], _options(command) if words[-1].startswith("-") else _choices(command, words[-1]))


def _words(line: str) -> list[str]:
    """The words of a line, the last of them that at the cursor, which may be empty or have an open quote."""
    for closing in ("", "'", '"'):
        try:
            words = shlex.split(line + closing)
        except ValueError:
            continue
        return [*words, ""] if line[-1:].isspace() and not closing else words
    return []


def _options(command: Any) -> list[str]:
    named = [name for option in command.params for name in option.opts if name.startswith("--")]
    return [*named, "--help"]


def _choices(command: Any, word: str) -> list[str]:
    """What the arguments of a command may be, where these are a few words."""
    context = command.context_class(command)
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    found = [item for argument in arguments for item in argument.shell_complete(context, word)]
    return [item.value for item in found if item.type == "plain"]


def _overrides(command: str, word: str) -> list[str]:
    """What a Hydra override of a command may be: ``group=option``, or ``key=`` with true or false where it is one."""
    conf = conf_folder()
    if not (conf / f"{command}.yaml").is_file():
        return []
    key, equals, _ = word.partition("=")
    plus = key[: len(key) - len(key.lstrip("+~"))]
    bare = key[len(plus) :]
    options, values = group_options(conf, command), single_values(conf, command)
    if not equals:
        begun = [f"{name}=" for name in (*options, *values)]
        extra = ["--json", "--multirun", "--help", "--cfg"] if word.startswith("-") else []
        return _beginning(word, [*extra, *(f"{plus}{name}" for name in begun)])
    if bare in options:
        return _beginning(word, [f"{key}={option}" for option in options[bare]])
    if isinstance(values.get(bare), bool):
        return _beginning(word, [f"{key}=true", f"{key}=false"])
    return []


def _beginning(word: str, found: Iterable[str]) -> list[str]:
    return [one for one in dict.fromkeys(found) if one.startswith(word)]
