# SPDX-License-Identifier: Apache-2.0
"""Three PAC libraries asked for the truth of expressions, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

NODE = """
import { createPacResolver } from "pac-resolver";
import { QuickJS } from "quickjs-wasi";
const engine = await QuickJS.create();
const answers = [];
for (const script of JSON.parse(process.argv[2]))
  answers.push(await createPacResolver(engine, script)("http://target.example/"));
console.log(JSON.stringify(answers));
process.exit(0);
"""


def pacparser(scripts: list[str]) -> list[str]:
    import pacparser as library

    library.init()
    return [library.parse_pac_string(script) or library.find_proxy("http://target.example/") for script in scripts]


def pypac(scripts: list[str]) -> list[str]:
    from pypac.parser import PACFile

    return [PACFile(script).find_proxy_for_url("http://target.example/", "target.example") for script in scripts]


def compare(cases: list[tuple[str, bool]], environment: dict[str, str] | None = None) -> None:
    """Prints what each library makes of each expression, and whether that is right."""
    form = "function FindProxyForURL(url, host) {{ return ({}) ? 'true' : 'false'; }}"
    scripts = json.dumps([form.format(expression) for expression, _ in cases])
    commands = {
        "pacparser 1.5.3": [sys.executable, __file__, "pacparser", scripts],
        "pypac 0.19.0": [sys.executable, __file__, "pypac", scripts],
        "pac-resolver 9.0.1": ["node", "--input-type=module", "-e", NODE, "-", scripts],
    }
    answers = {
        name: json.loads(subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout)
        for name, command in commands.items()
    }
    for number, (expression, right) in enumerate(cases):
        for name, answer in answers.items():
            wrong = "" if answer[number] == str(right).lower() else ", wrong"
            print(f"{expression}, {name}: {answer[number]}{wrong}")


if __name__ == "__main__":
    print(json.dumps({"pacparser": pacparser, "pypac": pypac}[sys.argv[1]](json.loads(sys.argv[2]))))
