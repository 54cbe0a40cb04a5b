/* SPDX-License-Identifier: Apache-2.0 */
#include "check/rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { READY_MS = 5000, FATE_MAX = 96, FATE_WITHIN_MS = 100, AFTERMATH_MS = 30 };

static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static const char *name_of(ssp_role role)
{
    return role == SSP_CLIENT ? "client" : "server";
}

static enum outcome start(struct rig *rig, struct process *process, ssp_role role, uint16_t back,
                          struct evidence *e)
{
    struct launch launch;
    char fate[FATE_MAX];
    uint16_t front = port_reserve();
    if (front == 0) {
        evidence_add(e, "no port is free for the %s", name_of(role));
        return FAIL;
    }
    launch_init(&launch, rig->fixture, role, front, back);
    launch.environment = rig->environment;
    if (process_start(process, &launch) == -1) {
        evidence_add(e, "the %s does not start: %s", name_of(role), strerror(errno));
        return FAIL;
    }
    if (process_await_listening(process, front, READY_MS) != LISTENS) {
        evidence_add(e, "the %s does not listen: %s", name_of(role),
                     process_fate(process, fate, sizeof fate));
        rig->late = process_alive(process);
        return FAIL;
    }
    *(role == SSP_CLIENT ? &rig->client_port : &rig->server_port) = front;
    return PASS;
}

static enum outcome possible(const struct rig *rig, struct evidence *e)
{
    const struct fixture *fixture = rig->fixture;
    if ((rig->parts & RIG_CLIENT) != 0 && fixture->client.path == NULL) {
        evidence_add(e, "no client was given");
        return NOT_APPLICABLE;
    }
    if ((rig->parts & RIG_SERVER) != 0 && fixture->server.path == NULL) {
        evidence_add(e, "no server was given");
        return NOT_APPLICABLE;
    }
    bool tcp = (rig->parts & RIG_PAIR) == RIG_CLIENT || !fixture->baseline.server_by_udp;
    if ((rig->parts & RIG_MIDDLE) != 0 && !tcp) {
        evidence_add(e, "the pair uses UDP, which middle does not relay");
        return NOT_APPLICABLE;
    }
    return PASS;
}

enum outcome rig_open(struct rig *rig, struct fixture *fixture, unsigned parts, struct evidence *e)
{
    rig->fixture = fixture;
    rig->parts = parts;
    rig->seed = 0x5eed000000000000U;
    scene_open(&rig->scene);
    enum outcome outcome = possible(rig, e);
    if (outcome != PASS)
        return outcome;
    raise_limit();
    if (backend_open(&rig->backend, &rig->scene) == -1)
        goto refused;
    if ((parts & RIG_SERVER) != 0)
        outcome = start(rig, &rig->server, SSP_SERVER, rig->backend.port, e);
    uint16_t back = (parts & RIG_SERVER) != 0 ? rig->server_port : rig->backend.port;
    if (outcome == PASS && (parts & RIG_MIDDLE) != 0) {
        if (middle_open(&rig->middle, &rig->scene, back) == -1)
            goto refused;
        back = rig->middle.port;
    }
    if (outcome == PASS && (parts & RIG_CLIENT) != 0)
        outcome = start(rig, &rig->client, SSP_CLIENT, back, e);
    return outcome;

refused:
    evidence_add(e, "the checker cannot listen: %s", strerror(errno));
    return FAIL;
}

void rig_close(struct rig *rig)
{
    process_end(&rig->client);
    process_end(&rig->server);
    middle_close(&rig->middle);
    backend_close(&rig->backend);
    scene_close(&rig->scene);
}

struct order rig_order(struct rig *rig, uint64_t up, uint64_t down, enum order_when when)
{
    rig->seed += 1U << 16;
    return (struct order){.seed = rig->seed, .up = up, .down = down, .when = (uint8_t)when};
}

void rig_blame(const struct rig *rig, const struct client *client, char *why, size_t cap)
{
    char front[STREAM_WHY_MAX], back[STREAM_WHY_MAX];
    const struct backend_conn *backend_conn = backend_find(&rig->backend, client->order.seed);
    (void)stream_why(&client->stream, front);
    if (backend_conn != NULL)
        (void)stream_why(&backend_conn->stream, back);
    else if (rig->backend.foreign > 0 && !rig->intruded)
        (void)snprintf(back, sizeof back, "%llu bytes came that were not sent",
                       (unsigned long long)rig->backend.foreign_bytes);
    else
        (void)snprintf(back, sizeof back, "nothing came");
    (void)snprintf(why, cap, "at the client %s, at the backend %s", front, back);
}

bool rig_clean(const struct rig *rig)
{
    return rig->backend.foreign == 0 && rig->backend.wrong == 0;
}

bool rig_await(struct rig *rig, unsigned limit_ms, scene_test_fn *test, void *arg)
{
    bool held = scene_run(&rig->scene, limit_ms, test, arg);
    rig->late = rig->late || !held;
    return held;
}

struct service {
    struct client client;
    const struct rig *rig;
};

static bool undisturbed(const struct service *service)
{
    const struct rig *rig = service->rig;
    const struct backend_conn *own = backend_find(&rig->backend, service->client.order.seed);
    return rig->intruded ? own == NULL || !own->wrong : rig_clean(rig);
}

/* Wrong bytes at the backend mean that no answer will come. */
static bool service_over(void *arg)
{
    struct service *service = arg;
    return client_settled(&service->client) || !undisturbed(service);
}

bool rig_serve(struct rig *rig, const struct order *order, unsigned limit_ms, char *why, size_t cap)
{
    struct service service = {.rig = rig};
    struct client *client = &service.client;
    client_open(client, &rig->scene, rig->client_port, order);
    (void)rig_await(rig, limit_ms, service_over, &service);
    if (!client_settled(client)) /* the plugins get what is on its way to them, wrong or not */
        (void)scene_run(&rig->scene, AFTERMATH_MS, client_settled, client);
    bool served = client_served(client) && undisturbed(&service);
    why[0] = '\0';
    if (!served)
        rig_blame(rig, client, why, cap);
    client_close(client);
    return served;
}

/* A process that is being killed closes its sockets before it can be waited for. */
static bool alive(struct process *process, struct evidence *e)
{
    char fate[FATE_MAX];
    if (process->pid <= 0 || !process_await_exit(process, FATE_WITHIN_MS))
        return true;
    evidence_add(e, "the %s is gone: %s", name_of(process->role),
                 process_fate(process, fate, sizeof fate));
    return false;
}

bool rig_alive(struct rig *rig, struct evidence *e)
{
    bool client = alive(&rig->client, e), server = alive(&rig->server, e);
    return client && server;
}

enum outcome rig_run(struct fixture *fixture, unsigned parts, rig_play_fn *play, struct evidence *e)
{
    struct rig rig = {0};
    enum outcome outcome = rig_open(&rig, fixture, parts, e);
    if (outcome == PASS) {
        outcome = play(&rig, e);
        if (!rig_alive(&rig, e))
            outcome = FAIL;
    }
    e->late = e->late || rig.late;
    rig_close(&rig);
    return outcome;
}
