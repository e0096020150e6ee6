/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* order.c - reading order. The page is turned upright, cut into horizontal strips at the gaps between lines, runs of
 * strips that stand in columns are found, and everything else is read row by row. */
#include "vision/order.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

/* All in units of the page's typical line height. */
#define COLUMN_GAP       0.5 /* boxes are grown by the detector, so a real gutter looks narrower than it is */
#define COLUMN_LINE      6.0 /* mean length of lines that make a column rather than a table's cells */
#define COLUMN_MIN_LINES 2

typedef struct {
    double x0, x1, y0, y1;
    size_t index;
} box;

static int by_top(const void *pa, const void *pb) {
    const box *a = pa, *b = pb;
    if (a->y0 != b->y0) return a->y0 < b->y0 ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_centre(const void *pa, const void *pb) {
    const box *a = pa, *b = pb;
    double ca = a->y0 + a->y1, cb = b->y0 + b->y1;
    if (ca != cb) return ca < cb ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_left(const void *pa, const void *pb) {
    const box *a = pa, *b = pb;
    if (a->x0 != b->x0) return a->x0 < b->x0 ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_value(const void *pa, const void *pb) {
    double a = *(const double *)pa, b = *(const double *)pb;
    return a < b ? -1 : a > b;
}

/* The page's direction of writing: the winning quarter by length of text, then the mean within it. Angle in radians. */
static double page_angle(const tn_quad *q, size_t n) {
    double weight[4] = { 0 }, sx[4] = { 0 }, sy[4] = { 0 };
    for (size_t i = 0; i < n; i++) {
        double dx = q[i].p[1].x - q[i].p[0].x, dy = q[i].p[1].y - q[i].p[0].y;
        int quarter = fabs(dx) >= fabs(dy) ? (dx >= 0 ? 0 : 2) : (dy >= 0 ? 1 : 3);
        weight[quarter] += hypot(dx, dy);
        sx[quarter] += dx, sy[quarter] += dy;
    }
    int best = 0;
    for (int k = 1; k < 4; k++)
        if (weight[k] > weight[best]) best = k;
    return atan2(sy[best], sx[best]);
}

/* Rows of a set: a box whose middle lies within half a line of the row's belongs to it. Sorted in place. */
static void order_rows(box *b, size_t n) {
    qsort(b, n, sizeof *b, by_centre);
    for (size_t from = 0, to; from < n; from = to) {
        double middle = (b[from].y0 + b[from].y1) / 2, height = b[from].y1 - b[from].y0;
        for (to = from + 1; to < n; to++) {
            double m = (b[to].y0 + b[to].y1) / 2, h = b[to].y1 - b[to].y0;
            if (fabs(m - middle) > 0.25 * (h + height)) break;
            middle += (m - middle) / (double)(to - from + 1); /* a slightly tilted row drifts */
        }
        qsort(b + from, to - from, sizeof *b, by_left);
    }
}

/* Do the boxes stand in columns of running text? Sorts them by left edge; cut[i] says that a column begins at i. */
static bool find_columns(box *b, size_t n, double line, bool *cut) {
    qsort(b, n, sizeof *b, by_left);
    size_t columns = 1, lines = 0;
    double right = -INFINITY, length = 0;
    for (size_t i = 0; i <= n; i++) {
        bool end = i == n || (i > 0 && b[i].x0 - right >= COLUMN_GAP * line);
        if (end) {
            if (lines < COLUMN_MIN_LINES || length < COLUMN_LINE * line * (double)lines) return false;
            lines = 0, length = 0;
            columns += i < n;
        }
        if (i == n) break;
        cut[i] = end;
        right = fmax(right, b[i].x1);
        length += b[i].x1 - b[i].x0;
        lines++;
    }
    return columns > 1;
}

/* Sorted by top: how many of the n boxes form the first strip, before a gap that crosses all. A fifth of each line's
 * height is forgiven at either side, because neighbouring lines' boxes often touch. */
static size_t strip_length(const box *b, size_t n) {
    double bottom = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        double slack = 0.2 * (b[i].y1 - b[i].y0);
        if (i > 0 && b[i].y0 + slack >= bottom) return i;
        bottom = fmax(bottom, b[i].y1 - slack);
    }
    return n;
}

/* The longest run of strips from the beginning that stands in columns: its number of boxes, 0 when there is none.
 * Runs only grow while some vertical gap remains. */
static size_t column_run(const box *b, size_t n, double line, box *work, bool *cut) {
    size_t found = 0;
    for (size_t end = 0, strips = 1; end < n; strips++) {
        end += strip_length(b + end, n - end);
        for (size_t i = 0; i < end; i++) work[i] = b[i];
        qsort(work, end, sizeof *work, by_left);
        bool gap = false;
        double right = work[0].x1;
        for (size_t i = 1; i < end && !gap; i++) {
            gap = work[i].x0 - right >= COLUMN_GAP * line;
            right = fmax(right, work[i].x1);
        }
        if (!gap && strips >= 2) break; /* the first strip may hold a line of one column only */
        if (find_columns(work, end, line, cut)) found = end;
    }
    return found;
}

static void order_page(box *b, size_t n, double line, box *work, bool *cut) {
    qsort(b, n, sizeof *b, by_top);
    for (size_t at = 0; at < n;) {
        size_t len = column_run(b + at, n - at, line, work, cut);
        if (len == 0) {
            len = strip_length(b + at, n - at);
            order_rows(b + at, len);
        } else if (find_columns(b + at, len, line, cut)) {
            for (size_t from = 0, to; from < len; from = to) {
                for (to = from + 1; to < len && !cut[to];) to++;
                order_rows(b + at + from, to - from);
            }
        }
        at += len;
    }
}

tn_status tn_reading_order(const tn_quad *as_read, size_t n, size_t *order) {
    if (n == 0) return TN_OK;
    tn_status st = TN_OK;
    box *b = tn_mem_alloc(n * sizeof *b, TN_MEM_SCRATCH), *work = tn_mem_alloc(n * sizeof *work, TN_MEM_SCRATCH);
    bool *cut = tn_mem_alloc(n * sizeof *cut, TN_MEM_SCRATCH);
    double *heights = tn_mem_alloc(n * sizeof *heights, TN_MEM_SCRATCH);
    if (!b || !work || !cut || !heights) {
        st = tn_fail(TN_E_NOMEM, "reading order of %zu lines", n);
        goto done;
    }
    double angle = page_angle(as_read, n), c = cos(angle), s = sin(angle);
    for (size_t i = 0; i < n; i++) {
        b[i] = (box){ INFINITY, -INFINITY, INFINITY, -INFINITY, i };
        for (int k = 0; k < 4; k++) {
            tn_point p = as_read[i].p[k];
            double x = c * p.x + s * p.y, y = c * p.y - s * p.x;
            b[i].x0 = fmin(b[i].x0, x), b[i].x1 = fmax(b[i].x1, x);
            b[i].y0 = fmin(b[i].y0, y), b[i].y1 = fmax(b[i].y1, y);
        }
        heights[i] = b[i].y1 - b[i].y0;
    }
    qsort(heights, n, sizeof *heights, by_value);
    order_page(b, n, heights[n / 2], work, cut);
    for (size_t i = 0; i < n; i++) order[i] = b[i].index;
done:
    tn_mem_free(b);
    tn_mem_free(work);
    tn_mem_free(cut);
    tn_mem_free(heights);
    return st;
}
