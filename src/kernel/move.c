/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* move.c - strided copies: every movement becomes one loop nest over byte strides with the fewest dimensions, and then
 * rows of memcpy, 2-D transpositions, or single elements. */
#include "kernel/move.h"
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/empty.h"
#include "kernel/kernel.h"
#include <assert.h>
#include <string.h>

enum { MAX_DIMS = 2 * TN_MAX_RANK, STRIPE = 64, GRAIN_BYTES = 128 * 1024 };

/* A copy: dims with byte strides, outermost first; elements of `bytes` bytes. */
typedef struct {
    int rank, bytes;
    int64_t dims[MAX_DIMS], sx[MAX_DIMS], sy[MAX_DIMS];
    const char *x;
    char *y;
    int64_t outer;      /* units of work: positions in the dimensions left of the innermost kernel */
    int64_t rows, cols; /* transposition: rows along y's unit dimension, cols along x's */
    int64_t ldx, ldy;   /* transposition */
    int64_t stripes;    /* transposition: of STRIPE columns */
} copy;

static int64_t grain_of(int64_t bytes_each) {
    int64_t g = GRAIN_BYTES / (bytes_each > 0 ? bytes_each : 1);
    return g > 0 ? g : 1;
}

/* Drops dimensions of 1 and joins neighbours that both sides walk as one. Returns false when nothing is to be copied.
 */
static bool collapse(copy *c, int rank, const int64_t *dims, const int64_t *sx, const int64_t *sy) {
    c->rank = 0;
    for (int d = 0; d < rank; d++) {
        if (dims[d] == 0) return false;
        if (dims[d] == 1) continue;
        int64_t bx = sx[d] * c->bytes, by = sy[d] * c->bytes;
        int k = c->rank;
        if (k && c->sx[k - 1] == bx * dims[d] && c->sy[k - 1] == by * dims[d])
            c->dims[--k] *= dims[d];
        else
            c->dims[k] = dims[d];
        c->sx[k] = bx;
        c->sy[k] = by;
        c->rank = k + 1;
    }
    return true;
}

/* Short rows that lie side by side on both sides become single, wider elements. */
static void widen(copy *c) {
    int k = c->rank - 1;
    if (k < 1 || c->sx[k] != c->bytes || c->sy[k] != c->bytes) return;
    int64_t row = c->dims[k] * c->bytes;
    if (row > 16 || (row & (row - 1))) return;
    c->bytes = (int)row;
    c->rank = k;
}

static void locate(const copy *c, int rank, int64_t at, const char **x, char **y) {
    *x = c->x;
    *y = c->y;
    for (int d = rank - 1; d >= 0; d--) {
        int64_t i = at % c->dims[d];
        at /= c->dims[d];
        *x += i * c->sx[d];
        *y += i * c->sy[d];
    }
}

typedef struct {
    const char *x;
    char *y;
    int64_t at[MAX_DIMS];
} place;

static void start(const copy *c, int rank, int64_t at, place *p) {
    locate(c, rank, at, &p->x, &p->y);
    for (int d = rank - 1; d >= 0; d--) p->at[d] = at % c->dims[d], at /= c->dims[d];
}

static void step(const copy *c, int rank, place *p) {
    for (int d = rank - 1; d >= 0; d--) {
        p->x += c->sx[d];
        p->y += c->sy[d];
        if (++p->at[d] < c->dims[d]) return;
        p->x -= c->dims[d] * c->sx[d];
        p->y -= c->dims[d] * c->sy[d];
        p->at[d] = 0;
    }
}

static void copy_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const copy *c = arg;
    int outer = c->rank - 1;
    size_t bytes = (size_t)(c->dims[outer] * c->bytes);
    place p;
    start(c, outer, begin, &p);
    for (int64_t u = begin; u < end; u++, step(c, outer, &p)) tn_budget_copy(p.y, p.x, bytes);
}

/* One element after the other along the last dimension. */
static void copy_row(int bytes, const char *x, int64_t sx, char *y, int64_t sy, int64_t n) {
#define ELEMENTS(T)                                                                      \
    if (sy == sizeof(T) && sx == 0) {                                                    \
        T v;                                                                             \
        memcpy(&v, x, sizeof v);                                                         \
        for (int64_t i = 0; i < n; i++) memcpy(y + i * (int64_t)sizeof v, &v, sizeof v); \
        break;                                                                           \
    }                                                                                    \
    for (int64_t i = 0; i < n; i++, x += sx, y += sy) memcpy(y, x, sizeof(T));           \
    break
    switch (bytes) {
    case 1: ELEMENTS(uint8_t);
    case 2: ELEMENTS(uint16_t);
    case 4: ELEMENTS(uint32_t);
    case 8: ELEMENTS(uint64_t);
    default:
        for (int64_t i = 0; i < n; i++, x += sx, y += sy) memcpy(y, x, 16);
    }
#undef ELEMENTS
}

enum { PIECE = 1 << 16 }; /* elements between looks at the budget */

static void copy_elements(void *arg, int64_t begin, int64_t end, int thread) {
    const copy *c = arg;
    int outer = c->rank - 1;
    place p;
    start(c, outer, begin, &p);
    tn_ticks ticks = { 0 };
    int64_t sx = c->sx[outer], sy = c->sy[outer];
    for (int64_t u = begin; u < end; u++, step(c, outer, &p))
        for (int64_t from = 0, n; from < c->dims[outer]; from += n) {
            n = c->dims[outer] - from < PIECE ? c->dims[outer] - from : PIECE;
            if (tn_ticks_stopped(&ticks, 2 * (uint64_t)n)) return;
            copy_row(c->bytes, p.x + from * sx, sx, p.y + from * sy, sy, n);
        }
}

static void copy_transposed(void *arg, int64_t begin, int64_t end, int thread) {
    const copy *c = arg;
    tn_transpose_fn f = tn_kernels_get()->move.transpose[__builtin_ctz((unsigned)c->bytes)];
    for (int64_t u = begin; u < end; u++) {
        const char *x;
        char *y;
        locate(c, c->rank, u / c->stripes, &x, &y);
        int64_t from = u % c->stripes * STRIPE, cols = c->cols - from < STRIPE ? c->cols - from : STRIPE;
        f(x + from * c->bytes, c->ldx, y + from * c->ldy, c->ldy, c->rows, cols);
    }
}

/* Takes the dimension d along which x is dense, and the last one, along which y is, out of the loop nest. */
static void take_transposition(copy *c, int d) {
    int last = c->rank - 1;
    c->rows = c->dims[last];
    c->cols = c->dims[d];
    c->ldx = c->sx[last];
    c->ldy = c->sy[d];
    for (int i = d; i < last - 1; i++) {
        c->dims[i] = c->dims[i + 1];
        c->sx[i] = c->sx[i + 1];
        c->sy[i] = c->sy[i + 1];
    }
    c->rank = last - 1;
    c->stripes = (c->cols + STRIPE - 1) / STRIPE;
}

/* The dimension along which x is dense when y is dense along the last one and x is not; -1 if none is worth it. */
static int transposable(const copy *c) {
    int last = c->rank - 1, best = -1;
    if (c->sy[last] != c->bytes || c->sx[last] == 0) return -1;
    for (int d = 0; d < last; d++)
        if (c->sx[d] == c->bytes) best = d;
    return best;
}

static int64_t positions(const copy *c, int rank) {
    int64_t n = 1;
    for (int d = 0; d < rank; d++) n *= c->dims[d];
    return n;
}

void tn_copy_run(int bytes, int rank, const int64_t *dims, const void *x, const int64_t *sx, void *y, const int64_t *sy,
                 tn_pool *pool) {
    copy c = { .bytes = bytes, .x = x, .y = y };
    assert(rank <= MAX_DIMS && bytes > 0 && bytes <= 16 && (bytes & (bytes - 1)) == 0);
    if (!collapse(&c, rank, dims, sx, sy)) return;
    widen(&c);
    if (c.rank == 0) {
        memcpy(y, x, (size_t)c.bytes);
        return;
    }
    int last = c.rank - 1, d;
    if (c.sx[last] == c.bytes && c.sy[last] == c.bytes) {
        if (last == 0) {
            tn_copy_rows_run(1, c.dims[0] * c.bytes, x, 0, y, 0, pool);
            return;
        }
        tn_parallel(pool, positions(&c, last), grain_of(c.dims[last] * c.bytes), copy_rows, &c);
    } else if ((d = transposable(&c)) >= 0) {
        take_transposition(&c, d);
        int64_t cols = c.cols < STRIPE ? c.cols : STRIPE;
        tn_parallel(pool, positions(&c, c.rank) * c.stripes, grain_of(c.rows * cols * c.bytes), copy_transposed, &c);
    } else {
        tn_parallel(pool, positions(&c, last), grain_of(4 * c.dims[last] * c.bytes), copy_elements, &c);
    }
}

static void dense_strides(int rank, const int64_t *dims, int64_t *s) {
    int64_t step_of = 1;
    for (int d = rank - 1; d >= 0; d--) s[d] = step_of, step_of *= dims[d];
}

void tn_transpose_run(int bytes, int rank, const int64_t *dims, const int *perm, const void *x, void *y,
                      tn_pool *pool) {
    int64_t sx[TN_MAX_RANK], px[TN_MAX_RANK], sy[TN_MAX_RANK], out[TN_MAX_RANK];
    dense_strides(rank, dims, sx);
    for (int i = 0; i < rank; i++) {
        out[i] = dims[perm[i]];
        px[i] = sx[perm[i]];
    }
    dense_strides(rank, out, sy);
    tn_copy_run(bytes, rank, out, x, px, y, sy, pool);
}

/* ------------------------------------------------------------------------------------------------- rows and gather */

typedef struct {
    const char *x;
    char *y;
    int64_t row_bytes, ldx, ldy, pieces, piece; /* long rows are cut into pieces */
} rows_job;

static void move_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const rows_job *j = arg;
    for (int64_t u = begin; u < end; u++) {
        int64_t r = u / j->pieces, from = u % j->pieces * j->piece, n = j->row_bytes - from;
        memcpy(j->y + r * j->ldy + from, j->x + r * j->ldx + from, (size_t)(n < j->piece ? n : j->piece));
    }
}

void tn_copy_rows_run(int64_t rows, int64_t row_bytes, const void *x, int64_t ldx, void *y, int64_t ldy,
                      tn_pool *pool) {
    if (rows <= 0 || row_bytes <= 0) return;
    rows_job j = { x, y, row_bytes, ldx, ldy, 1, row_bytes };
    if (row_bytes > 2 * GRAIN_BYTES) {
        j.piece = GRAIN_BYTES;
        j.pieces = (row_bytes + j.piece - 1) / j.piece;
    }
    tn_parallel(pool, rows * j.pieces, grain_of(j.piece), move_rows, &j);
}

typedef struct {
    const char *x;
    char *y;
    const int64_t *indices;
    int64_t n, count, row_bytes;
} gather_job;

static void gather_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const gather_job *j = arg;
    for (int64_t u = begin; u < end; u++) {
        int64_t i = j->indices[u % j->count];
        const char *x = j->x + (u / j->count * j->n + (i < 0 ? i + j->n : i)) * j->row_bytes;
        char *y = j->y + u * j->row_bytes;
        if (j->row_bytes == 4)
            memcpy(y, x, 4);
        else if (j->row_bytes == 8)
            memcpy(y, x, 8);
        else
            memcpy(y, x, (size_t)j->row_bytes);
    }
}

tn_status tn_gather_run(int64_t outer, int64_t n, int64_t row_bytes, const int64_t *indices, int64_t count,
                        const void *x, void *y, tn_pool *pool) {
    for (int64_t i = 0; i < count; i++)
        if (indices[i] < -n || indices[i] >= n)
            return tn_fail(TN_E_INVALID, "index %lld is outside [-%lld, %lld)", (long long)indices[i], (long long)n,
                           (long long)n);
    if (row_bytes <= 0) return TN_OK;
    gather_job j = { x, y, indices, n, count, row_bytes };
    tn_parallel(pool, outer * count, grain_of(row_bytes < 64 ? 64 : row_bytes), gather_rows, &j);
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------- mapped copies */

typedef struct {
    const tn_map_copy *m;
    int64_t lead, first, run; /* last dimension: from `lead` on, `run` elements come from first, first + 1, ... */
} map_job;

static void fill_units(const tn_map_copy *m, char *y, int64_t units) {
    int64_t n = units * m->unit;
    if (m->bytes == 1)
        memset(y, *m->value, (size_t)n);
    else if (m->bytes == 4)
        copy_row(4, m->value, 0, y, 4, n / 4);
    else
        for (int64_t i = 0; i < n; i += m->bytes) memcpy(y + i, m->value, (size_t)m->bytes);
}

static void map_some(const tn_map_copy *m, const char *x, char *y, int64_t from, int64_t to) {
    const int32_t *map = m->map[m->rank - 1];
    if (m->unit == 4 && !m->value) {
        tn_kernels_get()->resize.gather((const uint32_t *)(const void *)x, map + from, to - from,
                                        (uint32_t *)(void *)(y + from * 4));
        return;
    }
    for (int64_t i = from; i < to; i++) {
        if (map[i] >= 0)
            memcpy(y + i * m->unit, x + map[i] * m->unit, (size_t)m->unit);
        else
            fill_units(m, y + i * m->unit, 1);
    }
}

static void map_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const map_job *j = arg;
    const tn_map_copy *m = j->m;
    int last = m->rank - 1;
    int64_t before = -1, row_bytes = m->out[last] * m->unit;
    for (int64_t u = begin; u < end; u++) {
        int64_t row = 0, at = u, step_of = 1;
        bool inside = true;
        for (int d = last - 1; d >= 0; d--) {
            int64_t i = m->map[d][at % m->out[d]];
            at /= m->out[d];
            inside &= i >= 0;
            row += i * step_of;
            step_of *= m->in[d];
        }
        char *y = m->y + u * row_bytes;
        if (!inside) {
            fill_units(m, y, m->out[last]);
            before = -1;
            continue;
        }
        const char *x = (const char *)tn_some(m->x) + row * m->in[last] * m->unit;
        if (row == before) { /* the row above came from the same one */
            memcpy(y, y - row_bytes, (size_t)row_bytes);
        } else {
            map_some(m, x, y, 0, j->lead);
            if (j->run) memcpy(y + j->lead * m->unit, x + j->first * m->unit, (size_t)(j->run * m->unit));
            map_some(m, x, y, j->lead + j->run, m->out[last]);
        }
        before = row;
    }
}

void tn_map_copy_run(const tn_map_copy *m, tn_pool *pool) {
    const int32_t *map = m->map[m->rank - 1];
    int64_t n = m->out[m->rank - 1], rows = 1;
    map_job j = { .m = m };
    for (int d = 0; d < m->rank - 1; d++) rows *= m->out[d];
    if (!rows || !n || !m->unit) return;
    for (int64_t i = 0, k; i < n; i = k) { /* the longest run of consecutive elements */
        for (k = i + 1; k < n && map[i] >= 0 && map[k] == map[i] + (k - i);) k++;
        if (map[i] >= 0 && k - i > j.run) j = (map_job){ m, i, map[i], k - i };
    }
    if (j.run < 4 && m->unit == 4) j.lead = j.first = j.run = 0;
    tn_parallel(pool, rows, grain_of(n * m->unit), map_rows, &j);
}

/* --------------------------------------------------------------------------------------------------------- padding */

static int64_t mirrored(int64_t i, int64_t n) {
    if (n == 1) return 0;
    int64_t period = 2 * (n - 1);
    i %= period;
    if (i < 0) i += period;
    return i < n ? i : period - i;
}

static int64_t source_of(tn_pad_mode mode, int64_t i, int64_t n) {
    if (i >= 0 && i < n) return i;
    switch (mode) {
    case TN_PAD_CONSTANT: return -1;
    case TN_PAD_EDGE: return i < 0 ? 0 : n - 1;
    case TN_PAD_REFLECT: return mirrored(i, n);
    default: return (i % n + n) % n;
    }
}

tn_status tn_pad_run(int bytes, int rank, const int64_t *dims, const int64_t *before, const int64_t *after,
                     tn_pad_mode mode, const void *value, const void *x, void *y, tn_pool *pool) {
    tn_map_copy m = { .unit = bytes, .bytes = bytes, .value = mode == TN_PAD_CONSTANT ? value : NULL, .x = x, .y = y };
    int64_t total = 0;
    while (rank > 1 && before[rank - 1] == 0 && after[rank - 1] == 0) m.unit *= dims[--rank];
    if (rank == 0) {
        memcpy(y, x, (size_t)bytes);
        return TN_OK;
    }
    m.rank = rank;
    for (int d = 0; d < rank; d++) {
        m.in[d] = dims[d];
        m.out[d] = dims[d] + before[d] + after[d];
        if (m.out[d] < 0)
            return tn_fail(TN_E_INVALID, "padding by %lld and %lld cuts more than dimension %d has",
                           (long long)before[d], (long long)after[d], d);
        if (dims[d] == 0 && m.out[d] > 0 && mode != TN_PAD_CONSTANT)
            return tn_fail(TN_E_INVALID, "dimension %d has no elements to pad with", d);
        if (m.out[d] > INT32_MAX || dims[d] > INT32_MAX)
            return tn_fail(TN_E_LIMIT, "padding dimension %d of more than 2^31 - 1 elements", d);
        total += m.out[d];
    }
    int32_t *maps = tn_mem_alloc((size_t)total * sizeof *maps, TN_MEM_SCRATCH), *at = maps;
    if (!maps) return tn_fail(TN_E_NOMEM, "padding");
    for (int d = 0; d < rank; at += m.out[d++]) {
        m.map[d] = at;
        for (int64_t i = 0; i < m.out[d]; i++) at[i] = (int32_t)source_of(mode, i - before[d], dims[d]);
    }
    tn_map_copy_run(&m, pool);
    tn_mem_free(maps);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------ tiling, depth and space */

void tn_tile_run(int bytes, int rank, const int64_t *dims, const int64_t *reps, const void *x, void *y, tn_pool *pool) {
    int64_t d2[MAX_DIMS], sx[MAX_DIMS], sy[MAX_DIMS], s[TN_MAX_RANK], step_of = 1;
    dense_strides(rank, dims, s);
    for (int d = rank - 1; d >= 0; d--) {
        d2[2 * d] = reps[d];
        d2[2 * d + 1] = dims[d];
        sx[2 * d] = 0;
        sx[2 * d + 1] = s[d];
        sy[2 * d + 1] = step_of;
        sy[2 * d] = step_of * dims[d];
        step_of *= dims[d] * reps[d];
    }
    tn_copy_run(bytes, 2 * rank, d2, x, sx, y, sy, pool);
}

void tn_depth_to_space_run(int bytes, int64_t n, int64_t c, int64_t h, int64_t w, int64_t block, bool crd,
                           const void *x, void *y, tn_pool *pool) {
    int64_t depth = c / (block * block);
    const int64_t dcr_dims[] = { n, block, block, depth, h, w }, crd_dims[] = { n, depth, block, block, h, w };
    static const int dcr_perm[] = { 0, 3, 4, 1, 5, 2 }, crd_perm[] = { 0, 1, 4, 2, 5, 3 };
    tn_transpose_run(bytes, 6, crd ? crd_dims : dcr_dims, crd ? crd_perm : dcr_perm, x, y, pool);
}

void tn_space_to_depth_run(int bytes, int64_t n, int64_t c, int64_t h, int64_t w, int64_t block, const void *x, void *y,
                           tn_pool *pool) {
    const int64_t dims[] = { n, c, h / block, block, w / block, block };
    static const int perm[] = { 0, 3, 5, 1, 2, 4 };
    tn_transpose_run(bytes, 6, dims, perm, x, y, pool);
}
