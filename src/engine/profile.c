/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* profile.c - collecting the times of steps and showing them. */
#include "engine/profile.h"
#include "base/clean.h"
#include "engine/session.h"
#include <stdlib.h>
#include <string.h>

#define TRACE_EVENTS 100000 /* the trace keeps this many, then stops */

typedef struct row {
    struct row *next;
    tn_profile_row r;
} row;

typedef struct {
    const tn_profile_row *row;
    uint64_t start, ns;
    int run;
} event;

struct tn_profiler {
    tn_arena *arena;
    tn_map *map; /* by node and shapes */
    row *first, *last;
    size_t n;
    event *events;
    size_t n_events, cap_events;
    int runs;
};

tn_profiler *tn_profiler_new(void) {
    tn_profiler *p = tn_mem_zalloc(sizeof *p, TN_MEM_GENERAL);
    if (!p) return NULL;
    p->arena = tn_arena_new(0, TN_MEM_GENERAL);
    p->map = tn_map_new(256);
    if (!p->arena || !p->map) tn_profiler_free(&p);
    return p;
}

void tn_profiler_free(tn_profiler **profiler) {
    tn_profiler *p = *profiler;
    *profiler = NULL;
    if (!p) return;
    tn_map_free(&p->map);
    tn_arena_free(&p->arena);
    tn_mem_free(p->events);
    tn_mem_free(p);
}

void tn_profiler_clear(tn_profiler *p) {
    for (row *x = p->first; x; x = x->next) x->r.calls = x->r.total_ns = x->r.min_ns = 0;
    p->n_events = 0;
    p->runs = 0;
}

static void put_shapes(const tn_frame *f, const int *slots, int n, tn_text *t) {
    char dims[400];
    bool any = false;
    for (int i = 0; i < n; i++) {
        const tn_slot *s = slots[i] >= 0 ? &f->plan->slots[slots[i]] : NULL;
        if (!s) continue;
        if (any) tn_text_puts(t, ", ");
        any = true;
        if (s->exact)
            tn_text_puts(t, tn_dims_text(s->type.rank, s->type.dims, dims, sizeof dims));
        else
            tn_text_puts(t, "?");
    }
}

/* A segment's row is named by its first and last node, and has a list of all. false without memory. */
static bool describe_segment(tn_profiler *p, const tn_frame *f, const tn_step *s, tn_profile_row *r) {
    const tn_offload *o = f->plan->offload;
    const tn_offload_segment *g = &o->segments[s->segment];
    const char **names = tn_arena_array(p->arena, const char *, (size_t)g->n_nodes + 1);
    for (int i = 0; names && i < g->n_nodes; i++) names[i] = g->nodes[i]->name;
    r->device = o->device->ops->name;
    r->nodes = names;
    r->n_nodes = g->n_nodes;
    if (g->n_nodes == 1) return names != NULL;
    r->type = "segment";
    r->domain = "";
    r->name =
        tn_arena_printf(p->arena, "%s .. %s (%d nodes)", g->nodes[0]->name, g->nodes[g->n_nodes - 1]->name, g->n_nodes);
    return names && r->name;
}

/* The implementation that a step ran with: that of the plan, or of the sizes of now. */
static const char *impl_of(const tn_frame *f, const tn_step *s) {
    size_t i = (size_t)(s - f->plan->steps);
    const tn_impl *x = f->dynamic && f->dynamic[i].impl ? f->dynamic[i].impl : s->impl;
    return x ? x->name : "";
}

/* The row of a node in shapes, made when it is new; NULL without memory. */
static row *row_for(tn_profiler *p, const tn_frame *f, const tn_step *s) {
    const char segment = s->kind == TN_STEP_SEGMENT;
    tn_text t = { 0 };
    row *r = NULL;
    tn_text_put(&t, (const char *)&s->node, sizeof s->node);
    tn_text_put(&t, &segment, 1);
    put_shapes(f, s->in, s->n_in, &t);
    tn_text_puts(&t, " -> ");
    put_shapes(f, s->out, s->n_out, &t);
    if (t.failed || (r = tn_map_get(p->map, t.s, t.n))) goto done;
    char *key = tn_arena_strndup(p->arena, t.s, t.n);
    if (!key || !(r = tn_arena_new_of(p->arena, row))) goto done;
    r->r = (tn_profile_row){ .name = s->node->name,
                             .type = s->node->type,
                             .domain = s->node->domain ? s->node->domain : "",
                             .shapes = key + sizeof s->node + 1,
                             .impl = segment ? "" : impl_of(f, s),
                             .cost = s->cost };
    if ((segment && !describe_segment(p, f, s, &r->r)) || tn_map_put(p->map, key, t.n, r) != TN_OK) {
        r = NULL;
        goto done;
    }
    if (p->last)
        p->last->next = r;
    else
        p->first = r;
    p->last = r;
    p->n++;
done:
    tn_text_free(&t);
    return r;
}

static void add_event(tn_profiler *p, const row *r, uint64_t start, uint64_t ns) {
    if (p->n_events >= TRACE_EVENTS) return;
    if (p->n_events == p->cap_events) {
        size_t cap = p->cap_events ? 2 * p->cap_events : 1024;
        event *grown = tn_mem_alloc(cap * sizeof *grown, TN_MEM_GENERAL);
        if (!grown) return;
        if (p->n_events) memcpy(grown, p->events, p->n_events * sizeof *grown);
        tn_mem_free(p->events);
        p->events = grown;
        p->cap_events = cap;
    }
    p->events[p->n_events++] = (event){ &r->r, start, ns, p->runs };
}

void tn_profiler_add(tn_profiler *p, const tn_frame *f) {
    uint64_t at = f->started;
    for (int i = 0; i < f->plan->n_steps; i++) {
        row *r = row_for(p, f, &f->plan->steps[i]);
        if (!r) return;
        uint64_t ns = f->times[i];
        if (r->r.calls == 0 || ns < r->r.min_ns) r->r.min_ns = ns;
        r->r.calls++;
        r->r.total_ns += ns;
        add_event(p, r, at, ns);
        at += ns;
    }
    p->runs++;
}

tn_status tn_session_profile(tn_session *s, tn_profile_row **out, size_t *n) {
    *out = NULL;
    *n = 0;
    if (!s->profiler) return tn_fail(TN_E_INVALID, "this session records no times: set tn_session_opts.profile");
    pthread_mutex_lock(&s->lock);
    tn_profile_row *rows = tn_mem_alloc((s->profiler->n + 1) * sizeof *rows, TN_MEM_GENERAL);
    for (row *r = s->profiler->first; r && rows; r = r->next)
        if (r->r.calls) rows[(*n)++] = r->r;
    pthread_mutex_unlock(&s->lock);
    *out = rows;
    return rows ? TN_OK : tn_fail(TN_E_NOMEM, "no memory for the profile");
}

void tn_session_profile_clear(tn_session *s) {
    pthread_mutex_lock(&s->lock);
    if (s->profiler) tn_profiler_clear(s->profiler);
    pthread_mutex_unlock(&s->lock);
    tn_device_use *u = s->device; /* faults are remembered */
    if (u) u->runs = u->uploads = u->up_bytes = u->downloads = u->down_bytes = 0;
}

/* --------------------------------------------------------------------------------------------------------- showing */

static int slower_first(const void *a, const void *b) {
    const tn_profile_row *x = a, *y = b;
    return x->total_ns < y->total_ns ? 1 : x->total_ns > y->total_ns ? -1 : 0;
}

static double gflops(const tn_profile_row *r) {
    return r->total_ns ? r->cost.flops * (double)r->calls / (double)r->total_ns : 0;
}

static double gbytes(const tn_profile_row *r) {
    double bytes = (r->cost.bytes_read + r->cost.bytes_written) * (double)r->calls;
    return r->total_ns ? bytes / (double)r->total_ns : 0;
}

static void put_line(tn_text *out, const tn_profile_row *r, double all, const char *what) {
    tn_text_printf(out, "%9.3f %9.3f %5.1f%% %7llu %8.1f %7.1f  %-22s %s\n",
                   r->calls ? (double)r->total_ns / 1e6 / (double)r->calls : 0, (double)r->total_ns / 1e6,
                   all > 0 ? 100 * (double)r->total_ns / all : 0, (unsigned long long)r->calls, gflops(r), gbytes(r),
                   tn_shown(r->type), what);
}

void tn_profile_table(const tn_profile_row *rows, size_t n, tn_text *out) {
    tn_profile_row *sorted = tn_mem_alloc((n + 1) * sizeof *sorted, TN_MEM_GENERAL);
    double all = 0;
    size_t ops = 0;
    if (!sorted) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) all += (double)rows[i].total_ns;
    if (n) memcpy(sorted, rows, n * sizeof *sorted);
    if (n) qsort(sorted, n, sizeof *sorted, slower_first);
    static const char head[] = "  ms/call  ms total  share   calls   GFLOP/s    GB/s  operator               ";
    tn_text_printf(out, "%simplementation     node: shapes\n", head);
    for (size_t i = 0; i < n; i++) {
        put_line(out, &sorted[i], all, "");
        out->n--; /* the name goes on the same line */
        tn_text_printf(out, "%-18s ", sorted[i].impl);
        if (sorted[i].device) tn_text_printf(out, "[%s] ", sorted[i].device);
        tn_text_printf(out, "%s: %s\n", tn_shown(sorted[i].name), tn_shown(sorted[i].shapes));
    }
    for (size_t i = 0; i < n; i++) { /* by operator: sums into the rows seen first */
        size_t k = 0;
        while (k < ops && (strcmp(sorted[k].type, rows[i].type) || strcmp(sorted[k].domain, rows[i].domain))) k++;
        if (k == ops) {
            sorted[ops++] = (tn_profile_row){ .type = rows[i].type, .domain = rows[i].domain };
        }
        tn_profile_row *s = &sorted[k];
        double calls = (double)rows[i].calls;
        s->cost.flops += rows[i].cost.flops * calls; /* of all calls, while summing */
        s->cost.bytes_read += rows[i].cost.bytes_read * calls;
        s->cost.bytes_written += rows[i].cost.bytes_written * calls;
        s->calls += rows[i].calls;
        s->total_ns += rows[i].total_ns;
    }
    if (ops) qsort(sorted, ops, sizeof *sorted, slower_first);
    tn_text_printf(out, "\n%sdomain\n", head);
    for (size_t k = 0; k < ops; k++) {
        double calls = (double)sorted[k].calls;
        sorted[k].cost.flops /= calls;
        sorted[k].cost.bytes_read /= calls;
        sorted[k].cost.bytes_written /= calls;
        put_line(out, &sorted[k], all, sorted[k].domain);
    }
    tn_mem_free(sorted);
}

static void put_key(tn_text *out, const char *key, const char *value) {
    tn_text_printf(out, "\"%s\":", key);
    tn_text_json(out, value, strlen(value));
}

static void put_device(tn_text *out, const tn_profile_row *r) {
    if (!r->device) return;
    tn_text_puts(out, ",");
    put_key(out, "device", r->device);
    for (int i = 0; i < r->n_nodes; i++) {
        tn_text_puts(out, i ? "," : ",\"nodes\":[");
        tn_text_json(out, r->nodes[i], strlen(r->nodes[i]));
    }
    tn_text_puts(out, "]");
}

void tn_profile_json(const tn_profile_row *rows, size_t n, tn_text *out) {
    tn_text_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        const tn_profile_row *r = &rows[i];
        tn_text_puts(out, i ? ",\n{" : "\n{");
        put_key(out, "name", r->name);
        tn_text_puts(out, ",");
        put_key(out, "type", r->type);
        tn_text_puts(out, ",");
        put_key(out, "domain", r->domain);
        tn_text_puts(out, ",");
        put_key(out, "shapes", r->shapes);
        tn_text_puts(out, ",");
        put_key(out, "implementation", r->impl);
        put_device(out, r);
        tn_text_printf(out,
                       ",\"calls\":%llu,\"total_ns\":%llu,\"min_ns\":%llu,\"flops\":%.0f,\"bytes_read\":%.0f,"
                       "\"bytes_written\":%.0f,\"gflops\":%.3f}",
                       (unsigned long long)r->calls, (unsigned long long)r->total_ns, (unsigned long long)r->min_ns,
                       r->cost.flops, r->cost.bytes_read, r->cost.bytes_written, gflops(r));
    }
    tn_text_puts(out, "\n]\n");
}

void tn_profile_device(tn_session *s, bool json, tn_text *out) {
    tn_device_use *u = s->device;
    char up[32], down[32];
    if (!u) return;
    unsigned long long n[] = { u->runs, u->uploads, u->up_bytes, u->downloads, u->down_bytes, u->faults };
    if (json)
        tn_text_printf(out,
                       "{\"device\":\"%s\",\"runs\":%llu,\"uploads\":%llu,\"uploaded_bytes\":%llu,\"downloads\":%llu,"
                       "\"downloaded_bytes\":%llu,\"faults\":%llu}\n",
                       u->device->ops->name, n[0], n[1], n[2], n[3], n[4], n[5]);
    else
        tn_text_printf(
            out, "\ndevice %s: %llu runs of segments, %llu values uploaded (%s), %llu downloaded (%s), %llu faults\n",
            u->device->ops->name, n[0], n[1], tn_human_bytes((double)n[2], up, sizeof up), n[3],
            tn_human_bytes((double)n[4], down, sizeof down), n[5]);
}

tn_status tn_session_trace(tn_session *s, tn_text *out) {
    if (!s->profiler) return tn_fail(TN_E_INVALID, "this session records no times: set tn_session_opts.profile");
    pthread_mutex_lock(&s->lock);
    const tn_profiler *p = s->profiler;
    uint64_t zero = UINT64_MAX;
    for (size_t i = 0; i < p->n_events; i++)
        if (p->events[i].start < zero) zero = p->events[i].start;
    tn_text_puts(out, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
    for (size_t i = 0; i < p->n_events; i++) {
        const event *e = &p->events[i];
        tn_text_puts(out, i ? ",\n{" : "\n{");
        put_key(out, "name", e->row->type);
        tn_text_puts(out, ",");
        put_key(out, "cat", *e->row->domain ? e->row->domain : "ai.onnx");
        tn_text_printf(out, ",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":%.3f,\"dur\":%.3f,\"args\":{\"run\":%d,",
                       (double)(e->start - zero) / 1e3, (double)e->ns / 1e3, e->run);
        put_key(out, "node", e->row->name);
        tn_text_puts(out, ",");
        put_key(out, "shapes", e->row->shapes);
        tn_text_puts(out, "}}");
    }
    tn_text_puts(out, "\n]}\n");
    pthread_mutex_unlock(&s->lock);
    return out->failed ? tn_fail(TN_E_NOMEM, "no memory for the trace") : TN_OK;
}
