/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dbpost.c - connected cores, their rectangles, scores and growth.
 *
 * The published post-processing offsets the core's rectangle with rounded corners and boxes the result again. For a
 * rectangle of sides a, b grown by d that second box is the rectangle of sides a + 2d, b + 2d in the same frame: turned
 * by t, the box around the rounded shape measures (a cos t + b sin t + 2d)(a sin t + b cos t + 2d), which is least at
 * t = 0. So we move the sides and need no polygon clipper. */
#include "vision/dbpost.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

/* A horizontal run of core pixels, and its place in the union-find forest. */
typedef struct {
    int y, x0, x1; /* x1 inclusive */
    size_t parent;
} run;

typedef struct {
    run *v;
    size_t n, cap;
} runs;

static bool runs_add(runs *r, run one) {
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 256;
        run *v = tn_mem_alloc(cap * sizeof *v, TN_MEM_SCRATCH);
        if (!v) return false;
        if (r->n) memcpy(v, r->v, r->n * sizeof *v);
        tn_mem_free(r->v);
        r->v = v, r->cap = cap;
    }
    r->v[r->n++] = one;
    return true;
}

static size_t find_root(run *v, size_t i) {
    while (v[i].parent != i) i = v[i].parent = v[v[i].parent].parent;
    return i;
}

/* The smaller index becomes the root: a component's root is its first run in reading direction. */
static void unite(run *v, size_t a, size_t b) {
    a = find_root(v, a), b = find_root(v, b);
    if (a < b)
        v[b].parent = a;
    else
        v[a].parent = b;
}

/* Runs of all rows, joined when they touch a run of the row above (diagonals count). */
static bool find_runs(const float *prob, int width, int height, float threshold, runs *out) {
    size_t above = 0, above_end = 0; /* runs of the previous row */
    for (int y = 0; y < height; y++) {
        const float *p = prob + (size_t)y * (size_t)width;
        size_t first = out->n, a = above;
        for (int x = 0; x < width; x++) {
            if (!(p[x] > threshold)) continue;
            run r = { .y = y, .x0 = x, .parent = out->n };
            while (x + 1 < width && p[x + 1] > threshold) x++;
            r.x1 = x;
            if (!runs_add(out, r)) return false;
            while (a < above_end && out->v[a].x1 + 1 < r.x0) a++;
            for (size_t k = a; k < above_end && out->v[k].x0 <= r.x1 + 1; k++) unite(out->v, k, out->n - 1);
        }
        above = first, above_end = out->n;
    }
    return true;
}

float tn_db_mean(const float *prob, int width, int height, const tn_quad *quad) {
    double y0 = INFINITY, y1 = -INFINITY, sum = 0;
    size_t count = 0;
    for (int i = 0; i < 4; i++) y0 = fmin(y0, quad->p[i].y), y1 = fmax(y1, quad->p[i].y);
    int top = (int)fmax(floor(y0 + 0.5), 0), bottom = (int)fmin(floor(y1 + 0.5), height - 1);
    for (int y = top; y <= bottom; y++) {
        double row = fmin(fmax(y, y0), y1), left = INFINITY, right = -INFINITY;
        for (int i = 0; i < 4; i++) { /* where the row crosses the edges */
            tn_point a = quad->p[i], b = quad->p[(i + 1) % 4];
            if (fmin(a.y, b.y) > row || fmax(a.y, b.y) < row) continue;
            double t = a.y == b.y ? 0 : (row - a.y) / (b.y - a.y), x = a.x + t * (b.x - a.x);
            left = fmin(left, a.y == b.y ? fmin(a.x, b.x) : x);
            right = fmax(right, a.y == b.y ? fmax(a.x, b.x) : x);
        }
        int x0 = (int)fmax(floor(left + 0.5), 0), x1 = (int)fmin(floor(right + 0.5), width - 1);
        for (int x = x0; x <= x1; x++) {
            float p = prob[(size_t)y * (size_t)width + (size_t)x];
            sum += p > 0 ? p : 0;
            count++;
        }
    }
    return count ? (float)(sum / (double)count) : 0;
}

static double clip(double v, double hi) { return v < 0 ? 0 : v > hi ? hi : v; }

/* One core's corner points to a box, or false when it is too small or too faint. */
static bool box_of(const float *prob, int width, int height, const tn_db_opts *o, tn_point *pts, size_t n,
                   tn_point *hull, int source_width, int source_height, tn_db_box *out) {
    tn_quad q = tn_min_area_rect(hull, tn_convex_hull(pts, n, hull));
    double a, b;
    tn_quad_sides(&q, &a, &b);
    if (fmin(a, b) < o->min_side) return false;
    out->score = tn_db_mean(prob, width, height, &q);
    if (!(out->score >= o->box_threshold)) return false;
    q = tn_rect_grow(q, a * b * o->unclip / (2 * (a + b)));
    tn_quad_sides(&q, &a, &b);
    if (fmin(a, b) < o->min_side + 2) return false;
    q = tn_quad_order(q);
    for (int i = 0; i < 4; i++) {
        q.p[i].x = clip(round(q.p[i].x / width * source_width), source_width - 1);
        q.p[i].y = clip(round(q.p[i].y / height * source_height), source_height - 1);
    }
    out->quad = q;
    tn_quad_sides(&q, &a, &b);
    return fmin(a, b) > o->min_side;
}

static tn_db_opts with_defaults(const tn_db_opts *given) {
    tn_db_opts o = { 0 };
    if (given) memcpy(&o, given, given->size < sizeof o ? given->size : sizeof o);
    if (o.threshold == 0) o.threshold = 0.3f;
    if (o.box_threshold == 0) o.box_threshold = 0.6f;
    if (o.unclip == 0) o.unclip = 1.5f;
    if (o.min_side == 0) o.min_side = 3;
    if (o.max_boxes == 0) o.max_boxes = 1000;
    return o;
}

/* The runs sorted by component, into `member`: start[k] .. start[k + 1] is the k-th component. Overwrites the forest.
 */
static size_t group_runs(runs *r, size_t *start, size_t *member) {
    size_t components = 0;
    for (size_t i = 0; i < r->n; i++) { /* a root precedes its members, so its number is known when they come */
        size_t root = find_root(r->v, i);
        member[i] = root == i ? components++ : member[root];
    }
    memset(start, 0, (components + 1) * sizeof *start);
    for (size_t i = 0; i < r->n; i++) start[(r->v[i].parent = member[i]) + 1]++;
    for (size_t k = 0; k < components; k++) start[k + 1] += start[k];
    for (size_t i = 0; i < r->n; i++) member[start[r->v[i].parent]++] = i;
    for (size_t k = components; k > 0; k--) start[k] = start[k - 1]; /* each had moved to its end */
    start[0] = 0;
    return components;
}

tn_status tn_db_boxes(const float *prob, int width, int height, const tn_db_opts *opts, int source_width,
                      int source_height, tn_db_box **out, size_t *n) {
    *out = NULL, *n = 0;
    if (width < 1 || height < 1 || source_width < 1 || source_height < 1)
        return tn_fail(TN_E_INVALID, "a map of %d x %d for a picture of %d x %d", width, height, source_width,
                       source_height);
    tn_db_opts o = with_defaults(opts);
    tn_status st = TN_OK;
    runs r = { 0 };
    size_t *start = NULL, *member = NULL;
    tn_point *pts = NULL, *hull = NULL;
    tn_db_box *boxes = NULL;
    if (!find_runs(prob, width, height, o.threshold, &r)) goto no_memory;
    if (r.n == 0) goto done;
    start = tn_mem_alloc((r.n + 1) * sizeof *start, TN_MEM_SCRATCH);
    member = tn_mem_alloc(r.n * sizeof *member, TN_MEM_SCRATCH);
    pts = tn_mem_alloc(2 * r.n * sizeof *pts, TN_MEM_SCRATCH);
    hull = tn_mem_alloc((2 * r.n + 1) * sizeof *hull, TN_MEM_SCRATCH);
    if (!start || !member || !pts || !hull) goto no_memory;
    size_t cores = group_runs(&r, start, member);
    if (cores > (size_t)o.max_boxes) cores = (size_t)o.max_boxes;
    if (!(boxes = tn_mem_alloc(cores * sizeof *boxes, TN_MEM_IO))) goto no_memory;
    for (size_t k = 0; k < cores; k++) {
        size_t np = 0; /* a run's two ends span its hull */
        for (size_t i = start[k]; i < start[k + 1]; i++) {
            const run *u = &r.v[member[i]];
            pts[np++] = (tn_point){ u->x0, u->y };
            if (u->x1 > u->x0) pts[np++] = (tn_point){ u->x1, u->y };
        }
        if (box_of(prob, width, height, &o, pts, np, hull, source_width, source_height, &boxes[*n])) ++*n;
    }
    if (*n > 0) *out = boxes, boxes = NULL;
    goto done;
no_memory:
    st = tn_fail(TN_E_NOMEM, "text boxes of a %d x %d map", width, height);
done:
    tn_mem_free(r.v);
    tn_mem_free(start);
    tn_mem_free(member);
    tn_mem_free(pts);
    tn_mem_free(hull);
    tn_mem_free(boxes);
    return st;
}
