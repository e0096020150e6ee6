/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resize.c - the passes over the axes of a resampling. */
#include "kernel/resize.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "kernel/move.h"
#include "kernel/resize_taps.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

#define X(id, name) name,
const char *const tn_resize_coord_names[] = { TN_RESIZE_COORDS(X) };
const char *const tn_resize_nearest_names[] = { TN_RESIZE_NEARESTS(X) };
#undef X

enum { GRAIN = 16384 };

/* --------------------------------------------------------------------------------------------------------- nearest */

static tn_status run_nearest(int bytes, int rank, tn_taps *a, const tn_resize_opts *o, const void *value, const void *x,
                             void *y, tn_pool *pool) {
    tn_map_copy m = { .rank = rank, .bytes = bytes, .unit = bytes, .x = x, .y = y };
    for (int d = 0; d < rank; d++) {
        m.in[d] = a[d].in;
        m.out[d] = a[d].out;
        m.map[d] = a[d].index;
        for (int64_t i = 0; i < a[d].out; i++) { /* of the two taps the one with weight 1 */
            if (a[d].w[a[d].out + i] != 0) a[d].index[i] = a[d].index[a[d].out + i];
            if (a[d].outside && a[d].outside[i]) a[d].index[i] = -1;
        }
    }
    if (o->coord == TN_COORD_TF_CROP_AND_RESIZE) m.value = value;
    while (m.rank > 1) { /* untouched inner dimensions are part of the unit */
        int d = m.rank - 1;
        bool same = m.in[d] == m.out[d];
        for (int64_t i = 0; same && i < m.out[d]; i++) same = m.map[d][i] == i;
        if (!same) break;
        m.unit *= m.in[d];
        m.rank = d;
    }
    tn_map_copy_run(&m, pool);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------- weighted passes */

typedef struct {
    const tn_taps *a;      /* one pass: the axis. Two: the rows' axis */
    const tn_taps *across; /* two passes at once: the axis within rows */
    int64_t inner;
    const float *x;
    float *y;
    float *memory; /* of all threads, for picture_rows */
} pass_job;

/* One axis of [outer][in][inner], by output row [outer][out]. */
static void blend_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const pass_job *j = arg;
    const tn_taps *a = j->a;
    const tn_resize_kernels *k = &tn_kernels_get()->resize;
    for (int64_t u = begin; u < end; u++) {
        int64_t i = u % a->out;
        const float *plane = j->x + u / a->out * a->in * j->inner;
        float *y = j->y + u * j->inner;
        const float *rows[16];
        float w[16];
        for (int t = 0; t < a->taps; t += 16) { /* antialiasing may want many taps: 16 at a time */
            int n = a->taps - t < 16 ? a->taps - t : 16;
            for (int s = 0; s < n; s++) {
                rows[s] = plane + a->index[(t + s) * a->out + i] * j->inner;
                w[s] = a->w[(t + s) * a->out + i];
            }
            if (t == 0) {
                k->blend(rows, w, n, j->inner, y);
                continue;
            }
            for (int s = 0; s < n; s++)
                for (int64_t e = 0; e < j->inner; e++) y[e] += w[s] * rows[s][e];
        }
    }
}

static void gather_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const pass_job *j = arg;
    const tn_taps *a = j->a;
    const tn_resize_kernels *k = &tn_kernels_get()->resize;
    for (int64_t u = begin; u < end; u++)
        k->gather_taps(j->x + u * a->in, a->index, a->w, a->taps, a->out, j->y + u * a->out);
}

/* Rows and columns of pictures at once, [begin, end) in output rows. Growing pictures: input rows are widened once each
 * and kept while output rows need them. Shrinking ones: input rows are blended first. */
enum { KEPT = 4 };

static size_t kept_floats(const pass_job *j) { /* of a thread */
    return tn_align_up((size_t)(j->a->out > j->a->in ? KEPT * j->across->out : j->across->in), 16);
}

static void picture_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const pass_job *j = arg;
    const tn_taps *v = j->a, *h = j->across;
    const tn_resize_kernels *k = &tn_kernels_get()->resize;
    bool grow = v->out > v->in;
    int64_t width = grow ? h->out : h->in, have[KEPT] = { -1, -1, -1, -1 };
    float *memory = j->memory + (size_t)thread * kept_floats(j);
    for (int64_t u = begin; u < end; u++) {
        int64_t i = u % v->out, plane = u / v->out;
        const float *x = j->x + plane * v->in * h->in, *rows[KEPT];
        float *y = j->y + u * h->out, w[KEPT];
        for (int t = 0; t < v->taps; t++) {
            int64_t r = v->index[t * v->out + i];
            w[t] = v->w[t * v->out + i];
            rows[t] = x + r * h->in;
            if (!grow) continue;
            int64_t s = r % KEPT, id = plane * v->in + r; /* taps of one output are neighbours: no two share a slot */
            if (have[s] != id) k->gather_taps(rows[t], h->index, h->w, h->taps, h->out, memory + s * width);
            have[s] = id;
            rows[t] = memory + s * width;
        }
        k->blend(rows, w, v->taps, width, grow ? y : memory);
        if (!grow) k->gather_taps(memory, h->index, h->w, h->taps, h->out, y);
    }
}

static tn_status run_pictures(pass_job *j, int64_t rows, int64_t grain, tn_pool *pool) {
    size_t floats = kept_floats(j) * (size_t)tn_pool_threads(pool);
    if (!(j->memory = tn_mem_alloc(floats * sizeof *j->memory, TN_MEM_SCRATCH)))
        return tn_fail(TN_E_NOMEM, "resizing a picture: no memory for %zu elements", floats);
    tn_parallel(pool, rows, grain, picture_rows, j);
    tn_mem_free(j->memory);
    return TN_OK;
}

static int64_t grain_of(int64_t each) { return each < GRAIN ? GRAIN / (each > 0 ? each : 1) : 1; }

/* Outputs outside the picture along any axis. */
static void extrapolate(const tn_taps *a, int rank, float value, float *y) {
    int64_t at[TN_MAX_RANK] = { 0 }, n = 1;
    for (int d = 0; d < rank; d++) n *= a[d].out;
    for (int64_t i = 0; i < n; i++) {
        bool out = false;
        for (int d = 0; d < rank; d++) out |= a[d].outside[at[d]];
        if (out) y[i] = value;
        for (int d = rank - 1; d >= 0 && ++at[d] == a[d].out; d--) at[d] = 0;
    }
}

static bool untouched(const tn_taps *a) {
    if (a->in != a->out) return false;
    for (int64_t i = 0; i < a->out; i++)
        for (int k = 0; k < a->taps; k++)
            if (a->w[k * a->out + i] != (a->index[k * a->out + i] == i ? 1.0f : 0.0f)) {
                /* two taps on the same edge element may share the weight */
                if (a->index[k * a->out + i] != i || a->w[k * a->out + i] != 0) return false;
            }
    return true;
}

static void *alloc_array(size_t n, size_t each) {
    size_t bytes;
    return tn_mul_size(n, each, &bytes) ? tn_mem_alloc(bytes, TN_MEM_SCRATCH) : NULL;
}

/* One pass per axis, from the first; the last two axes of pictures in one. Temporaries hold what is between passes. */
static tn_status run_weighted(int rank, const tn_taps *a, const float *x, float *y, tn_pool *pool) {
    int todo[TN_MAX_RANK], n = 0;
    int64_t dims[TN_MAX_RANK];
    for (int d = 0; d < rank; d++) {
        dims[d] = a[d].in;
        if (!untouched(&a[d])) todo[n++] = d;
    }
    float *before = NULL, *after = NULL;
    tn_status st = TN_OK;
    if (n == 0) {
        int64_t count = 1;
        for (int d = 0; d < rank; d++) count *= dims[d];
        memcpy(y, x, (size_t)count * sizeof *y);
    }
    for (int p = 0; p < n && st == TN_OK; p++) {
        int d = todo[p];
        bool both = p + 2 == n && d == rank - 2 && todo[p + 1] == rank - 1 && a[d].taps <= KEPT;
        int64_t outer = 1, inner = 1, count = 1;
        for (int i = 0; i < d; i++) outer *= dims[i];
        for (int i = d + 1; i < rank; i++) inner *= dims[i];
        dims[d] = a[d].out;
        if (both) dims[++p] = a[rank - 1].out, dims[rank - 1] = a[rank - 1].out;
        bool last = p + 1 >= n, fits = true;
        for (int i = 0; i < rank && fits; i++) fits = !__builtin_mul_overflow(count, dims[i], &count);
        if (!last && !(after = fits ? alloc_array((size_t)count, sizeof *after) : NULL)) {
            st = tn_fail(TN_E_NOMEM, "resizing to %lld elements", (long long)dims[d]);
            break;
        }
        pass_job j = { &a[d], &a[rank - 1], inner, x, last ? y : after, NULL };
        if (both)
            st = run_pictures(&j, outer * a[d].out, grain_of(4 * a[rank - 1].out), pool);
        else if (inner == 1)
            tn_parallel(pool, outer, grain_of(2 * a[d].out * a[d].taps), gather_rows, &j);
        else
            tn_parallel(pool, outer * a[d].out, grain_of(inner * a[d].taps), blend_rows, &j);
        tn_mem_free(before);
        x = before = after;
        after = NULL;
    }
    tn_mem_free(before);
    return st;
}

/* ------------------------------------------------------------------------------------------------------ the front */

static tn_status run_f32(const tn_resize_opts *o, int rank, const tn_taps *a, const float *x, float *y, tn_pool *pool) {
    TN_TRY(run_weighted(rank, a, x, y, pool));
    if (rank && a[0].outside) extrapolate(a, rank, o->extrapolation, y);
    return TN_OK;
}

/* What becomes of v in the integers of type t: a fraction is cut off, as the reference does, but not where v is off a
 * whole number by rounding alone; cubic weights overshoot and stay within the type. */
static double settled(tn_dtype t, double v, double eps) {
    int bits = tn_dtype_bits(t) - tn_dtype_is_signed(t);
    double whole = rint(v), most = bits > 53 ? nextafter(ldexp(1, bits), 0) : ldexp(1, bits) - 1;
    double low = tn_dtype_is_signed(t) ? -ldexp(1, bits) : 0;
    v = fabs(v - whole) <= eps * (1 + fabs(v)) ? whole : trunc(v);
    return v < low ? low : v > most ? most : v;
}

/* Integers that float32 does not hold. */
static tn_status run_as_f64(const tn_resize_opts *o, tn_dtype t, int rank, const int64_t *in, const int64_t *out,
                            const double *scales, const float *roi, const void *x, void *y) {
    int64_t n_in = 1, n_out = 1;
    for (int d = 0; d < rank; d++) n_in *= in[d], n_out *= out[d];
    double *f = tn_mem_alloc((size_t)(n_in + n_out) * sizeof *f, TN_MEM_SCRATCH);
    if (!f) return tn_fail(TN_E_NOMEM, "resizing to %lld elements", (long long)n_out);
    tn_status st = tn_convert(t, x, TN_F64, f, n_in, true, TN_ROUND_NEAREST);
    if (st == TN_OK) st = tn_resize_f64(o, false, rank, in, out, scales, roi, f, f + n_in);
    for (int64_t i = n_in; st == TN_OK && i < n_in + n_out; i++) f[i] = settled(t, f[i], 1e-12);
    if (st == TN_OK) st = tn_convert(TN_F64, f + n_in, t, y, n_out, true, TN_ROUND_NEAREST);
    tn_mem_free(f);
    return st;
}

/* One picture. f: room for it before and after. */
static tn_status picture_as_f32(const tn_resize_opts *o, tn_dtype t, int rank, const tn_taps *a, int64_t n_in,
                                int64_t n_out, const char *x, char *y, float *f, tn_pool *pool) {
    TN_TRY(tn_convert(t, x, TN_F32, f, n_in, true, TN_ROUND_NEAREST));
    TN_TRY(run_f32(o, rank, a, f, f + n_in, pool));
    for (int64_t i = n_in; tn_dtype_is_int(t) && i < n_in + n_out; i++) f[i] = (float)settled(t, f[i], 1e-5);
    return tn_convert(TN_F32, f + n_in, t, y, n_out, true, TN_ROUND_NEAREST);
}

/* Picture by picture, where the first axes (images, channels) stay as they are: memory is that of one. */
static tn_status run_as_f32(const tn_resize_opts *o, tn_dtype t, int rank, const tn_taps *a, const void *x, void *y,
                            tn_pool *pool) {
    int64_t n_in = 1, n_out = 1, pictures = 1;
    int lead = 0;
    while (lead + 1 < rank && !a[0].outside && tn_dtypes[t].block == 1 && untouched(&a[lead])) pictures *= a[lead++].in;
    for (int d = lead; d < rank; d++) n_in *= a[d].in, n_out *= a[d].out;
    float *f = tn_mem_alloc((size_t)(n_in + n_out) * sizeof *f, TN_MEM_SCRATCH);
    if (!f) return tn_fail(TN_E_NOMEM, "resizing to %lld elements", (long long)n_out);
    tn_status st = TN_OK;
    int64_t each = tn_dtypes[t].bytes;
    for (int64_t i = 0; i < pictures && st == TN_OK; i++)
        st = picture_as_f32(o, t, rank - lead, a + lead, n_in, n_out, (const char *)x + i * n_in * each,
                            (char *)y + i * n_out * each, f, pool);
    tn_mem_free(f);
    return st;
}

/* ------------------------------------------------------------------------------------------- float64, and backwards */

/* One axis of [outer][in][inner] to [outer][out][inner], or what flows back the other way. */
static void apply_f64(const tn_taps *a, bool back, int64_t outer, int64_t inner, const double *x, double *y) {
    memset(y, 0, (size_t)(outer * (back ? a->in : a->out) * inner) * sizeof *y);
    for (int64_t u = 0; u < outer * a->out; u++)
        for (int t = 0; t < a->taps; t++) {
            int64_t i = u % a->out, far = u / a->out * a->in + a->index[t * a->out + i];
            double w = a->exact[t * a->out + i];
            const double *from = x + (back ? u : far) * inner;
            double *to = y + (back ? far : u) * inner;
            for (int64_t e = 0; e < inner; e++) to[e] += w * from[e];
        }
}

static bool outside_at(const tn_taps *a, int rank, int64_t i) {
    bool out = false;
    for (int d = rank - 1; d >= 0; d--) {
        if (a[d].outside) out |= a[d].outside[i % a[d].out];
        i /= a[d].out;
    }
    return out;
}

/* Axes become to[d] one after another: the most elements that there are on the way; SIZE_MAX when they cannot be
 * counted. */
static size_t largest_stage(int rank, const int64_t *from, const int64_t *to) {
    size_t most = 0;
    for (int stage = 0; stage <= rank; stage++) {
        size_t n = 1;
        for (int d = 0; d < rank; d++)
            if (!tn_mul_size(n, (size_t)(d < stage ? to[d] : from[d]), &n)) return SIZE_MAX;
        most = n > most ? n : most;
    }
    return most;
}

tn_status tn_resize_f64(const tn_resize_opts *o, bool back, int rank, const int64_t *in, const int64_t *out,
                        const double *scales, const float *roi, const double *x, double *y) {
    tn_taps a[TN_MAX_RANK] = { 0 };
    tn_status st = TN_OK;
    int64_t n_in = 1, n_out = 1, dims[TN_MAX_RANK];
    for (int d = 0; d < rank; d++) {
        n_in *= in[d], n_out *= out[d];
        dims[d] = back ? out[d] : in[d];
    }
    if (n_in == 0 || n_out == 0) {
        memset(y, 0, (size_t)(back ? n_in : n_out) * sizeof *y);
        return TN_OK;
    }
    size_t most = largest_stage(rank, dims, back ? in : out);
    double *buffer[2] = { alloc_array(most, sizeof(double)), alloc_array(most, sizeof(double)) };
    if (!buffer[0] || !buffer[1]) st = tn_fail(TN_E_NOMEM, "resizing to %lld elements", (long long)n_out);
    for (int d = 0; d < rank && st == TN_OK; d++)
        st = tn_taps_init(&a[d], o, true, in[d], out[d], scales[d], roi ? roi[d] : 0, roi ? roi[rank + d] : 1);
    if (st == TN_OK) memcpy(buffer[0], x, (size_t)(back ? n_out : n_in) * sizeof *x);
    for (int64_t i = 0; st == TN_OK && back && i < n_out; i++)
        if (outside_at(a, rank, i)) buffer[0][i] = 0;
    for (int d = 0; d < rank && st == TN_OK; d++) {
        int64_t outer = 1, inner = 1;
        for (int k = 0; k < d; k++) outer *= dims[k];
        for (int k = d + 1; k < rank; k++) inner *= dims[k];
        apply_f64(&a[d], back, outer, inner, buffer[d % 2], buffer[(d + 1) % 2]);
        dims[d] = back ? in[d] : out[d];
    }
    if (st == TN_OK) memcpy(y, buffer[rank % 2], (size_t)(back ? n_in : n_out) * sizeof *y);
    for (int64_t i = 0; st == TN_OK && !back && i < n_out; i++)
        if (outside_at(a, rank, i)) y[i] = (double)o->extrapolation;
    for (int d = 0; d < rank; d++) tn_taps_free(&a[d]);
    tn_mem_free(buffer[0]);
    tn_mem_free(buffer[1]);
    return st;
}

tn_status tn_resize_run(const tn_resize_opts *o, tn_dtype t, int rank, const int64_t *in, const int64_t *out,
                        const double *scales, const float *roi, const void *x, void *y, tn_pool *pool) {
    tn_taps a[TN_MAX_RANK] = { 0 };
    tn_status st = TN_OK;
    for (int d = 0; d < rank; d++)
        if (out[d] == 0) return TN_OK;
    if (t == TN_F64 && o->mode != TN_RESIZE_NEAREST && rank > 0)
        return tn_resize_f64(o, false, rank, in, out, scales, roi, x, y);
    if (tn_dtype_is_int(t) && tn_dtype_bits(t) > 16 && o->mode != TN_RESIZE_NEAREST && rank > 0)
        return run_as_f64(o, t, rank, in, out, scales, roi, x, y);
    for (int d = 0; d < rank && st == TN_OK; d++)
        st = tn_taps_init(&a[d], o, false, in[d], out[d], scales[d], roi ? roi[d] : 0, roi ? roi[rank + d] : 1);
    if (st == TN_OK && rank == 0) {
        size_t bytes = 0;
        if (tn_dtype_bytes(t, 1, &bytes)) memcpy(y, x, bytes);
    } else if (st == TN_OK && o->mode == TN_RESIZE_NEAREST && tn_dtypes[t].block == 1) {
        char value[16] = { 0 };
        if (o->coord == TN_COORD_TF_CROP_AND_RESIZE && t != TN_STRING) tn_set_f64(t, value, 0, o->extrapolation);
        st = run_nearest(tn_dtypes[t].bytes, rank, a, o, value, x, y, pool);
    } else if (st == TN_OK && t == TN_F32) {
        st = run_f32(o, rank, a, x, y, pool);
    } else if (st == TN_OK && (tn_dtype_is_float(t) || tn_dtype_is_int(t))) {
        st = run_as_f32(o, t, rank, a, x, y, pool);
    } else if (st == TN_OK) {
        st = tn_fail(TN_E_TYPE, "resizing is not defined for %s", tn_dtype_name(t));
    }
    for (int d = 0; d < rank; d++) tn_taps_free(&a[d]);
    return st;
}

void tn_resize_sizes(tn_aspect policy, int n, const int64_t *in, const int64_t *wanted, int64_t *out, double *scales) {
    double pick = 0;
    for (int i = 0; i < n; i++) {
        double s = in[i] ? (double)wanted[i] / (double)in[i] : 1;
        scales[i] = s;
        out[i] = wanted[i];
        if (i == 0 || (policy == TN_ASPECT_NOT_LARGER ? s < pick : s > pick)) pick = s;
    }
    if (policy == TN_ASPECT_STRETCH) return;
    for (int i = 0; i < n; i++) {
        scales[i] = pick;
        double size = pick * (double)in[i] + 0.5;
        out[i] = size < 0x1p60 ? (int64_t)size : INT64_C(1) << 60; /* more than any tensor has */
    }
}
