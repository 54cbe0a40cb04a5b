# SPDX-License-Identifier: Apache-2.0
"""A start whose calls fail: it goes on by another way, or says in one line why not."""

from __future__ import annotations

import errno
import json
import subprocess
from pathlib import Path

import pytest
from campaign import Campaign
from harness.programs import ours
from harness.stage import Stage
from scenes import SCENES
from trial import HANG, LIBRARY_CRASHED, Counts, Fault, fault_environment, nth

FOR_EVER = 10**12


@pytest.mark.parametrize("scene", ["ss-server", "obfs tls as client"])
def test_a_kernel_without_getrandom_has_a_device(stage: Stage, tmp_path: Path, scene: str) -> None:
    campaign = Campaign(SCENES[scene](stage), tmp_path / "trial")
    campaign.run(Fault(f"getrandom:1:{errno.ENOSYS}:{FOR_EVER}", times=0, sizes=(700,)))
    campaign.judge()


def test_no_memory_is_told_by_a_plugin(stage: Stage, tmp_path: Path) -> None:
    """Around its options, where libraries have begun and the loop has not."""
    campaign = Campaign(SCENES["obfs http as client"](stage), tmp_path / "trial")
    campaign.run(Fault("", sizes=(700,)))
    for number in range(6, 16):
        campaign.run(nth("alloc", number))
    campaign.judge()


def test_no_memory_is_told_by_a_client(stage: Stage, tmp_path: Path) -> None:
    """Behind the libraries and the configuration, as far as the first connections."""
    campaign = Campaign(SCENES["ss-tunnel"](stage), tmp_path / "trial")
    last = campaign.run(Fault("", sizes=(700,))).first["alloc"]
    for number in range(last - 200, last - 50, 3):
        campaign.run(nth("alloc", number))
    campaign.judge()


def test_no_memory_for_the_file_of_a_plugin_is_told(tmp_path: Path) -> None:
    """Its numbers become text, and none of its keys is lost."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"server": "127.0.0.1", "server_port": 8388, "local_port": 31085, "obfs": "http",
                                "obfs_host": "a.example", "timeout": 61}))
    for number in range(20, 100):
        status, _, why = run_without(tmp_path, [str(ours("obfs-local")), "--check", "-c", str(path)], number)
        assert status in (0, 71, 78, LIBRARY_CRASHED), (status, why)
        assert status == LIBRARY_CRASHED or why, f"{status} without a line"


def run_without(tmp_path: Path, arguments: list[str], allocation: int) -> tuple[int, str, str]:
    """How a program ends when one of its allocations fails: its status, and what it says."""
    env = fault_environment(tmp_path, f"alloc:{allocation}:{errno.ENOMEM}", tmp_path / "counts")
    done = subprocess.run(arguments, check=False, env=env, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=HANG)
    return done.returncode, done.stdout, done.stderr


FILES = {
    "--dump-config": json.dumps({"server": "127.0.0.1", "server_port": 8388, "local_port": 31085, "timeout": 61,
                                 "method": "aes-256-gcm", "password": "Xq7!vn2Lr9-mesa", "mode": "tcp_and_udp"}),
    "--import": json.dumps({"outbounds": [{"type": "shadowsocks", "tag": "one", "server": "192.0.2.1",
                                           "server_port": 8388, "method": "aes-256-gcm", "password": "mesa"}]}),
    "--import of YAML": "base: &base\n  cipher: aes-256-gcm\n  port: 8388\n"
                        "proxies:\n  - <<: *base\n    name: one\n    type: ss\n    server: 192.0.2.1\n    password: mesa\n",
}


@pytest.mark.parametrize("answer", FILES)
def test_an_answer_without_memory_is_whole_or_none(tmp_path: Path, answer: str) -> None:
    """json-c forgets a member that it has no memory for; a file that is well formed is not blamed."""
    path = tmp_path / "file"
    path.write_text(FILES[answer])
    option = answer.split()[0]
    arguments = [str(ours("ss-local")), option, *(["-c"] if option == "--dump-config" else []), str(path)]
    whole = run_without(tmp_path, arguments, FOR_EVER)[1]
    last = Counts.read(tmp_path / "counts").first["alloc"]
    for number in range(last - 240, last + 1, 4):
        status, said, why = run_without(tmp_path, arguments, number)
        assert status in (0, LIBRARY_CRASHED) or "memory" in why, (status, said, why)
        assert status == LIBRARY_CRASHED or said == (whole if status == 0 else ""), (status, said, why)


def test_what_a_server_needs_at_its_start_is_there_or_told(stage: Stage, tmp_path: Path) -> None:
    """libsodium would abort without random bytes; a socket without a name would lose its packets."""
    campaign = Campaign(SCENES["ss-server"](stage), tmp_path / "trial")
    campaign.run(Fault("", sizes=(700,)))
    for call, numbers, error in (("getrandom", (2, 3, 7), errno.ENOSYS), ("getsockname", (1, 2), errno.ENOBUFS)):
        for number in numbers:
            campaign.run(nth(call, number, error))
    campaign.judge()


@pytest.mark.parametrize("call", ["poll", "read", "waitid", "waitpid"])
def test_an_interrupted_wait_goes_on(stage: Stage, tmp_path: Path, call: str) -> None:
    """In the process that asks a plugin for its options, and in its parent."""
    campaign = Campaign(SCENES["ss-plugin describe"](stage), tmp_path / "trial")
    campaign.run(Fault(""))
    for number in range(1, 5):
        campaign.run(Fault(f"{call}:{number}:{errno.EINTR};child", times=0))
    campaign.judge()


@pytest.mark.parametrize("where", ["", ";child"])
@pytest.mark.parametrize("scene", ["ss-plugin describe", "ss-plugin doctor"])
def test_a_kernel_without_pidfds_takes_no_longer(stage: Stage, tmp_path: Path, scene: str, where: str) -> None:
    campaign = Campaign(SCENES[scene](stage), tmp_path / "trial")
    for times in (1, FOR_EVER):
        campaign.run(Fault(f"syscall:1:{errno.ENOSYS}:{times}{where}"))
    campaign.judge()


@pytest.mark.parametrize("scene", ["ss-tunnel", "obfs tls as server", "pt-wrap as client"])
def test_every_second_wait_is_interrupted(stage: Stage, tmp_path: Path, scene: str) -> None:
    """What is repeated is the call, not the pair of a wait and what it waits for."""
    campaign = Campaign(SCENES[scene](stage), tmp_path / "trial")
    campaign.run(Fault("short;eintr:2", repeated=True, times=0, sizes=(700,)))
    campaign.judge()


def test_a_guardian_without_its_descriptors_ends(stage: Stage, tmp_path: Path) -> None:
    """The transport program would write its lines to nobody, and its host wait for them."""
    campaign = Campaign(SCENES["pt-wrap as client"](stage), tmp_path / "trial")
    campaign.run(Fault("", sizes=(700,)))
    for call in ("dup3", "fcntl"):
        campaign.run(nth(call, 2, errno.EMFILE, where="child"))
    campaign.judge()


def test_lines_of_a_program_come_in_pieces(stage: Stage, tmp_path: Path) -> None:
    """A transport program tells where it listens; each read brings one byte."""
    campaign = Campaign(SCENES["pt-wrap as client"](stage), tmp_path / "trial")
    campaign.run(Fault("short;eintr:3", repeated=True, times=0, sizes=(700,)))
    campaign.judge()
