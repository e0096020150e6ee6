/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* device_sim.c - the simulated device by itself: memory that only its commands touch, streams in order, tickets,
 * resets, failures that stay; and the places that devices are given for a segment's inner values. */
#include "engine/device_sim.h"
#include "base/clock.h"
#include "engine/memory.h"
#include "test.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 64 };

typedef struct {
    tn_device *d;
    const tn_device_ops *ops;
    void *stream, *memory;
} rig;

static rig open_rig(const char *spec) {
    rig r = { 0 };
    check_ok(tn_device_open(spec, &r.d));
    r.ops = r.d->ops;
    check_ok(r.ops->stream_open(r.d->self, &r.stream));
    check_ok(r.ops->alloc(r.d->self, 4096, &r.memory));
    return r;
}

static void close_rig(rig *r) {
    r->ops->stream_close(r->stream);
    r->ops->free(r->d->self, r->memory);
    tn_sim_counts c = tn_sim_counts_of(r->d);
    assert_true(!c.bytes && !c.memories && !c.streams && !c.programs && !c.hosts);
    tn_device_close(&r->d);
}

static tn_device_place at(const rig *r, size_t offset) { return (tn_device_place){ r->memory, offset, N }; }

static void wait_all(const rig *r, tn_device_ticket t) {
    bool done = false;
    while (!done) check_ok(r->ops->wait(r->stream, t, 1000000, &done));
}

static void there_and_back(void **state) {
    (void)state;
    rig r = open_rig("sim:copy_us=2000");
    char up[3][N], down[3][N];
    tn_device_ticket t[6], before = 0;
    bool done;
    for (int i = 0; i < 3; i++) memset(up[i], 'a' + i, N);
    memset(down, 0, sizeof down);
    for (int i = 0; i < 3; i++) check_ok(r.ops->upload(r.stream, at(&r, (size_t)i * N), up[i], &t[i]));
    for (int i = 0; i < 3; i++) check_ok(r.ops->download(r.stream, down[i], at(&r, (size_t)i * N), &t[3 + i]));
    for (int i = 0; i < 6; i++) {
        check(t[i] > before, "ticket %d is %llu\n", i, (unsigned long long)t[i]);
        before = t[i];
    }
    check_ok(r.ops->wait(r.stream, t[5], 0, &done));
    assert_false(done); /* six copies take 12 ms */
    wait_all(&r, t[2]);
    assert_true(tn_sim_counts_of(r.d).events[TN_SIM_UPLOAD] == 3);
    wait_all(&r, t[5]);
    assert_memory_equal(up, down, sizeof up);
    close_rig(&r);
}

/* A copy outside of its memory is refused, and the stream stays failed until it is reset. */
static void failures_stay(void **state) {
    (void)state;
    rig r = open_rig("sim");
    char host[N] = "nothing";
    tn_device_ticket t, later;
    bool done;
    tn_device_place outside = { r.memory, 4096 - N / 2, N };
    check_ok(r.ops->upload(r.stream, outside, host, &t));
    check_ok(r.ops->upload(r.stream, at(&r, 0), host, &later));
    tn_status st = TN_OK;
    for (done = false; !done;) st = r.ops->wait(r.stream, later, 1000000, &done);
    check_fails(st, TN_E_DEVICE, "do not lie in 4096 bytes");
    assert_int_equal(tn_sim_counts_of(r.d).up_bytes, 0);
    check_fails(r.ops->wait(r.stream, t, 0, &done), TN_E_DEVICE, "do not lie");
    r.ops->reset(r.stream);
    check_ok(r.ops->upload(r.stream, at(&r, 0), host, &t));
    wait_all(&r, t);
    assert_int_equal(tn_sim_counts_of(r.d).up_bytes, N);
    close_rig(&r);
}

/* Commands that have not begun are dropped; one that takes long is cut short. Then nothing names the host's memory. */
static void resets(void **state) {
    (void)state;
    rig r = open_rig("sim:copy_us=30000000");
    tn_device_ticket t;
    char *host = malloc(N);
    memset(host, 1, N);
    for (int i = 0; i < 5; i++) check_ok(r.ops->upload(r.stream, at(&r, 0), host, &t));
    double t0 = tn_clock_s();
    r.ops->reset(r.stream);
    check(tn_clock_s() - t0 < 5, "a reset takes %.1f s\n", tn_clock_s() - t0);
    free(host);
    assert_true(tn_sim_counts_of(r.d).events[TN_SIM_UPLOAD] <= 1);
    close_rig(&r);
}

/* Does touching the address end a process? */
static bool deadly(char *p, bool write) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        if (write)
            *(volatile char *)p = 1;
        else
            (void)*(volatile char *)p;
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

/* The first bytes of what alloc returned are the address (device_sim_parts.h): nobody but the device may follow it. */
static void memory_is_apart(void **state) {
    (void)state;
    rig r = open_rig("sim");
    char *base, host[N] = "x", *pinned = r.ops->host_alloc(r.d->self, N);
    memcpy(&base, r.memory, sizeof base);
    tn_device_ticket t;
    check_ok(r.ops->upload(r.stream, at(&r, 0), host, &t));
    wait_all(&r, t);
    assert_true(deadly(base, false) && deadly(base, true));
    assert_false(deadly(pinned, false) || deadly(pinned, true));
    check_ok(r.ops->download(r.stream, pinned, at(&r, 0), &t));
    wait_all(&r, t);
    assert_memory_equal(pinned, host, N);
    assert_int_equal(tn_sim_counts_of(r.d).pinned, 1);
    r.ops->host_free(r.d->self, pinned);
    close_rig(&r);
}

/* One device for everybody who asks for the same, as long as anybody does. */
static void devices_are_shared(void **state) {
    (void)state;
    tn_device *a, *b, *c;
    check_ok(tn_device_open("sim:cheap", &a));
    check_ok(tn_device_open("sim:cheap", &b));
    check_ok(tn_device_open("SIM:plain", &c));
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_true(c->ops->traits(c->self).plain_graph && !a->ops->traits(a->self).plain_graph);
    assert_true(a->ops->traits(a->self).copy_ns == 0 && c->ops->traits(c->self).copy_ns > 0);
    tn_device_close(&a);
    tn_device_close(&b);
    tn_device_close(&c);
    check_ok(tn_device_open("cpu", &a));
    assert_null(a);
    check_ok(tn_device_open("sim:cheap", &a));
    assert_int_equal(tn_sim_counts_of(a).events[TN_SIM_OPEN], 1);
    tn_device_close(&a);
    for (int i = 0; tn_device_rows[i]; i++) assert_true(tn_device_rows[i]->name && tn_device_rows[i]->doc);
}

static int fills;
static tn_status fill_twos(void *dst, const void *user) {
    (void)user;
    memset(dst, 2, N);
    fills++;
    return TN_OK;
}

static tn_status fill_fails(void *dst, const void *user) {
    (void)dst, (void)user;
    return tn_fail(TN_E_UNSUPPORTED, "no such form");
}

static void constants(void **state) {
    (void)state;
    rig r = open_rig("sim");
    tn_device_constant *c[4];
    char back[N], twos[N];
    tn_tensor t;
    tn_device_ticket ticket;
    check_ok(tn_tensor_init(&t, TN_U8, 1, (int64_t[]){ N }, TN_MEM_WEIGHTS));
    memset(t.data, 1, N);
    check_ok(tn_device_constant_get(r.d, &t, "plain", N, NULL, NULL, &c[0])); /* no id: for one alone */
    check_ok(tn_device_constant_get(r.d, &t, "plain", N, NULL, NULL, &c[1]));
    assert_ptr_not_equal(c[0], c[1]);
    tn_tensor_identify(&t);
    check_ok(tn_device_constant_get(r.d, &t, "twos", N, fill_twos, NULL, &c[2]));
    check_ok(tn_device_constant_get(r.d, &t, "twos", N, fill_twos, NULL, &c[3]));
    assert_ptr_equal(c[2], c[3]);
    assert_int_equal(fills, 1);
    check_ok(r.ops->download(r.stream, back, tn_device_constant_place(c[3]), &ticket));
    wait_all(&r, ticket);
    memset(twos, 2, N);
    assert_memory_equal(back, twos, N);
    tn_device_constant *none;
    check_fails(tn_device_constant_get(r.d, &t, "none", N, fill_fails, NULL, &none), TN_E_UNSUPPORTED, "no such form");
    for (int i = 0; i < 4; i++) tn_device_constant_drop(r.d, &c[i]);
    assert_null(r.d->constants);
    tn_tensor_reset(&t);
    close_rig(&r);
}

/* x -> a -> b (another shape of a) -> c -> y, with d made beside: a lives as long as b, d shares the place of none that
 * lives with it, y is no inner value. */
static void inner_places(void **state) {
    (void)state;
    enum { X, A, B, C, D, Y, VALUES };
    tn_op plain = { .name = "Relu" }, alias = { .name = "Reshape", .flags = TN_OP_ALIAS };
    tn_node nodes[] = { { .op = &plain }, { .op = &alias }, { .op = &plain }, { .op = &plain }, { .op = &plain } };
    const int in[] = { X, A, A, B, C }, out[] = { A, B, D, C, Y };
    tn_segment_node n[TN_COUNT(nodes)];
    tn_segment_value v[VALUES] = {
        [X] = { .role = TN_ROLE_INPUT, .first = -1, .last = 0 },
        [A] = { .role = TN_ROLE_INNER, .first = 0, .last = 2 },
        [B] = { .role = TN_ROLE_INNER, .first = 1, .last = 3 },
        [C] = { .role = TN_ROLE_INNER, .first = 3, .last = 4 },
        [D] = { .role = TN_ROLE_INNER, .first = 2, .last = -1 },
        [Y] = { .role = TN_ROLE_OUTPUT, .first = 4, .last = -1 }
    };
    for (int i = 0; i < VALUES; i++) v[i].bytes = 100;
    for (size_t i = 0; i < TN_COUNT(nodes); i++)
        n[i] = (tn_segment_node){ .node = &nodes[i], .types = { .n_in = 1, .n_out = 1 }, .in = &in[i], .out = &out[i] };
    const tn_segment s = { .nodes = n, .n_nodes = TN_COUNT(nodes), .values = v, .n_values = VALUES };
    int same[VALUES];
    size_t places[VALUES], bytes;
    check_ok(tn_segment_lay_out(&s, same, places, &bytes));
    const int want[] = { X, A, A, C, D, Y };
    assert_memory_equal(same, want, sizeof want);
    assert_int_equal(bytes, 2 * tn_align_up(100, TN_ARENA_ALIGN));
    assert_int_not_equal(places[A], places[C]);
    assert_int_not_equal(places[A], places[D]);
    v[B].role = TN_ROLE_OUTPUT; /* it has to lie where the engine says */
    check_ok(tn_segment_lay_out(&s, same, places, &bytes));
    assert_int_equal(same[B], B);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),  cmocka_unit_test(failures_stay),      cmocka_unit_test(resets),
        cmocka_unit_test(memory_is_apart), cmocka_unit_test(devices_are_shared), cmocka_unit_test(constants),
        cmocka_unit_test(inner_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
