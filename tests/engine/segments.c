/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* segments.c - cutting graphs into segments: what must hold of every cut, on random graphs, and known cuts of small
 * ones. Nothing here uses the cutter's own idea of a region: paths are searched by brute force. */
#include "engine/segment.h"
#include "test.h"

enum { MOST = 48, OUTSIDE = 4 };

typedef struct {
    tn_cut_node nodes[MOST];
    tn_cut_value values[MOST + OUTSIDE];
    int readers[MOST + OUTSIDE][MOST];
    bool edge[MOST][MOST];
    tn_cut c;
    tn_segments s;
    tn_arena *a;
} trial;

static void fresh(trial *t, int n) {
    memset(t, 0, sizeof *t);
    t->c = (tn_cut){ .nodes = t->nodes, .n_nodes = n, .values = t->values, .n_values = n, .all = true };
    t->a = tn_arena_new(0, TN_MEM_GENERAL);
    for (int i = 0; i < MOST + OUTSIDE; i++)
        t->values[i] = (tn_cut_value){ .maker = i < n ? i : -1, .readers = t->readers[i] };
}

static void edge(trial *t, int from, int to) {
    tn_cut_value *v = &t->values[from];
    t->readers[from][v->n_readers++] = to;
    t->edge[from][to] = true;
}

static void cut(trial *t) { check_ok(tn_segments_find(&t->c, t->a, &t->s)); }

static void finish(trial *t) { tn_arena_free(&t->a); }

static int set_of(const trial *t, int node) {
    return t->s.segment[node] >= 0 ? t->s.segment[node] : t->s.n_segments + node;
}

/* Whether a path leads from set x to set y, of two edges at least (through other sets only). */
static bool far_path(const trial *t, int x, int y) {
    bool seen[2 * MOST] = { false }, more = true;
    int n = t->c.n_nodes;
    seen[x] = true;
    while (more) {
        more = false;
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++) {
                int p = set_of(t, i), q = set_of(t, k);
                if (!t->edge[i][k] || p == q || !seen[p]) continue;
                if (q == y && p != x) return true;
                if (q != y && !seen[q]) seen[q] = more = true;
            }
    }
    return false;
}

static void check_order(const trial *t) {
    int at[MOST], n = t->c.n_nodes, before = -1, next = 0;
    for (int i = 0; i < n; i++) at[i] = -1;
    for (int i = 0; i < n; i++) {
        int x = t->s.order[i], s = t->s.segment[x];
        check(x >= 0 && x < n && at[x] < 0, "node %d comes twice\n", x);
        at[x] = i;
        if (s >= 0 && s != before) check(s == next++, "segment %d is not in one piece\n", s);
        before = s;
    }
    assert_int_equal(next, t->s.n_segments);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            check(!t->edge[i][k] || at[i] < at[k], "node %d comes before %d, which it reads\n", k, i);
}

static void check_connected(const trial *t, int s) {
    int n = t->c.n_nodes, first = 0;
    bool seen[MOST] = { false }, more = true;
    while (t->s.segment[first] != s) first++;
    seen[first] = true;
    while (more) {
        more = false;
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++) {
                if (!t->edge[i][k] || t->s.segment[i] != s || t->s.segment[k] != s || seen[i] == seen[k]) continue;
                seen[i] = seen[k] = more = true;
            }
    }
    for (int i = 0; i < n; i++) check(t->s.segment[i] != s || seen[i], "node %d is apart from segment %d\n", i, s);
}

/* Two segments with an edge between them, and nothing else, would be one. */
static void check_maximal(const trial *t) {
    int n = t->c.n_nodes;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            int x = t->s.segment[i], y = t->s.segment[k];
            if (!t->edge[i][k] || x < 0 || y < 0 || x == y) continue;
            check(far_path(t, x, y), "segments %d and %d could be one\n", x, y);
        }
}

static void check_cut(const trial *t) {
    check_order(t);
    for (int s = 0; s < t->s.n_segments; s++) {
        check_connected(t, s);
        check(!far_path(t, s, s), "a path leaves segment %d and comes back\n", s);
    }
    for (int i = 0; i < t->c.n_nodes; i++)
        check(t->s.segment[i] < 0 || t->nodes[i].fits || t->nodes[i].free, "node %d does not fit\n", i);
}

static void random_graph(trial *t, uint64_t *seed) {
    int n = 1 + (int)(test_random(seed) % MOST), often = 1 + (int)(test_random(seed) % 8);
    int near = 1 + (int)(test_random(seed) % 12);
    fresh(t, n);
    for (int i = 0; i < n; i++) {
        t->nodes[i].fits = (int)(test_random(seed) % 9) < often;
        t->nodes[i].gain_ns = (double)(test_random(seed) % 100);
        t->values[i].copy_ns = (double)(test_random(seed) % 60);
        t->values[i].wanted = test_random(seed) % 8 == 0;
        for (int k = i - near > 0 ? i - near : 0; k < i; k++)
            if (test_random(seed) % 3 == 0) edge(t, k, i);
    }
    t->c.n_values += OUTSIDE;
    for (int v = n; v < n + OUTSIDE; v++) {
        t->values[v].copy_ns = (double)(test_random(seed) % 60);
        for (int i = 0; i < n; i++)
            if (test_random(seed) % 6 == 0) t->readers[v][t->values[v].n_readers++] = i;
    }
    t->c.launch_ns = (double)(test_random(seed) % 50);
}

static void random_cuts(void **state) {
    (void)state;
    uint64_t seed = 11;
    int segments = 0;
    for (int round = 0; round < 3000; round++) {
        trial t;
        random_graph(&t, &seed);
        cut(&t);
        check_cut(&t);
        check_maximal(&t);
        for (int i = 0; i < t.c.n_nodes; i++)
            check(t.s.segment[i] >= 0 || !t.nodes[i].fits, "node %d fits, and no segment has it\n", i);
        segments += t.s.n_segments;
        finish(&t);
    }
    check(segments > 6000, "%d segments in all\n", segments);
}

/* The worth of a segment, reckoned anew. */
static double worth_of(const trial *t, int s) {
    double w = -t->c.launch_ns;
    for (int i = 0; i < t->c.n_nodes; i++) w += t->s.segment[i] == s && !t->nodes[i].free ? t->nodes[i].gain_ns : 0;
    for (int k = 0; k < t->c.n_values; k++) {
        const tn_cut_value *v = &t->values[k];
        int home = v->maker >= 0 ? t->s.segment[v->maker] : -1, takers = 0;
        bool host = v->wanted, reads = false, taker[MOST] = { false };
        for (int i = 0; i < v->n_readers; i++) {
            int r = t->s.segment[v->readers[i]];
            host = host || r < 0;
            reads = reads || r == s;
            if (r >= 0 && !taker[r]) taker[r] = true, takers++;
        }
        if (home == s && host) w -= v->copy_ns;
        if (home < 0 && reads) w -= v->copy_ns / takers;
    }
    return w;
}

static void worthless_segments_stay(void **state) {
    (void)state;
    uint64_t seed = 12;
    int kept = 0, could = 0;
    for (int round = 0; round < 3000; round++) {
        trial t;
        random_graph(&t, &seed);
        cut(&t);
        could += t.s.n_segments;
        t.c.all = false;
        cut(&t);
        check_cut(&t);
        kept += t.s.n_segments;
        for (int s = 0; s < t.s.n_segments; s++)
            check(worth_of(&t, s) > -1e-6, "segment %d is worth %g\n", s, worth_of(&t, s));
        finish(&t);
    }
    check(kept > 1000 && kept < could * 3 / 4, "%d of %d segments are worth it\n", kept, could);
}

/* a -> b -> d, a -> c -> d with c on the CPU: a may go to neither side's end, b goes with one of them. */
static void diamond(void **state) {
    (void)state;
    trial t;
    fresh(&t, 4);
    edge(&t, 0, 1), edge(&t, 0, 2), edge(&t, 1, 3), edge(&t, 2, 3);
    t.nodes[0].fits = t.nodes[1].fits = t.nodes[3].fits = true;
    cut(&t);
    check_cut(&t);
    assert_int_equal(t.s.n_segments, 2);
    assert_int_equal(t.s.segment[0], 0);
    assert_int_equal(t.s.segment[1], 0);
    assert_int_equal(t.s.segment[2], -1);
    assert_int_equal(t.s.segment[3], 1);
    t.nodes[2].fits = true;
    cut(&t);
    assert_int_equal(t.s.n_segments, 1);
    assert_int_equal(t.s.fitting, 4);
    finish(&t);
}

/* Two regions, each without a path out of it and back, that would wait for each other: a0 -> b0, b1 -> a1, where a0 and
 * a1 meet in a2, b0 and b1 in b2, and the CPU stands between. */
static void crossing(void **state) {
    (void)state;
    enum { A0, B1, C0, C1, B0, A1, A2, B2 };
    trial t;
    fresh(&t, 8);
    edge(&t, A0, C0), edge(&t, C0, B0), edge(&t, B1, C1), edge(&t, C1, A1);
    edge(&t, A0, A2), edge(&t, A1, A2), edge(&t, B0, B2), edge(&t, B1, B2);
    for (int i = 0; i < 8; i++) t.nodes[i].fits = i != C0 && i != C1;
    cut(&t);
    check_cut(&t);
    check_maximal(&t);
    finish(&t);
}

/* Work of the CPU that waits for nothing stands between a segment and work that waits for it. */
static void overlapping(void **state) {
    (void)state;
    enum { DEVICE, WAITS, FREE0, FREE1, LAST };
    trial t;
    fresh(&t, 5);
    edge(&t, DEVICE, WAITS), edge(&t, FREE0, FREE1), edge(&t, WAITS, LAST), edge(&t, FREE1, LAST);
    t.nodes[DEVICE].fits = true;
    cut(&t);
    const int want[] = { DEVICE, FREE0, FREE1, WAITS, LAST };
    assert_memory_equal(t.s.order, want, sizeof want);
    finish(&t);
}

/* Another shape at the end of a region is made on the CPU; inside it goes along; alone it is no segment. */
static void free_nodes(void **state) {
    (void)state;
    trial t;
    fresh(&t, 5);
    edge(&t, 0, 1), edge(&t, 1, 2), edge(&t, 2, 3), edge(&t, 3, 4);
    t.nodes[0].fits = t.nodes[2].fits = true;
    t.nodes[1].free = t.nodes[3].free = true;
    cut(&t);
    const int inside[] = { 0, 0, 0, -1, -1 }, none[] = { -1, -1, -1, -1, -1 };
    assert_memory_equal(t.s.segment, inside, sizeof inside);
    assert_int_equal(t.s.fitting, 2);
    t.nodes[0].fits = t.nodes[2].fits = false;
    cut(&t);
    assert_memory_equal(t.s.segment, none, sizeof none);
    finish(&t);
}

/* Two segments that read one value of the host pay half of its copy each. */
static void shared_copies(void **state) {
    (void)state;
    trial t;
    fresh(&t, 5);
    edge(&t, 0, 1), edge(&t, 0, 2), edge(&t, 1, 3), edge(&t, 2, 4);
    t.nodes[1].fits = t.nodes[2].fits = true;
    t.nodes[1].gain_ns = t.nodes[2].gain_ns = 70;
    t.values[0].copy_ns = 100;
    t.c.all = false;
    cut(&t);
    assert_int_equal(t.s.n_segments, 2);
    t.nodes[2].gain_ns = 40; /* then neither: the other one would pay all */
    cut(&t);
    assert_int_equal(t.s.n_segments, 0);
    finish(&t);
}

/* A long chain and a wide fan take no quadratic time. */
static void large(void **state) {
    (void)state;
    enum { N = 60000 };
    tn_cut_node *nodes = calloc(N, sizeof *nodes);
    tn_cut_value *values = calloc(N, sizeof *values);
    int *readers = calloc(N, sizeof *readers);
    for (int wide = 0; wide < 2; wide++) {
        for (int i = 0; i < N; i++) {
            nodes[i].fits = wide ? i > 0 : i % 7 < 5;
            readers[i] = i + 1;
            values[i] = (tn_cut_value){ .maker = i, .readers = &readers[i], .n_readers = !wide && i + 1 < N };
        }
        if (wide) values[0].readers = readers, values[0].n_readers = N - 1;
        tn_cut c = { .nodes = nodes, .n_nodes = N, .values = values, .n_values = N, .all = true };
        tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
        tn_segments s;
        check_ok(tn_segments_find(&c, a, &s));
        assert_int_equal(s.n_segments, wide ? N - 1 : (N + 6) / 7);
        tn_arena_free(&a);
    }
    free(nodes), free(values), free(readers);
}

static void without_memory(void **state) {
    (void)state;
    uint64_t seed = 13;
    trial t;
    random_graph(&t, &seed);
    bool failed = true;
    for (unsigned long n = 1; failed; n++) {
        tn_arena *a = tn_arena_new(64, TN_MEM_GENERAL);
        tn_mem_fail_once(n);
        tn_status st = tn_segments_find(&t.c, a, &t.s);
        failed = tn_mem_failed_once();
        tn_mem_fail_once(0);
        assert_int_equal(st, failed ? TN_E_NOMEM : TN_OK);
        tn_arena_free(&a);
        assert_true(n < 1000);
    }
    finish(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_cuts),    cmocka_unit_test(worthless_segments_stay),
        cmocka_unit_test(diamond),        cmocka_unit_test(crossing),
        cmocka_unit_test(overlapping),    cmocka_unit_test(free_nodes),
        cmocka_unit_test(shared_copies),  cmocka_unit_test(large),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
