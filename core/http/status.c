/* SPDX-License-Identifier: Apache-2.0 */
#include "http/status.h"

#include <string.h>

enum { SAMPLE_MS = 1000, WIDTH = 590, HEIGHT = 96, STEP = WIDTH / (SS_STATUS_SAMPLES - 1) };

void ss_status_note(struct ss_status *s, uint64_t now_ms)
{
    struct ss_status_sample *at = s->sample;
    bool young = s->samples > 1 && at[s->samples - 1].ms - at[s->samples - 2].ms < SAMPLE_MS;
    if (!young && s->samples == SS_STATUS_SAMPLES) {
        memmove(at, at + 1, (SS_STATUS_SAMPLES - 1) * sizeof *at);
        s->samples--;
    }
    s->samples += !young;
    at[s->samples - 1] = (struct ss_status_sample){now_ms, s->up, s->down};
}

/* ---- words ---- */

static void put_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("<>&\"'", *text) != NULL)
            (void)fprintf(out, "&#%d;", *text);
        else if ((unsigned char)*text >= ' ')
            (void)fputc(*text, out);
    }
}

static void put_bytes(FILE *out, double bytes, const char *behind)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        bytes /= 1024;
    (void)fprintf(out, unit == 0 || bytes >= 100 ? "%.0f %s%s" : "%.1f %s%s", bytes, units[unit],
                  behind);
}

static void put_head(FILE *out)
{
    (void)fputs(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<meta http-equiv=\"refresh\" content=\"5\">\n<title>Shadowplug</title>\n<style>\n"
        ":root{--text:#1d2329;--dim:#5a6672;--page:#f5f6f8;--card:#fff;--line:#d9dee4;"
        "--down:#1565c0;--up:#b45309;--good:#1a7f37;--bad:#b3261e}\n"
        "@media(prefers-color-scheme:dark){:root{--text:#e4e8ec;--dim:#9aa6b2;--page:#14181c;"
        "--card:#1d2329;--line:#343d46;--down:#7cb8ff;--up:#f0a35e;--good:#5fd07f;"
        "--bad:#ff8a80}}\n"
        "*{box-sizing:border-box}body{margin:0 auto;max-width:46rem;padding:1rem;"
        "font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page)}\n"
        "h1{font-size:1.4rem;margin:.25rem 0}h2{font-size:1.05rem;margin:0 0 .5rem}"
        "p{margin:.35rem 0}.dim{color:var(--dim)}\n"
        "svg{margin-top:.6rem}section{background:var(--card);border:1px solid "
        "var(--line);border-radius:.6rem;"
        "padding:.9rem 1rem;margin:1rem 0}\n"
        "dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.4rem,1fr));gap:.75rem;"
        "margin:0}dt{color:var(--dim);font-size:.85rem}dd{margin:0;font-size:1.15rem;"
        "font-variant-numeric:tabular-nums}\n"
        "ul{list-style:none;margin:0;padding:0}li{padding:.55rem 0;border-top:1px solid "
        "var(--line);overflow-wrap:anywhere}li:first-child{border:0;padding-top:0}\n"
        "b.good{color:var(--good)}b.bad{color:var(--bad)}b.wait{color:var(--up)}"
        "svg{width:100%;height:auto;display:block}\n"
        "code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}"
        "i{font-style:normal;margin-right:1rem}i.down{color:var(--down)}i.up{color:var(--up)}\n"
        "</style></head><body>\n",
        out);
}

/* ---- its parts ---- */

static void put_counter(FILE *out, const char *name, uint64_t number)
{
    (void)fprintf(out, "<div><dt>%s</dt><dd>%llu</dd></div>\n", name, (unsigned long long)number);
}

static void put_amount(FILE *out, const char *name, uint64_t bytes)
{
    (void)fprintf(out, "<div><dt>%s</dt><dd>", name);
    put_bytes(out, (double)bytes, "</dd></div>\n");
}

static void put_counters(const struct ss_status *s, FILE *out)
{
    (void)fputs("<section><h2>Traffic</h2><dl>\n", out);
    put_amount(out, "Down", s->down);
    put_amount(out, "Up", s->up);
    put_counter(out, "Connections now", s->live);
    put_counter(out, "Connections so far", s->accepted);
    put_counter(out, "Failed", s->failed);
    if (s->packets_up + s->packets_down > 0)
        put_counter(out, "UDP packets", s->packets_up + s->packets_down);
    (void)fputs("</dl>\n", out);
}

/* Bytes per second between a sample and the one before it. */
static double rate(const struct ss_status *s, size_t i, bool down)
{
    const struct ss_status_sample *a = &s->sample[i - 1], *b = &s->sample[i];
    uint64_t bytes = down ? b->down - a->down : b->up - a->up;
    return b->ms > a->ms ? (double)bytes * 1000 / (double)(b->ms - a->ms) : 0;
}

/* The newest point is at the right. */
static void put_curve(const struct ss_status *s, bool down, double most, FILE *out)
{
    (void)fprintf(out, "<polyline fill=\"none\" stroke=\"var(--%s)\" stroke-width=\"2\" points=\"",
                  down ? "down" : "up");
    for (size_t i = 1; i < s->samples; i++)
        (void)fprintf(out, "%d,%.1f ", WIDTH - (int)(s->samples - 1 - i) * STEP,
                      HEIGHT - 2 - (HEIGHT - 6) * rate(s, i, down) / most);
    (void)fputs("\"/>", out);
}

static void put_graph(const struct ss_status *s, FILE *out)
{
    double most = 1;
    for (size_t i = 1; i < s->samples; i++) {
        double down = rate(s, i, true), up = rate(s, i, false);
        most = down > most ? down : most;
        most = up > most ? up : most;
    }
    (void)fprintf(out,
                  "<p><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Traffic while this page "
                  "is open\"><path d=\"M0 %d.5H%d\" stroke=\"var(--line)\"/>",
                  WIDTH, HEIGHT, HEIGHT - 1, WIDTH);
    put_curve(s, true, most, out);
    put_curve(s, false, most, out);
    (void)fputs("</svg></p><p class=\"dim\">", out);
    if (s->samples < 2) {
        (void)fputs("The graph begins with the next look.</p></section>\n", out);
        return;
    }
    (void)fputs("<i class=\"down\">&#9632; down ", out);
    put_bytes(out, rate(s, s->samples - 1, true), "/s</i>");
    (void)fputs("<i class=\"up\">&#9632; up ", out);
    put_bytes(out, rate(s, s->samples - 1, false), "/s</i>");
    (void)fputs("at most ", out);
    put_bytes(out, most, "/s</p></section>\n");
}

static void put_server(const struct ss_status_server *server, FILE *out)
{
    static const struct {
        const char *style, *word;
    } states[] = {
        [SS_STATUS_UP] = {"good", "ready"},
        [SS_STATUS_STARTING] = {"wait", "its plugin is starting"},
        [SS_STATUS_FAILING] = {"bad", "not reached"},
        [SS_STATUS_DEAD] = {"bad", "its plugin has ended"},
    };
    (void)fputs("<li><code>", out);
    put_text(out, server->address);
    (void)fprintf(out, "</code> <b class=\"%s\">%s</b><br><span class=\"dim\">",
                  states[server->state].style, states[server->state].word);
    put_text(out, server->method);
    (void)fputs(*server->plugin != '\0' ? ", plugin " : ", no plugin", out);
    put_text(out, server->plugin);
    if (server->latency_ms > 0)
        (void)fprintf(out, ", %u ms", server->latency_ms);
    if (server->failures == 1)
        (void)fputs(", failed the last time", out);
    else if (server->failures > 1)
        (void)fprintf(out, ", failed %u times in a row", server->failures);
    (void)fputs("</span></li>\n", out);
}

static void put_servers(const struct ss_status *s, FILE *out)
{
    (void)fprintf(out, "<section><h2>%s</h2><ul>\n", s->servers == 1 ? "Server" : "Servers");
    for (size_t i = 0; i < s->servers; i++)
        put_server(&s->server[i], out);
    if (s->hidden > 0)
        (void)fprintf(out, "<li class=\"dim\">and %zu more</li>\n", s->hidden);
    (void)fputs("</ul></section>\n", out);
}

static void put_use(const struct ss_status *s, const char *where, FILE *out)
{
    (void)fprintf(
        out,
        "<section><h2>Set up a browser</h2><ul>\n"
        "<li>Automatic: the address for proxy configuration is<br>"
        "<code>http://%s/proxy.pac</code></li>\n"
        "<li>By hand: HTTP and HTTPS proxy, or SOCKS5 with names looked up by the proxy, "
        "at<br><code>%s</code></li>\n"
        "<li>Chromium: <code>chromium --proxy-pac-url=http://%s/proxy.pac</code></li>\n"
        "<li>Firefox: Settings, Network Settings, Automatic proxy configuration URL</li>\n"
        "<li>A shell: <code>export all_proxy=socks5h://%s http_proxy=http://%s "
        "https_proxy=http://%s</code></li>\n"
        "</ul>%s</section>\n",
        where, where, where, where, where, where,
        s->users ? "<p class=\"dim\">The proxy asks for a user and a password.</p>" : "");
}

void ss_status_write(const struct ss_status *s, const char *where, FILE *out)
{
    put_head(out);
    (void)fprintf(out, "<h1>Shadowplug</h1><p class=\"dim\">SOCKS and HTTP at %s</p>\n", where);
    put_servers(s, out);
    put_counters(s, out);
    put_graph(s, out);
    put_use(s, where, out);
    (void)fputs("</body></html>\n", out);
}
