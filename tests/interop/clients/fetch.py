# SPDX-License-Identifier: Apache-2.0
"""fetch.py LIBRARY PROXY CA URL...: writes the bodies to standard output, one behind the other."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import sys
from urllib.parse import unquote, urlsplit


def by_requests(proxy: str, ca: str, urls: list[str]) -> None:
    import requests

    with requests.Session() as session:
        session.trust_env = False
        session.proxies, session.verify = {"http": proxy, "https": proxy}, ca
        for url in urls:
            answer = session.get(url, timeout=30)
            answer.raise_for_status()
            sys.stdout.buffer.write(answer.content)


def by_httpx(proxy: str, ca: str, urls: list[str]) -> None:
    import httpx

    context = ssl.create_default_context(cafile=ca)
    with httpx.Client(proxy=proxy, verify=context, trust_env=False, timeout=30) as client:
        for url in urls:
            sys.stdout.buffer.write(client.get(url).raise_for_status().content)


def by_pysocks(proxy: str, ca: str, urls: list[str]) -> None:
    """http.client over sockets of PySocks."""
    import socks

    kinds = {"socks4": socks.SOCKS4, "socks5": socks.SOCKS5, "http": socks.HTTP}
    parts = urlsplit(proxy)
    user = unquote(parts.username or "") or None
    password = None if parts.password is None else unquote(parts.password)
    for url in map(urlsplit, urls):
        sock = socks.create_connection((url.hostname, url.port), 30, None, kinds[parts.scheme], parts.hostname,
                                       parts.port, True, user, password)
        if url.scheme == "https":
            sock = ssl.create_default_context(cafile=ca).wrap_socket(sock, server_hostname=url.hostname)
        near = http.client.HTTPConnection(str(url.hostname), url.port)
        near.sock = sock
        near.request("GET", url.path)
        sys.stdout.buffer.write(near.getresponse().read())
        near.close()


async def _aiohttp(connector: object, proxy: str | None, ca: str, urls: list[str]) -> None:
    import aiohttp

    context = ssl.create_default_context(cafile=ca)
    async with aiohttp.ClientSession(connector=connector, raise_for_status=True) as session:
        for url in urls:
            async with session.get(url, proxy=proxy, ssl=context) as answer:
                sys.stdout.buffer.write(await answer.read())


def by_aiohttp(proxy: str, ca: str, urls: list[str]) -> None:
    asyncio.run(_aiohttp(None, proxy, ca, urls))


def by_aiohttp_socks(proxy: str, ca: str, urls: list[str]) -> None:
    from aiohttp_socks import ProxyConnector

    async def run() -> None:
        await _aiohttp(ProxyConnector.from_url(proxy), None, ca, urls)

    asyncio.run(run())


if __name__ == "__main__":
    globals()["by_" + sys.argv[1].replace("-", "_")](sys.argv[2], sys.argv[3], sys.argv[4:])
