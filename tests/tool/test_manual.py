# SPDX-License-Identifier: Apache-2.0
"""The words of ss-plugin about itself: --help, the manual page and the completion agree."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from calling import ACTIONS, COMMANDS, ask
from harness.programs import BIN, SANITIZED, found
from harness.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "man" / "ss-plugin.1"
COMPLETION = BIN.parent / "completions" / "ss-plugin.bash"
completing = pytest.mark.skipif(SANITIZED, reason="no completions of instrumented programs")


def help_of(stage: Stage, command: str) -> str:
    answer = ask(stage, *command.split(), "--help")
    assert (answer.status, answer.err) == (0, "")
    return answer.out


def options_of(stage: Stage, command: str) -> set[str]:
    return set(re.findall(r"^  --([a-z-]+)", help_of(stage, command), re.MULTILINE)) - {"help"}


def section(command: str) -> str:
    """The part of the page about a command."""
    text = PAGE.read_text()
    (found,) = re.findall(rf"^\.Ss {command.split()[0]}\n(.*?)(?=^\.S[sh] )", text, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize("command", [*(c for c in COMMANDS if c != "opts"), *ACTIONS])
def test_every_option_is_in_the_manual_and_none_else(stage: Stage, command: str) -> None:
    options = options_of(stage, command)
    assert options
    assert set(re.findall(r"Fl -([a-z]+[a-z-]*)", "".join(
        line for line in section(command).splitlines(keepends=True)
        if line.startswith((".It", ".Fl"))))) - {"dump-options", "help"} == options


@pytest.mark.parametrize("command", [*COMMANDS, *ACTIONS])
def test_help_fits_into_80_columns(stage: Stage, command: str) -> None:
    lines = help_of(stage, command).splitlines()
    assert lines[0].startswith(f"usage: ss-plugin {command} ")
    assert [line for line in lines if len(line) > 80] == []


def completed(stage: Stage, line: str) -> set[str]:
    """The words that bash offers at the end of a line."""
    words = line.split(" ")
    array = " ".join(f"'{word}'" for word in words)
    script = (f". {COMPLETION}; COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}; _ss_plugin; "
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "--norc", "-uc", script], check=True, text=True, capture_output=True,
                          cwd=stage.home)
    assert done.stderr == ""
    return set(done.stdout.split())


@completing
@pytest.mark.parametrize("command", [*(c for c in COMMANDS if c != "opts"), *ACTIONS])
def test_every_option_is_completed_and_none_else(stage: Stage, command: str) -> None:
    found("bash")
    offered = completed(stage, f"ss-plugin {command} --")
    assert offered == {f"--{option}" for option in options_of(stage, command)} | {"--help"}


@completing
def test_commands_and_values_are_completed(stage: Stage) -> None:
    assert completed(stage, "ss-plugin ") == {*COMMANDS, "--version", "--help"}
    assert completed(stage, "ss-plugin opts ") == {"encode", "decode", "explain", "--help"}
    assert completed(stage, "ss-plugin env --role ") == {"client", "server"}
    assert completed(stage, "ss-plugin doctor --mode udp") == {"udp_only"}
    stage.script("my-own-plugin", "#!/bin/sh\n")
    assert completed(stage, "ss-plugin describe ./my-own") == {"./my-own-plugin"}


def test_the_page_has_no_faults() -> None:
    done = subprocess.run([found("groff"), "-mdoc", "-ww", "-Tutf8", str(PAGE)], check=True, text=True,
                          capture_output=True)
    assert done.stderr == ""


@pytest.mark.parametrize("command", [*COMMANDS, *ACTIONS])
def test_help_has_examples_that_are_read(stage: Stage, command: str) -> None:
    """Each example begins as it should, and uses no option that is unknown."""
    text = help_of(stage, command)
    assert text.startswith("usage: ss-plugin ")
    examples = text.split("\nexamples:\n")[1]
    known = set().union(*(options_of(stage, c) for c in (*COMMANDS, *ACTIONS)))
    assert "ss-plugin" in examples
    for example in re.findall(r"ss-plugin (?:[^\\&|\n]|\\\n)+", examples):
        assert example.split()[1] in COMMANDS
        example = example.split(" -- ")[0]  # behind it are the words of another program
        assert {word[2:] for word in example.split() if re.fullmatch(r"--[a-z-]+", word)} <= known | {"obfs"}


def test_commands_explain_themselves(stage: Stage) -> None:
    answer = ask(stage, "--help")
    assert answer.status == 0
    assert all(re.search(rf"^  {command} ", answer.out, re.MULTILINE) for command in COMMANDS)
    assert ask(stage, "--version").out.startswith("ss-plugin ")


@pytest.mark.parametrize(("word", "meant"), [("chek", "check"), ("docter", "doctor"), ("env2", "env"),
                                             ("desribe", "describe"), ("xyzzy-plugh", None)])
def test_an_unknown_command_is_64_with_a_guess(stage: Stage, word: str, meant: str | None) -> None:
    answer = ask(stage, word)
    assert (answer.status, answer.out) == (64, "")
    assert (f"did you mean {meant}?" in answer.err) == (meant is not None)
    assert answer.err.count("\n") == 1


def test_no_command_is_64(stage: Stage) -> None:
    answer = ask(stage)
    assert (answer.status, answer.out) == (64, "")
