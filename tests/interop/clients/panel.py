# SPDX-License-Identifier: Apache-2.0
"""panel.py HOST PORT REQUEST...: shadowsocks-manager as the panel of the manager at that address.

A request is `add PORT PASSWORD`, `remove PORT`, `list` or `ping`; a line of JSON is what the panel makes of each answer.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

APPS = ("auth", "contenttypes", "sites")
OWN = ("dynamicmethod", "retry", "singleton", "shadowsocks", "statistic", "notification", "domain")


def prepare() -> None:
    """Its parts that speak with managers, and their tables in memory."""
    spec = find_spec("shadowsocks_manager")
    assert spec is not None and spec.origin is not None
    sys.path.insert(0, str(Path(spec.origin).parent))
    settings.configure(
        INSTALLED_APPS=[*(f"django.contrib.{app}" for app in APPS), *OWN],
        MIGRATION_MODULES=dict.fromkeys(APPS + OWN),
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEBUG=True,  # else it wants memcached
        DEFAULT_AUTO_FIELD="django.db.models.AutoField", USE_TZ=True)
    django.setup()
    call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)


def main(host: str, port: str, *requests: str) -> None:
    prepare()
    from shadowsocks.models import Config, Node, SSManager

    Config(timeout_local=30).save()
    manager = SSManager.objects.create(node=Node.objects.create(name="node", private_ip=host), port=int(port))
    for request in requests:
        name, *values = request.split()
        print(json.dumps(getattr(manager, name)(*values)), flush=True)


main(*sys.argv[1:])
