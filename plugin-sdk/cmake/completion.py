# SPDX-License-Identifier: Apache-2.0
"""Writes the completions of a program for bash, zsh and fish, made of its --help.

usage: completion.py PROGRAM DIRECTORY

Makes DIRECTORY/NAME.bash, DIRECTORY/_NAME (zsh) and DIRECTORY/NAME.fish. Plugins are asked for their
table of options (--dump-options json), too: each of them is an option of the command line.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ITEM = re.compile(r"(--?[A-Za-z0-9][\w-]*)(?:[ =](<[^>]+>|[A-Z\[][^ ]*|[a-z]+(?:\|[a-z]+)+))?")
# The kind of an option's argument, by the word that the help has for it.
KINDS = {"file": "file", "dir": "directory", "directory": "directory", "user": "user", "bin": "command",
         "command": "command", "interface": "interface"}
BASH = {"file": "-f", "directory": "-d", "user": "-u", "command": "-c", "interface": None}
ZSH = {"file": "_files", "directory": "_directories", "user": "_users", "command": "_command_names -e",
       "interface": "_net_interfaces"}
FISH = {"file": "-r -F", "directory": "-x -a '(__fish_complete_directories)'",
        "user": "-x -a '(__fish_complete_users)'", "command": "-x -a '(__fish_complete_command)'",
        "interface": "-x -a '(__fish_print_interfaces)'"}


@dataclass
class Option:
    names: list[str]
    argument: str | None = None  # None: takes none
    help: str = ""
    choices: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str | None:
        return KINDS.get((self.argument or "").lower())


@dataclass
class Command:
    """The program itself, or one of its subcommands: path holds the words that lead to it."""

    path: str
    about: str = ""
    options: list[Option] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    words: list[str] = field(default_factory=list)  # those that choose what it does, with the same options
    operand: str | None = None

    def all(self) -> list[Command]:
        return [self, *(one for command in self.commands for one in command.all())]


def output(program: Path, *words: str) -> str:
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(words)}: {done.stderr or done.stdout}")
    return done.stdout


def methods(text: str) -> list[str]:
    found = re.search(r"^Methods\n((?:  .*\n)+)", text, re.M)
    return re.findall(r"[\w-]+", found[1]) if found else []


def option_of(line: str, text: str) -> Option | None:
    """The option that a line of the help is about, one with several names included."""
    left, *right = re.split(r" {2,}", line.strip(), maxsplit=1)
    option = Option([], help=right[0] if right else "")
    for item in left.split(", "):
        if (found := ITEM.match(item)) is None:
            continue
        option.names.append(found[1])
        if found[2] is not None:
            option.argument = found[2].strip("<>")
    if option.argument == "method":
        option.choices = methods(text)
    elif re.fullmatch(r"[a-z]+(\|[a-z]+)+", option.argument or ""):
        option.choices = option.argument.split("|")
    elif option.argument == "MODE":
        option.choices = re.findall(r"\w+_\w+", option.help)[:3]
    return option if option.names and "--NAME" not in option.names else None


def split_names(option: Option) -> list[Option]:
    """"-s HOST, -p PORT" and "-4, -6" are two options; "-k, --password <password>" is one."""
    short = [name for name in option.names if not name.startswith("--")]
    if len(short) < 2 and len(option.names) - len(short) < 2:
        return [option]
    return [Option([name], option.argument, option.help, option.choices) for name in option.names]


def words_of(path: str, text: str) -> list[str]:
    """Subcommands: words of the usage behind the path, or the table that COMMAND stands for."""
    usage = re.findall(rf"^(?:usage:)? *{re.escape(path)} ([a-z]+\b(?: \| [a-z]+)*|COMMAND\b)", text, re.M)
    if "COMMAND" in usage:
        return re.findall(r"^  ([a-z-]+) {2,}\S", text, re.M)
    return [word for words in usage for word in words.split(" | ")]


def read(program: Path, path: str, *words: str) -> Command:
    text = output(program, *words, "--help")
    body = re.split(r"^(?:examples|Examples):?$", text, flags=re.M)[0]
    body = re.sub(r"\n {12,}(?=[^\s-])", " ", body)  # one line for each option
    command = Command(path)
    for line in body.splitlines():
        if re.match(r" {2,6}-", line) and (option := option_of(line, text)) is not None:
            command.options += split_names(option)
    given = {name for option in command.options for name in option.names}
    command.options += [Option([name]) for name in ("--version", "--help")
                        if name in body and not words and name not in given]
    usage = body.splitlines()[0]
    command.operand = "command" if re.search(r"(?<!-\w )(?<!--client )(?<!--server )\bBIN$", usage) else None
    command.words = words_of(path, body)
    if " COMMAND" in usage or " | " in usage:
        for word in command.words:
            about = re.search(rf"^  {word} {{2,}}(.*)$", body, re.M)
            command.commands.append(read(program, f"{path} {word}", *words, word))
            command.commands[-1].about = about[1] if about else ""
    return command


def plugin_options(program: Path) -> list[Option]:
    """The options of SS_PLUGIN_OPTIONS, which a plugin takes on its command line as well."""
    options = []
    for row in json.loads(output(program, "--dump-options", "json"))["options"]:
        argument = None if row["type"] == "flag" else row["type"]
        options.append(Option([f"--{row['name']}"], argument, row["help"], row["choices"] or []))
    return options


# bash


def bash_values(option: Option) -> str:
    if option.choices:
        return f'mapfile -t COMPREPLY < <(compgen -W "{" ".join(option.choices)}" -- "$cur")'
    if option.kind == "interface":
        return 'mapfile -t COMPREPLY < <(cd /sys/class/net && compgen -d -- "$cur")'
    if option.kind == "command":
        return 'mapfile -t COMPREPLY < <(compgen -c -- "$cur"; compgen -f -- "$cur")'
    if option.kind is not None:
        return f'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen {BASH[option.kind]} -- "$cur")'
    return ""


def bash(name: str, top: Command) -> str:
    function = "_" + re.sub(r"\W", "_", name)
    depth = len(name)
    values: dict[str, list[str]] = {}
    for command in top.all():
        for option in command.options:
            if option.argument is not None:
                pattern = " | ".join(f'"{command.path[depth:]} {one}"' for one in option.names)
                if pattern not in values.setdefault(bash_values(option), []):
                    values[bash_values(option)].append(pattern)
    paths = [f'"{command.path[depth:]}"' for command in top.all()[1:]]
    lines = [f"# bash completion of {name}, made of its --help", f"{function}() {{",
             "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} path= word words=",
             "    COMPREPLY=()"]
    if paths:
        lines += ['    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do', '        case "$path $word" in',
                  f'        {" | ".join(paths)}) path+=" $word" ;;', "        *) break ;;", "        esac", "    done"]
    lines += ['    case "$path $prev" in']
    for action, patterns in values.items():
        lines += [f'    {" | ".join(patterns)})', *([f"        {action}"] if action else []), "        return", "        ;;"]
    lines += ["    esac", '    case "$path" in']
    for command in top.all():
        offered = [one for option in command.options for one in option.names]
        offered += command.words
        lines += [f'    "{command.path[depth:]}")', f'        words="{" ".join(offered)}"']
        if not command.words:
            files = "compgen -c -- \"$cur\"; compgen -f -- \"$cur\"" if command.operand else "compgen -f -- \"$cur\""
            lines += ["        if [[ $cur != -* ]]; then", "            compopt -o filenames 2>/dev/null",
                      f"            mapfile -t COMPREPLY < <({files})", "            return", "        fi"]
        lines += ["        ;;"]
    lines += ["    esac", '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")', "}", f"complete -F {function} {name}"]
    return "\n".join(lines) + "\n"


# zsh


def zsh_option(option: Option) -> str:
    text = re.sub(r"([\[\]:\\])", r"\\\1", option.help).replace("'", "'\\''")
    value = ""
    if option.argument is not None:
        action = f"({' '.join(option.choices)})" if option.choices else ZSH.get(option.kind or "", " ")
        argument = re.sub(r"[^\w ]", " ", option.argument).strip().lower()
        value = f":{argument}:{action}"
    marks = ["+" if option.argument and len(name) == 2 else "=" if option.argument else "" for name in option.names]
    names = ",".join(f"{name}{mark}" for name, mark in zip(option.names, marks))
    spec = f"'*'{{{names}}}" if len(option.names) > 1 else f"'*{names}'"
    return f"{spec}'[{text}]{value}'"


def zsh_arguments(command: Command, depth: int) -> list[str]:
    pad = "    " * depth
    lines = [f"{pad}_arguments -s -S \\", *(f"{pad}    {zsh_option(option)} \\" for option in command.options)]
    if not command.commands:
        operand = f"1:action:({' '.join(command.words)})" if command.words else f"*:operand:{ZSH[command.operand or 'file']}"
        return [*lines, f"{pad}    '{operand}'"]
    rows = " ".join(f"{sub.path.rsplit(' ', 1)[1]}\\:\"{sub.about}\"" for sub in command.commands)
    lines = [f"{pad}_arguments -C \\", *lines[1:], f"{pad}    '1:command:(({rows}))' '*::argument:->arguments'",
             f"{pad}[[ $state != arguments ]] || case $words[1] in"]
    for sub in command.commands:
        lines += [f"{pad}({sub.path.rsplit(' ', 1)[1]})", *zsh_arguments(sub, depth + 1), f"{pad}    ;;"]
    return [*lines, f"{pad}esac"]


def zsh(name: str, top: Command) -> str:
    local = ["local context state state_descr line", "typeset -A opt_args"] if top.commands else []
    return "\n".join([f"#compdef {name}", f"# zsh completion of {name}, made of its --help", *local,
                      *zsh_arguments(top, 0)]) + "\n"


# fish


def fish_option(name: str, option: Option, condition: str) -> str:
    words = [f"complete -c {name}{condition}"]
    for one in option.names:
        words.append(f"-l {one[2:]}" if one.startswith("--") else f"-s {one[1:]}")
    if option.choices:
        words.append(f"-x -a '{' '.join(option.choices)}'")
    elif option.argument is not None:
        words.append(FISH.get(option.kind or "", "-x"))
    text = option.help.replace("\\", "\\\\").replace("'", "\\'")
    return " ".join(words) + (f" -d '{text}'" if text else "")


def fish(name: str, top: Command) -> str:
    lines = [f"# fish completion of {name}, made of its --help"]
    for command in top.all():
        seen = command.path.split(" ")[1:]
        tests = [f"__fish_seen_subcommand_from {word}" for word in seen]
        below = " ".join(command.words)
        if below:
            tests.append(f"not __fish_seen_subcommand_from {below}")
        here = f" -n '{'; and '.join(tests)}'" if tests else ""
        lines += [fish_option(name, option, here if command.commands or seen else "") for option in command.options]
        about = {sub.path.rsplit(" ", 1)[1]: sub.about.replace("'", "\\'") for sub in command.commands}
        lines += [f"complete -c {name}{here} -f -a {word} -d '{about.get(word, '')}'" for word in command.words]
    return "\n".join(lines) + "\n"


def main() -> None:
    program, directory = Path(sys.argv[1]), Path(sys.argv[2])
    top = read(program, program.name)
    if "--dump-options" in {name for option in top.options for name in option.names} and not top.commands:
        known = {name for option in top.options for name in option.names}
        top.options += [option for option in plugin_options(program) if option.names[0] not in known]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{program.name}.bash").write_text(bash(program.name, top))
    (directory / f"_{program.name}").write_text(zsh(program.name, top))
    (directory / f"{program.name}.fish").write_text(fish(program.name, top))


if __name__ == "__main__":
    main()
