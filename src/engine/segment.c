/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* segment.c - regions by phases, joined, weighed and put in order: see segment.h.
 *
 * Regions are sets of nodes with the smallest node as their name; a node of the CPU is a set of its own. */
#include "engine/segment.h"
#include <string.h>

typedef struct {
    const tn_cut *c;
    int n;
    int *edges_at, *edges; /* readers of node i's values: edges[edges_at[i] .. edges_at[i + 1]) */
    int *root, *next;      /* sets: name; members, each after the one before, -1 at the end */
    int *tail;             /* by name: the last member */
    bool *device;          /* by node: in a region */
    int *seen, stamp;      /* by name: marks of a search */
    int *tried, attempt;   /* by name: marks of regions that were tried */
    int *stack;
    uint64_t steps; /* that searches may still take */
} cutting;

static bool make_edges(cutting *k, tn_arena *a) {
    const tn_cut *c = k->c;
    size_t total = 0;
    k->edges_at = tn_arena_array(a, int, (size_t)k->n + 2);
    if (!k->edges_at) return false;
    for (int v = 0; v < c->n_values; v++) {
        if (c->values[v].maker < 0) continue;
        k->edges_at[c->values[v].maker + 1] += c->values[v].n_readers;
        total += (size_t)c->values[v].n_readers;
    }
    for (int i = 0; i < k->n; i++) k->edges_at[i + 1] += k->edges_at[i];
    int *at = tn_arena_array(a, int, (size_t)k->n + 1);
    k->edges = tn_arena_array(a, int, total + 1);
    if (!at || !k->edges) return false;
    memcpy(at, k->edges_at, (size_t)k->n * sizeof *at);
    for (int v = 0; v < c->n_values; v++)
        for (int i = 0; i < c->values[v].n_readers && c->values[v].maker >= 0; i++)
            k->edges[at[c->values[v].maker]++] = c->values[v].readers[i];
    k->steps = 64 * (total + (size_t)k->n) + 1000000;
    return true;
}

static bool begin(cutting *k, tn_arena *a) {
    size_t n = (size_t)k->n + 1;
    k->root = tn_arena_array(a, int, n);
    k->next = tn_arena_array(a, int, n);
    k->tail = tn_arena_array(a, int, n);
    k->seen = tn_arena_array(a, int, n);
    k->tried = tn_arena_array(a, int, n);
    k->stack = tn_arena_array(a, int, n);
    k->device = tn_arena_array(a, bool, n);
    if (!k->root || !k->next || !k->tail || !k->seen || !k->tried || !k->stack || !k->device || !make_edges(k, a))
        return false;
    for (int i = 0; i < k->n; i++) {
        k->root[i] = k->tail[i] = i;
        k->next[i] = -1;
        k->device[i] = k->c->nodes[i].fits || k->c->nodes[i].free;
    }
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- regions */

/* The members of the second set go to the first; names stay those of the smallest node. */
static void unite(cutting *k, int x, int y) {
    int to = k->root[x], from = k->root[y];
    if (to == from) return;
    if (from < to) to = k->root[y], from = k->root[x];
    for (int m = from; m >= 0; m = k->next[m]) k->root[m] = to;
    k->next[k->tail[to]] = from;
    k->tail[to] = k->tail[from];
}

/* Relabelling is quadratic for a chain that grows from its end, so the sets are found first, then listed. */
static int find(int *up, int i) {
    while (up[i] != i) i = up[i] = up[up[i]];
    return i;
}

static void list_members(cutting *k, int *up) {
    for (int i = 0; i < k->n; i++) {
        int r = find(up, i);
        k->root[i] = r;
        if (r == i) continue;
        k->next[k->tail[r]] = i;
        k->tail[r] = i;
    }
}

static bool find_phases(cutting *k, tn_arena *a) {
    int *phase = tn_arena_array(a, int, (size_t)k->n + 1), *up = tn_arena_array(a, int, (size_t)k->n + 1);
    if (!phase || !up) return false;
    for (int i = 0; i < k->n; i++) up[i] = i;
    for (int i = 0; i < k->n; i++)
        for (int e = k->edges_at[i]; e < k->edges_at[i + 1]; e++) {
            int r = k->edges[e], p = phase[i] + (k->device[i] != k->device[r]);
            if (p > phase[r]) phase[r] = p;
        }
    for (int i = 0; i < k->n; i++) /* phases are final now; all of a region have their source's kind */
        for (int e = k->edges_at[i]; e < k->edges_at[i + 1] && k->device[i]; e++) {
            int r = k->edges[e];
            if (!k->device[r] || phase[r] != phase[i]) continue;
            int x = find(up, i), y = find(up, r);
            if (x < y)
                up[y] = x;
            else
                up[x] = y;
        }
    list_members(k, up);
    return true;
}

/* Whether a path of two or more edges leads from one region to another; true, too, when looking takes too long. */
static bool another_path(cutting *k, int from, int to) {
    int n = 0;
    k->stamp++;
    k->seen[from] = k->stamp;
    k->stack[n++] = from;
    while (n) {
        int set = k->stack[--n];
        for (int m = set; m >= 0; m = k->next[m])
            for (int e = k->edges_at[m]; e < k->edges_at[m + 1]; e++) {
                int r = k->root[k->edges[e]];
                if (!k->steps || !--k->steps) return true;
                if (r == to && set != from) return true;
                if (r == to || k->seen[r] == k->stamp) continue;
                k->seen[r] = k->stamp;
                k->stack[n++] = r;
            }
    }
    return false;
}

/* A region takes in one that reads from it, where nothing stands between them. true: it took one. */
static bool join_reader(cutting *k, int set) {
    k->attempt++;
    for (int m = set; m >= 0; m = k->next[m])
        for (int e = k->edges_at[m]; e < k->edges_at[m + 1]; e++) {
            int r = k->root[k->edges[e]];
            if (r == set || !k->device[r] || k->tried[r] == k->attempt) continue;
            k->tried[r] = k->attempt;
            if (another_path(k, set, r)) continue;
            unite(k, set, r);
            return true;
        }
    return false;
}

/* A pair that another path kept apart may be joined once what lies on the path has been. */
static void join_regions(cutting *k) {
    for (bool more = true; more && k->steps;) {
        more = false;
        for (int i = 0; i < k->n; i++)
            while (k->steps && k->device[i] && k->root[i] == i && join_reader(k, i)) more = true;
    }
}

/* --------------------------------------------------------------------------------------------------------- weighing */

/* Another shape of memory that no region reads is as well made on the CPU, from what is copied there anyhow. */
static void trim_free(cutting *k) {
    for (int i = k->n - 1; i >= 0; i--) {
        bool read = false;
        for (int e = k->edges_at[i]; e < k->edges_at[i + 1]; e++) read = read || k->device[k->edges[e]];
        if (k->device[i] && k->c->nodes[i].free && !read) k->device[i] = false;
    }
}

/* What a value's copies cost the regions at its ends. */
static void charge(cutting *k, const tn_cut_value *v, double *worth) {
    bool made = v->maker >= 0 && k->device[v->maker], host = v->wanted;
    int home = made ? k->root[v->maker] : -1, regions = 0;
    k->stamp++;
    for (int i = 0; i < v->n_readers; i++) {
        int r = k->root[v->readers[i]];
        if (!k->device[v->readers[i]]) host = true;
        if (!k->device[v->readers[i]] || r == home || k->seen[r] == k->stamp) continue;
        k->seen[r] = k->stamp;
        k->stack[regions++] = r;
    }
    if (made && host) worth[home] -= v->copy_ns;
    for (int i = 0; i < regions && !made; i++) worth[k->stack[i]] -= v->copy_ns / regions;
}

static bool drop_worthless(cutting *k, double *worth, bool *real) {
    bool dropped = false;
    for (int i = 0; i < k->n; i++) worth[i] = -k->c->launch_ns, real[i] = false;
    for (int i = 0; i < k->n; i++)
        if (k->device[i] && !k->c->nodes[i].free) {
            worth[k->root[i]] += k->c->nodes[i].gain_ns;
            real[k->root[i]] = true;
        }
    for (int v = 0; v < k->c->n_values; v++) charge(k, &k->c->values[v], worth);
    for (int i = 0; i < k->n; i++) {
        int r = k->root[i];
        if (!k->device[i] || (real[r] && (k->c->all || worth[r] > 0))) continue;
        k->device[i] = false;
        dropped = true;
    }
    return dropped;
}

static bool weigh(cutting *k, tn_arena *a) {
    enum { ROUNDS = 64 };
    double *worth = tn_arena_array(a, double, (size_t)k->n + 1);
    bool *real = tn_arena_array(a, bool, (size_t)k->n + 1);
    if (!worth || !real) return false;
    trim_free(k);
    for (int i = 0; i < ROUNDS && drop_worthless(k, worth, real); i++) continue;
    return true;
}

/* Regions as they stay: their names are again the smallest of their nodes, and nodes of the CPU are their own. */
static bool settle(cutting *k, tn_arena *a) {
    int *up = tn_arena_array(a, int, (size_t)k->n + 1), *name = tn_arena_array(a, int, (size_t)k->n + 1);
    if (!up || !name) return false;
    for (int i = 0; i < k->n; i++) name[i] = -1;
    for (int i = 0; i < k->n; i++) {
        int r = k->root[i];
        if (k->device[i] && name[r] < 0) name[r] = i;
        up[i] = k->device[i] ? name[r] : i;
    }
    for (int i = 0; i < k->n; i++) k->next[i] = -1, k->tail[i] = i;
    list_members(k, up);
    return true;
}

/* ------------------------------------------------------------------------------------------------------------ order */

typedef struct {
    uint64_t *v;
    int n;
} heap;

static void push(heap *h, uint64_t key) {
    int i = h->n++;
    for (; i && h->v[(i - 1) / 2] > key; i = (i - 1) / 2) h->v[i] = h->v[(i - 1) / 2];
    h->v[i] = key;
}

static uint64_t pop(heap *h) {
    uint64_t least = h->v[0], last = h->v[--h->n];
    int i = 0;
    for (int k; (k = 2 * i + 1) < h->n; i = k) {
        if (k + 1 < h->n && h->v[k + 1] < h->v[k]) k++;
        if (h->v[k] >= last) break;
        h->v[i] = h->v[k];
    }
    h->v[i] = last;
    return least;
}

/* Segments first; then by how many segments one after the other a node waits for; then as the graph has them. */
static uint64_t key_of(const cutting *k, int set, const int *waits) {
    return (uint64_t)!k->device[set] << 63 | (uint64_t)waits[set] << 32 | (uint64_t)set;
}

static void count_open(const cutting *k, int *open) {
    for (int i = 0; i < k->n; i++)
        for (int e = k->edges_at[i]; e < k->edges_at[i + 1]; e++)
            if (k->root[k->edges[e]] != k->root[i]) open[k->root[k->edges[e]]]++;
}

static bool put_in_order(cutting *k, tn_arena *a, tn_segments *out) {
    size_t n = (size_t)k->n + 1;
    int *open = tn_arena_array(a, int, n), *waits = tn_arena_array(a, int, n), at = 0;
    heap ready = { .v = tn_arena_array(a, uint64_t, n) };
    if (!open || !waits || !ready.v) return false;
    count_open(k, open);
    for (int i = 0; i < k->n; i++)
        if (k->root[i] == i && !open[i]) push(&ready, key_of(k, i, waits));
    while (ready.n) {
        int set = (int)(pop(&ready) & 0x7fffffff), name = k->device[set] ? out->n_segments++ : -1;
        for (int m = set; m >= 0; m = k->next[m]) {
            out->order[at++] = m;
            out->segment[m] = name;
        }
        for (int m = set; m >= 0; m = k->next[m])
            for (int e = k->edges_at[m]; e < k->edges_at[m + 1]; e++) {
                int r = k->root[k->edges[e]], w = waits[set] + (k->device[set] && !k->device[r]);
                if (r == set) continue;
                if (w > waits[r]) waits[r] = w;
                if (--open[r] == 0) push(&ready, key_of(k, r, waits));
            }
    }
    return at == k->n; /* a region on a cycle would be left over */
}

tn_status tn_segments_find(const tn_cut *c, tn_arena *a, tn_segments *out) {
    cutting k = { .c = c, .n = c->n_nodes };
    *out = (tn_segments){ 0 };
    out->segment = tn_arena_array(a, int, (size_t)k.n + 1);
    out->order = tn_arena_array(a, int, (size_t)k.n + 1);
    if (!out->segment || !out->order || !begin(&k, a) || !find_phases(&k, a)) goto fail;
    join_regions(&k);
    if (!weigh(&k, a) || !settle(&k, a) || !put_in_order(&k, a, out)) goto fail;
    for (int i = 0; i < k.n; i++) out->fitting += c->nodes[i].fits && !c->nodes[i].free;
    return TN_OK;
fail:
    return tn_fail(TN_E_NOMEM, "no memory to cut a graph into segments");
}
