# SPDX-License-Identifier: Apache-2.0
"""ss-plugin opts: what is encoded is decoded, errors have a byte, and traps are seen."""

from __future__ import annotations

import random
import subprocess

import pytest
from calling import ask
from harness.programs import SLOWER, ours
from harness.stage import Stage

LETTERS = "ab;=\\ &:%ü{}'\"\n"


def items(seed: int) -> list[tuple[str, str | None]]:
    draw = random.Random(seed)

    def word(least: int) -> str:
        return "".join(draw.choice(LETTERS) for _ in range(draw.randint(least, 8)))

    keys = [word(1).replace("=", "") or "k" for _ in range(draw.randint(1, 6))]
    return [(key, draw.choice([None, word(0)])) for key in keys]


@pytest.mark.parametrize("seed", range(40))
def test_what_is_encoded_is_decoded(stage: Stage, seed: int) -> None:
    wanted = items(seed)
    words = [key if value is None else f"{key}={value}" for key, value in wanted]
    encoded = ask(stage, "opts", "encode", "--", *words)
    assert encoded.status == 0, encoded.err
    decoded = ask(stage, "opts", "decode", "--json", "--", encoded.out.removesuffix("\n"))
    assert decoded.status == 0, decoded.out
    assert [(i["key"], i["value"]) for i in decoded.json()["items"]] == wanted


def test_encode_escapes_what_separates(stage: Stage) -> None:
    answer = ask(stage, "opts", "encode", "obfs=http", "path=/a;b=c\\d", "fast-open")
    assert answer.out == "obfs=http;path=/a\\;b\\=c\\\\d;fast-open\n"
    as_json = ask(stage, "opts", "encode", "--json", "a=b;c").json()
    assert as_json == {"options": "a=b\\;c", "bytes": 6}


def test_decode_prints_an_option_a_line(stage: Stage) -> None:
    assert ask(stage, "opts", "decode", "obfs=http;;host=a\\;b=c;v").out == "obfs=http\nhost=a;b=c\nv\n"


def test_decode_reads_stdin(stage: Stage) -> None:
    assert ask(stage, "opts", "decode", stdin="a=b;c\n").out == "a=b\nc\n"


@pytest.mark.parametrize(("text", "byte"), [("a=b;=c", 5), ("=", 1), ("a=b\\", 4), ("a;b=c;;=", 8)])
def test_a_malformed_string_is_status_1_with_the_byte(stage: Stage, text: str, byte: int) -> None:
    lines = ask(stage, "opts", "decode", text)
    assert lines.status == 1
    assert f"byte {byte}:" in lines.err
    as_json = ask(stage, "opts", "decode", "--json", text)
    assert (as_json.status, as_json.json()["error"]["byte"]) == (1, byte)


@pytest.mark.parametrize(("text", "byte"), [("obfs=http;=c", 11), ("x" * 200 + "=1;" + "y=2\\", 207)])
def test_a_caret_stands_below_the_byte(stage: Stage, text: str, byte: int) -> None:
    answer = ask(stage, "opts", "explain", text)
    assert answer.status == 1
    below = answer.out[answer.out.index("malformed:"):].splitlines()
    shown, caret = below[1], below[2]
    assert shown[caret.index("^")] == text[byte - 1]
    assert f"byte {byte}:" in answer.out


def test_an_escape_stands_for_a_whole_character(stage: Stage) -> None:
    (item,) = ask(stage, "opts", "explain", "--json", "a=\\é").json()["items"]
    assert item["escapes"] == [{"byte": 3, "stands_for": "é"}]
    assert 'stands for é' in ask(stage, "opts", "explain", "a=\\é").out
    assert "\x1b" not in ask(stage, "opts", "explain", "a=\\\x1bc").out


@pytest.mark.parametrize(("stdin", "why"), [("a" * 140_000, "too long"), ("a=b\0c", "NUL")])
def test_what_is_no_string_on_stdin_is_refused(stage: Stage, stdin: str, why: str) -> None:
    answer = ask(stage, "opts", "decode", stdin=stdin)
    assert (answer.status, answer.out) == (1, "")
    assert why in answer.err


def test_an_stdin_that_cannot_be_read_is_no_empty_string(stage: Stage) -> None:
    done = subprocess.run(["/bin/sh", "-c", f"{ours('ss-plugin')} opts decode < /"], check=False, text=True,
                          capture_output=True, timeout=30 * SLOWER)
    assert (done.returncode, done.stdout) == (1, "")
    assert "directory" in done.stderr


def test_an_answer_that_cannot_be_written_is_none(stage: Stage) -> None:
    done = subprocess.run(["/bin/sh", "-c", f"{ours('ss-plugin')} opts encode a=b >/dev/full"], check=False, text=True,
                          capture_output=True, timeout=30 * SLOWER)
    assert done.returncode == 1
    assert "No space left" in done.stderr


def test_explain_shows_bytes_and_escapes(stage: Stage) -> None:
    (first, second) = ask(stage, "opts", "explain", "--json", "obfs=http;h=a\\;b").json()["items"]
    assert (first["from"], first["to"], first["escapes"]) == (1, 9, [])
    assert (second["from"], second["to"], second["value"]) == (11, 16, "a;b")
    assert second["escapes"] == [{"byte": 14, "stands_for": ";"}]


TRAPS = [
    ("obfs\\=http", "sip002-escape", 1),
    ("server&mode=quic&tls", None, 0),  # a key of its own: nothing says that it is wrong
    ("mode=quic&host=a", "joined", 1),
    ("obfs=http:obfs-host=x", "joined", 1),
    ("a=1,bc=2", "joined", 1),
    ("obfs-local;obfs=http", "leading-plugin", 1),
    ("v2ray-plugin;server", "leading-plugin", 1),
    ("plugin=obfs-local;obfs=http", "leading-plugin", 1),
    ("obfs=http;", "trailing-separator", 10),
    ("obfs=http; host=a", "space", 11),
    ("obfs =http", "space", 1),
    ("{\"obfs\":\"http\"}", "json", 1),
    ("/etc/ck.json", "path", 1),
    ("'obfs=http'", "quotes", 1),
    ("obfs%3Dhttp", "percent", 5),
    ("--obfs=http", "dashes", 1),
    ("a=1;a=2", "twice", 5),
    ("a=1\nb=2", "control", 4),
]


@pytest.mark.parametrize(("text", "trap", "byte"), TRAPS)
def test_traps_are_seen(stage: Stage, text: str, trap: str | None, byte: int) -> None:
    answer = ask(stage, "opts", "explain", "--json", "--", text)
    found = [(hint["trap"], hint["byte"]) for hint in answer.json()["hints"]]
    assert found == ([(trap, byte)] if trap else [])


@pytest.mark.parametrize("text", [
    "", "obfs=http", "obfs=tls;obfs-host=www.example.com;fast-open", "server;tls;host=a.b;path=/x:1",
    "fallback=127.0.0.1:80", "fallback=[::1]:80", "url=https://a.b/c?d=e&f=g", "obfs=http;path=a\\;"])
def test_a_sound_string_has_no_hints(stage: Stage, text: str) -> None:
    answer = ask(stage, "opts", "explain", "--json", text)
    assert (answer.status, answer.json()["hints"]) == (0, [])


def test_control_characters_do_not_reach_the_terminal(stage: Stage) -> None:
    answer = ask(stage, "opts", "explain", "a\x1b[31m=\x07b;=")
    assert "\x1b" not in answer.out and "\x07" not in answer.out


def test_no_string_crashes_it(stage: Stage) -> None:
    draw = random.Random(3)
    for _ in range(60):
        text = "".join(draw.choice(LETTERS) for _ in range(draw.randint(0, 40)))
        answer = ask(stage, "opts", "explain", "--json", "--", text)
        report = answer.json()
        assert (answer.status == 1) == (report["error"] is not None)
        assert all(1 <= hint["byte"] <= len(text.encode()) for hint in report["hints"])


def test_a_string_beyond_the_limit_is_refused(stage: Stage) -> None:
    assert ask(stage, "opts", "encode", "k=" + "x" * 65536).status == 64
    assert ask(stage, "opts", "encode", "k=" + "x" * 60000).status == 0
    assert ask(stage, "opts", "encode", "k=" + ";" * 40000).status == 64


@pytest.mark.parametrize("words", [(), ("encoed",), ("encode",), ("encode", "=v"), ("decode", "a", "b"),
                                   ("explain", "--jsn", "a")])
def test_a_wrong_command_line_is_64(stage: Stage, words: tuple[str, ...]) -> None:
    answer = ask(stage, "opts", *words)
    assert (answer.status, answer.out) == (64, "")
    assert answer.err.count("\n") == 1
    if words == ("encoed",):
        assert "did you mean encode?" in answer.err
    if "--jsn" in words:
        assert "did you mean --json?" in answer.err
