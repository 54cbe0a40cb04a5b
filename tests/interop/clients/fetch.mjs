// SPDX-License-Identifier: Apache-2.0
// fetch.mjs LIBRARY PROXY URL...: writes the bodies to standard output, one behind the other.
import { once } from "node:events";
import * as http from "node:http";
import * as https from "node:https";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { SocksProxyAgent } from "socks-proxy-agent";
import { ProxyAgent, request } from "undici";

const [library, proxy, ...urls] = process.argv.slice(2);

/** A fetcher by node:http with the agent that the scheme asks for. */
function byAgents(agents) {
  return async (url) => {
    const module = url.startsWith("https:") ? https : http;
    const [answer] = await once(module.get(url, { agent: agents[url.split(":")[0]] }), "response");
    if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode}`);
    return answer;
  };
}

/** @param {object} options of undici's ProxyAgent */
function byUndici(options) {
  const dispatcher = new ProxyAgent({ uri: proxy, ...options });
  return async (url) => {
    const { statusCode, body } = await request(url, { dispatcher });
    if (statusCode !== 200) throw new Error(`${url}: ${statusCode}`);
    return body;
  };
}

const libraries = {
  "http-proxy-agent": () => byAgents({ http: new HttpProxyAgent(proxy), https: new HttpsProxyAgent(proxy) }),
  "https-proxy-agent": () => byAgents({ http: new HttpsProxyAgent(proxy), https: new HttpsProxyAgent(proxy) }),
  "socks-proxy-agent": () => byAgents({ http: new SocksProxyAgent(proxy), https: new SocksProxyAgent(proxy) }),
  undici: () => byUndici({}),
  "undici-forward": () => byUndici({ proxyTunnel: false }),
};

const fetch = libraries[library]();
for (const url of urls) for await (const part of await fetch(url)) process.stdout.write(part);
process.stdout.end(() => process.exit(0));
