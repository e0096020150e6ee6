/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* many_dims.c - convolutions, poolings and sampling over more spatial dimensions than anyone draws. Convolutions are
 * held against a definition that scatters what the library gathers. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>
#include <stdlib.h>

enum { SPATIAL = 6, ROOM = 8192 };

typedef struct {
    int rank, group;
    int64_t n, ic, oc, in[SPATIAL], kernel[SPATIAL], stride[SPATIAL], dilation[SPATIAL], begin[SPATIAL], end[SPATIAL];
    int64_t out[SPATIAL];
} window;

static int64_t area(const window *w, const int64_t *d) {
    int64_t n = 1;
    for (int i = 0; i < w->rank; i++) n *= d[i];
    return n;
}

static void numbers(double *v, int64_t n, uint64_t seed, int values) {
    for (int64_t i = 0; i < n; i++) v[i] = (double)(test_random(&seed) >> 33) * 0x1p-31 * values - values / 2;
    for (int64_t i = 0; i < n; i++) v[i] = floor(v[i]);
}

/* y += w x: every element of x goes where its taps send it. Transposed: in the other direction. */
static void scatter(const window *w, bool turned, const double *x, const double *k, double *y) {
    int64_t in = area(w, w->in), out = area(w, w->out), taps = area(w, w->kernel);
    int64_t icg = w->ic / w->group, ocg = w->oc / w->group;
    for (int64_t p = 0; p < in; p++)
        for (int64_t t = 0; t < taps; t++) {
            int64_t rp = p, rt = t, to = 0, each = 1;
            bool there = true;
            for (int d = w->rank - 1; d >= 0; d--) {
                int64_t i = rp % w->in[d], s = rt % w->kernel[d] * w->dilation[d], o;
                rp /= w->in[d], rt /= w->kernel[d];
                if (turned) {
                    o = i * w->stride[d] + s - w->begin[d];
                } else {
                    o = i + w->begin[d] - s;
                    there &= o >= 0 && o % w->stride[d] == 0;
                    o /= w->stride[d];
                }
                there &= o >= 0 && o < w->out[d];
                to += o * each, each *= w->out[d];
            }
            for (int64_t n = 0; there && n < w->n; n++)
                for (int64_t a = 0; a < w->ic; a++)
                    for (int64_t b = 0; b < ocg; b++) {
                        int64_t oc = a / icg * ocg + b, tap = turned ? a * ocg + b : oc * icg + a % icg;
                        y[(n * w->oc + oc) * out + to] += k[tap * taps + t] * x[(n * w->ic + a) * in + p];
                    }
        }
}

static const char *dims_text(const window *w, int64_t a, int64_t b, const int64_t *d, char *to) {
    int n = sprintf(to, "%d,%d", (int)a, (int)b);
    for (int i = 0; i < w->rank; i++) n += sprintf(to + n, ",%d", (int)d[i]);
    return to;
}

static void attributes(ob *b, const window *w) {
    int64_t pads[2 * SPATIAL];
    for (int i = 0; i < w->rank; i++) pads[i] = w->begin[i], pads[w->rank + i] = w->end[i];
    ob_ints(b, "strides", w->stride, w->rank);
    ob_ints(b, "dilations", w->dilation, w->rank);
    ob_ints(b, "kernel_shape", w->kernel, w->rank);
    ob_ints(b, "pads", pads, 2 * w->rank);
}

static const window shapes[] = {
    { .rank = 5,
      .group = 1,
      .n = 2,
      .ic = 2,
      .oc = 3,
      .in = { 3, 2, 3, 2, 4 },
      .kernel = { 2, 1, 2, 2, 3 },
      .stride = { 2, 1, 1, 1, 2 },
      .dilation = { 1, 1, 2, 1, 1 },
      .begin = { 1, 0, 1, 0, 1 },
      .end = { 0, 0, 1, 1, 1 } },
    { .rank = 6,
      .group = 2,
      .n = 1,
      .ic = 4,
      .oc = 2,
      .in = { 2, 3, 1, 2, 2, 3 },
      .kernel = { 2, 2, 1, 1, 2, 2 },
      .stride = { 1, 1, 1, 1, 1, 1 },
      .dilation = { 1, 2, 1, 1, 1, 1 },
      .begin = { 0, 1, 0, 0, 0, 1 },
      .end = { 1, 1, 0, 0, 0, 0 } },
    { .rank = 5, /* depthwise */
      .group = 3,
      .n = 2,
      .ic = 3,
      .oc = 3,
      .in = { 2, 2, 2, 2, 5 },
      .kernel = { 2, 2, 1, 1, 3 },
      .stride = { 1, 1, 1, 1, 1 },
      .dilation = { 1, 1, 1, 1, 1 },
      .begin = { 0, 0, 0, 0, 1 },
      .end = { 0, 0, 0, 0, 1 } },
};

static void place(window *w, bool turned) {
    for (int i = 0; i < w->rank; i++) {
        int64_t reach = w->dilation[i] * (w->kernel[i] - 1) + 1, pad = w->begin[i] + w->end[i];
        w->out[i] = turned ? (w->in[i] - 1) * w->stride[i] + reach - pad : (w->in[i] + pad - reach) / w->stride[i] + 1;
    }
}

/* One coordinate of a line, as GridSample reads it with aligned corners and border padding. */
static double on_line(const double *line, int n, double at, const char *mode) {
    double x = (at + 1) / 2 * (n - 1), base = floor(x), t = x - base, sum = 0;
    if (!strcmp(mode, "nearest")) return line[(int)fmin(fmax(nearbyint(x), 0), n - 1)];
    bool cubic = !strcmp(mode, "cubic");
    for (int k = cubic ? -1 : 0; k <= (cubic ? 2 : 1); k++) {
        double d = fabs(k - t), a = -0.75, w = 1 - d;
        if (cubic) w = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
        sum += w * line[(int)fmin(fmax(base + k, 0), n - 1)];
    }
    return sum;
}

/* An image that is a product of lines, read in four and five dimensions: the product of what each line gives. */
static void sampled(void **state) {
    static const char *const modes[] = { "linear", "nearest", "cubic" };
    for (int k = 0; k < 12; k++) {
        enum { PLACES = 3 };
        const char *mode = modes[k % 3];
        int rank = 4 + k / 3 % 2, count = 1;
        int64_t len[5] = { 3, 2, 4, 2, 3 };
        double line[5][4], at[PLACES * 5], want[PLACES];
        uint64_t seed = (uint64_t)k + 1;
        static double image[ROOM];
        char dims[40], grid[40], out[40];
        for (int d = 0; d < rank; d++) {
            for (int i = 0; i < 4; i++) line[d][i] = (double)(test_random(&seed) >> 40) * 0x1p-24 + 0.5;
            count *= (int)len[d];
        }
        for (int i = 0; i < count; i++) {
            int rest = i;
            image[i] = 1;
            for (int d = rank - 1; d >= 0; d--) image[i] *= line[d][rest % len[d]], rest /= (int)len[d];
        }
        for (int p = 0; p < PLACES; p++) {
            want[p] = 1;
            for (int d = 0; d < rank; d++) { /* a grid names the last dimension first */
                double x = (double)(float)((double)(test_random(&seed) >> 40) * 0x1.4p-23 - 1.25);
                at[p * rank + rank - 1 - d] = x;
                want[p] *= on_line(line[d], (int)len[d], x, mode);
            }
        }
        window w = { .rank = rank };
        memcpy(w.in, len, sizeof len);
        dims_text(&w, 1, 1, w.in, dims);
        snprintf(grid, sizeof grid, rank == 4 ? "1,3,1,1,1,4" : "1,3,1,1,1,1,5");
        snprintf(out, sizeof out, rank == 4 ? "1,1,3,1,1,1" : "1,1,3,1,1,1,1");
        tn_dtype t = k < 6 ? TN_F64 : TN_F32;
        op_data in[] = { { t, dims, .large = image }, { t, grid, .large = at } }, y = { t, out, .large = want };
        ob *b = ob_new(10, 22);
        ob_input(b, "x", t, NULL);
        ob_input(b, "g", t, NULL);
        ob_output(b, "y");
        ob_node(b, "GridSample", "x g", "y");
        ob_int(b, "align_corners", 1);
        ob_string(b, "mode", mode);
        ob_string(b, "padding_mode", "border");
        op_gives(b, 2, in, 1, &y, 1e-5);
    }
}

typedef struct {
    char x[80], w[80], b[80], y[80];
} texts;
static double x[ROOM], k[ROOM], bias[ROOM], y[ROOM];

/* Numbers and texts for one shape; y: what the definition says. */
static texts prepare(window *w, bool turned, bool biased) {
    texts t;
    place(w, turned);
    int64_t nx = w->n * w->ic * area(w, w->in), out = area(w, w->out), ny = w->n * w->oc * out;
    int64_t nk = w->ic * w->oc / w->group * area(w, w->kernel);
    assert_true(nx <= ROOM && ny <= ROOM && nk <= ROOM);
    numbers(x, nx, 11, 8);
    numbers(k, nk, 12, 6);
    numbers(bias, w->oc, 13, 100);
    for (int64_t i = 0; i < ny; i++) y[i] = biased ? bias[i / out % w->oc] : 0;
    scatter(w, turned, x, k, y);
    dims_text(w, w->n, w->ic, w->in, t.x);
    dims_text(w, turned ? w->ic : w->oc, (turned ? w->oc : w->ic) / w->group, w->kernel, t.w);
    sprintf(t.b, "%d", (int)w->oc);
    dims_text(w, w->n, w->oc, w->out, t.y);
    return t;
}

static ob *model(const char *op, const tn_dtype *types, int n, const char *const *dims, const window *w) {
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
    char all[40] = "";
    ob *b = ob_new(10, 22);
    for (int i = 0; i < n; i++) {
        ob_input(b, names[i], types[i], dims ? dims[i] : NULL);
        strcat(strcat(all, names[i]), " ");
    }
    ob_output(b, "y");
    ob_node(b, op, all, "y");
    attributes(b, w);
    return b;
}

static void floats(void **state) {
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_F16, TN_BF16 };
    for (size_t i = 0; i < TN_COUNT(shapes) * TN_COUNT(types) * 4; i++) {
        window w = shapes[i % TN_COUNT(shapes)];
        tn_dtype t = types[i / TN_COUNT(shapes) % TN_COUNT(types)];
        bool turned = i / TN_COUNT(shapes) / TN_COUNT(types) & 1, known = i / TN_COUNT(shapes) / TN_COUNT(types) & 2;
        texts s = prepare(&w, turned, true);
        op_data in[] = { { t, s.x, .large = x }, { t, s.w, .large = k }, { t, s.b, .large = bias } };
        op_data want = { t, s.y, .large = y };
        const tn_dtype all[] = { t, t, t };
        const char *const dims[] = { s.x, s.w, s.b };
        ob *b = model(turned ? "ConvTranspose" : "Conv", all, 3, known ? dims : NULL, &w);
        ob_int(b, "group", w.group);
        op_gives(b, 3, in, 1, &want, t == TN_BF16 ? 1e-2 : t == TN_F16 ? 1e-3 : 1e-6);
    }
}

/* auto_pad along each of five dimensions: the odd element in front, or behind. */
static void padded_alike(void **state) {
    for (int lower = 0; lower < 2; lower++) {
        window w = shapes[0];
        for (int i = 0; i < w.rank; i++) {
            int64_t out = (w.in[i] + w.stride[i] - 1) / w.stride[i];
            int64_t need = (out - 1) * w.stride[i] + w.dilation[i] * (w.kernel[i] - 1) + 1 - w.in[i];
            need = need > 0 ? need : 0;
            w.begin[i] = lower ? need - need / 2 : need / 2, w.end[i] = need - w.begin[i];
        }
        texts s = prepare(&w, false, false);
        op_data in[] = { { TN_F32, s.x, .large = x }, { TN_F32, s.w, .large = k } }, want = { TN_F32, s.y, .large = y };
        ob *b = ob_new(10, 22);
        ob_input(b, "a", TN_F32, s.x);
        ob_input(b, "b", TN_F32, s.w);
        ob_output(b, "y");
        ob_node(b, "Conv", "a b", "y");
        ob_ints(b, "strides", w.stride, w.rank);
        ob_ints(b, "dilations", w.dilation, w.rank);
        ob_string(b, "auto_pad", lower ? "SAME_LOWER" : "SAME_UPPER");
        op_gives(b, 2, in, 1, &want, 1e-6);
    }
}

static void integers(void **state) {
    for (size_t i = 0; i < TN_COUNT(shapes); i++) {
        window w = shapes[i];
        texts s = prepare(&w, false, false);
        const tn_dtype types[] = { TN_I8, TN_I8 };
        op_data in[] = { { TN_I8, s.x, .large = x }, { TN_I8, s.w, .large = k } }, want = { TN_I32, s.y, .large = y };
        ob *b = model("ConvInteger", types, 2, NULL, &w);
        ob_int(b, "group", w.group);
        op_gives(b, 2, in, 1, &want, 0);

        static double codes[ROOM];
        int64_t nx = w.n * w.ic * area(&w, w.in), ny = w.n * w.oc * area(&w, w.out);
        prepare(&w, false, true);
        for (int64_t e = 0; e < nx; e++) codes[e] = x[e] + 20;
        for (int64_t e = 0; e < ny; e++) y[e] = fmin(fmax(nearbyint(y[e] * 0.25) + 100, 0), 255);
        const tn_dtype linear[] = { TN_U8, TN_F32, TN_U8, TN_I8, TN_F32, TN_I8, TN_F32, TN_U8, TN_I32 };
        op_data q[] = { { TN_U8, s.x, .large = codes }, { TN_F32, "", { 0.5 } },  { TN_U8, "", { 20 } },
                        { TN_I8, s.w, .large = k },     { TN_F32, "", { 0.25 } }, { TN_I8, "", { 0 } },
                        { TN_F32, "", { 0.5 } },        { TN_U8, "", { 100 } },   { TN_I32, s.b, .large = bias } };
        op_data scaled = { TN_U8, s.y, .large = y };
        b = model("QLinearConv", linear, 9, NULL, &w);
        ob_int(b, "group", w.group);
        op_gives(b, 9, q, 1, &scaled, 0);
    }
}

/* Taps that an input moves by nothing are those of a convolution; by half a pixel, the mean of neighbours. */
static void deformed(void **state) {
    for (size_t i = 0; i < TN_COUNT(shapes); i++) {
        static double zeros[ROOM], moved[ROOM];
        char at[80];
        window w = shapes[i];
        texts s = prepare(&w, false, false);
        int64_t offsets = w.rank * area(&w, w.kernel), places = area(&w, w.out);
        double *much = calloc((size_t)(w.n * offsets * places), sizeof *much);
        const tn_dtype types[] = { TN_F32, TN_F32, TN_F32 };
        dims_text(&w, w.n, offsets, w.out, at);
        op_data in[] = { { TN_F32, s.x, .large = x }, { TN_F32, s.w, .large = k }, { TN_F32, at, .large = much } };
        op_data want = { TN_F32, s.y, .large = y };
        ob *b = model("DeformConv", types, 3, NULL, &w);
        ob_int(b, "group", w.group);
        op_gives(b, 3, in, 1, &want, 1e-6);
        int64_t nx = w.n * w.ic * area(&w, w.in), len = w.in[w.rank - 1];
        for (int64_t e = 0; e < nx; e++) moved[e] = (x[e] + ((e + 1) % len ? x[e + 1] : 0)) / 2;
        for (int64_t e = 0; e < w.n * offsets * places; e++) much[e] = e / places % w.rank == w.rank - 1 ? 0.5 : 0;
        /* a place before the first element sees half of it, as one behind the last does: no tap may start before */
        window m = w;
        m.begin[m.rank - 1] = 0;
        place(&m, false);
        dims_text(&m, m.n, m.oc, m.out, s.y);
        dims_text(&m, m.n, offsets, m.out, at);
        places = area(&m, m.out);
        for (int64_t e = 0; e < m.n * offsets * places; e++) much[e] = e / places % m.rank == m.rank - 1 ? 0.5 : 0;
        memcpy(y, zeros, sizeof y);
        scatter(&m, false, moved, k, y);
        b = model("DeformConv", types, 3, NULL, &m);
        ob_int(b, "group", m.group);
        op_gives(b, 3, in, 1, &want, 1e-6);
        free(much);
    }
}

/* The maximum, the mean and the 3-norm of windows, from the sums of a convolution of ones where that is possible. */
static void poolings(void **state) {
    static const tn_dtype types[] = { TN_F32, TN_F64 };
    for (size_t i = 0; i < TN_COUNT(shapes) * TN_COUNT(types); i++) {
        static double counts[ROOM], sums[ROOM], cubes[ROOM], ones[ROOM], top[ROOM], thirds[ROOM];
        window w = shapes[i % TN_COUNT(shapes)];
        tn_dtype t = types[i / TN_COUNT(shapes)];
        w.oc = w.group = (int)w.ic;
        texts s = prepare(&w, false, false);
        int64_t nx = w.n * w.ic * area(&w, w.in), ny = w.n * w.oc * area(&w, w.out);
        memset(sums, 0, sizeof sums), memset(counts, 0, sizeof counts), memset(thirds, 0, sizeof thirds);
        for (int64_t e = 0; e < ROOM; e++) ones[e] = 1;
        for (int64_t e = 0; e < nx; e++) cubes[e] = pow(fabs(x[e]), 3);
        scatter(&w, false, ones, ones, counts);
        scatter(&w, false, x, ones, sums);
        scatter(&w, false, cubes, ones, thirds);
        for (int64_t e = 0; e < ny; e++) y[e] = sums[e] / counts[e], thirds[e] = cbrt(thirds[e]), top[e] = -INFINITY;
        /* x is one of few integers: the largest that some element of the window has */
        for (int v = -4; v < 4; v++) {
            for (int64_t e = 0; e < nx; e++) cubes[e] = x[e] == v;
            memset(sums, 0, sizeof sums);
            scatter(&w, false, cubes, ones, sums);
            for (int64_t e = 0; e < ny; e++)
                if (sums[e] > 0) top[e] = v;
        }
        op_data in = { t, s.x, .large = x }, mean = { t, s.y, .large = y }, most = { t, s.y, .large = top },
                norm = { t, s.y, .large = thirds };
        op_gives(model("AveragePool", &t, 1, NULL, &w), 1, &in, 1, &mean, 1e-6);
        op_gives(model("MaxPool", &t, 1, NULL, &w), 1, &in, 1, &most, 0);
        ob *b = model("LpPool", &t, 1, NULL, &w);
        ob_int(b, "p", 3);
        op_gives(b, 1, &in, 1, &norm, 1e-6);
    }
}

/* As many operands as are given. */
static void many_operands(void **state) {
    enum { N = 40 };
    char terms[3 * N + 8] = "", inputs[8 * N] = "";
    ob *b = ob_new(10, 22);
    ob_input(b, "v", TN_F32, "2");
    for (int i = 0; i < N; i++) strcat(strcat(terms, i ? "," : ""), "a"), strcat(inputs, i ? " v" : "v");
    ob_output(b, "y");
    ob_node(b, "Einsum", inputs, "y");
    ob_string(b, "equation", strcat(terms, "->a"));
    op_data v = { TN_F32, "2", { 2, -1 } }, powers = { TN_F32, "2", { 0x1p40, 1 } };
    op_gives(b, 1, &v, 1, &powers, 0);

    enum { SCANNED = 80 };
    static char body_names[SCANNED][8];
    char all[8 * SCANNED] = "start", sum[8 * SCANNED] = "state";
    ob *body = ob_graph();
    b = ob_new(10, 22);
    ob_input(b, "v", TN_F32, "2");
    ob_floats_init(b, "start", "", (float[]){ 100 }, 1);
    ob_input(body, "state", TN_F32, "");
    for (int i = 0; i < SCANNED; i++) {
        snprintf(body_names[i], sizeof body_names[i], "e%d", i);
        ob_input(body, body_names[i], TN_F32, "");
        strcat(all, " v"), strcat(strcat(sum, " "), body_names[i]);
    }
    ob_node(body, "Sum", sum, "next");
    ob_output(body, "next");
    ob_node(b, "Scan", all, "y");
    ob_subgraph(b, "body", body);
    ob_int(b, "num_scan_inputs", SCANNED);
    ob_output(b, "y");
    op_data last = { TN_F32, "", { 100 + 80 * 2 - 80 } };
    op_gives(b, 1, &v, 1, &last, 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats),        cmocka_unit_test(padded_alike), cmocka_unit_test(integers),
        cmocka_unit_test(deformed),      cmocka_unit_test(poolings),     cmocka_unit_test(sampled),
        cmocka_unit_test(many_operands),
    };
    return cmocka_run_group_tests_name("op/many_dims", tests, NULL, NULL);
}
