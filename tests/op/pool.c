/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool.c - windows by their definition: where they begin and end, and what counts; maxima of windows that hold NaN
 * are NaN, in every type, and say where it lies. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

static ob *pool(const char *type, tn_dtype t, bool indices) {
    ob *b = ob_new(9, 22);
    ob_input(b, "x", t, "1,c,n");
    ob_output(b, "y");
    if (indices) ob_output(b, "at");
    ob_node(b, type, "x", indices ? "y at" : "y");
    if (*type == 'M') ob_ints(b, "kernel_shape", (int64_t[]){ 2 }, 1);
    return b;
}

static void nan_stays(void **state) {
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_F16, TN_BF16 };
    for (size_t i = 0; i < TN_COUNT(types); i++) {
        op_data x = { types[i], "1,1,6", { 1, 3, 2, NAN, 5, 4 } };
        op_data y[] = { { types[i], "1,1,5", { 3, 3, NAN, NAN, 5 } }, { TN_I64, "1,1,5", { 1, 1, 3, 3, 4 } } };
        op_gives(pool("MaxPool", types[i], false), 1, &x, 1, y, 0);
        op_gives(pool("MaxPool", types[i], true), 1, &x, 2, y, 0);
        op_gives(pool("GlobalMaxPool", types[i], false), 1, &x, 1, (op_data[]){ { types[i], "1,1,1", { NAN } } }, 0);
    }
    op_data low = { TN_F32, "1,1,2", { -INFINITY, -INFINITY } };
    op_data none[] = { { TN_F32, "1,1,1", { -INFINITY } }, { TN_I64, "1,1,1", { 0 } } };
    op_gives(pool("MaxPool", TN_F32, true), 1, &low, 2, none, 0);
}

/* Windows along one dimension. pad: 0: as begin and end say; 1: SAME_UPPER, 2: SAME_LOWER. */
typedef struct {
    int64_t in, kernel, stride, dilation, begin, end;
    int ceil, pad;
} sweep;

/* How many windows there are; SAME_* choose the padding. The last one of ceil_mode must not begin behind the input. */
static int64_t count_of(sweep *s) {
    int64_t reach = (s->kernel - 1) * s->dilation + 1, out, need;
    if (s->pad) {
        out = (s->in + s->stride - 1) / s->stride, need = (out - 1) * s->stride + reach - s->in;
        need = need > 0 ? need : 0;
        s->begin = s->pad == 1 ? need / 2 : need - need / 2, s->end = need - s->begin;
        return out;
    }
    int64_t room = s->in + s->begin + s->end - reach;
    if (room < 0) return 0;
    out = (s->ceil ? (room + s->stride - 1) / s->stride : room / s->stride) + 1;
    return s->ceil && (out - 1) * s->stride >= s->in + s->begin ? out - 1 : out;
}

/* Maximum, mean of what is inside, mean with the padding; false when a window has nothing. */
static bool window_of(const sweep *s, const double *x, int64_t k, double *y) {
    double sum = 0;
    int64_t inside = 0, padded = 0;
    y[0] = -INFINITY;
    for (int64_t t = 0; t < s->kernel; t++) {
        int64_t at = k * s->stride + t * s->dilation - s->begin;
        padded += at < s->in + s->end;
        if (at < 0 || at >= s->in) continue;
        inside++, sum += x[at];
        y[0] = x[at] > y[0] ? x[at] : y[0];
    }
    y[1] = sum / (double)inside, y[2] = sum / (double)padded;
    return inside > 0;
}

static void sweep_gives(const sweep *s, int form, const op_data *x, const op_data *y) {
    static const char *const pads[] = { "NOTSET", "SAME_UPPER", "SAME_LOWER" };
    ob *b = ob_new(9, 22);
    ob_input(b, "x", TN_F32, "1,1,n");
    ob_output(b, "y");
    ob_node(b, form ? "AveragePool" : "MaxPool", "x", "y");
    ob_ints(b, "kernel_shape", &s->kernel, 1);
    ob_ints(b, "strides", &s->stride, 1);
    ob_ints(b, "dilations", &s->dilation, 1);
    ob_int(b, "ceil_mode", s->ceil);
    ob_string(b, "auto_pad", pads[s->pad]);
    if (!s->pad) ob_ints(b, "pads", (int64_t[]){ s->begin, s->end }, 2);
    if (form) ob_int(b, "count_include_pad", form == 2);
    op_gives(b, 1, x, 1, y, 1e-6);
}

static void windows_by_definition(void **state) {
    (void)state;
    for (int i = 0; i < 5 * 3 * 3 * 2 * 3 * 3 * 4; i += 11) { /* 11 divides none of them */
        int r = i;
        sweep s = { .in = 3 + r % 5 };
        s.kernel = 1 + (r /= 5) % 3, s.stride = 1 + (r /= 3) % 3, s.dilation = 1 + (r /= 3) % 2;
        s.begin = (r /= 2) % 3, s.end = (r /= 3) % 3, s.ceil = (r /= 3) == 1, s.pad = r > 1 ? r - 1 : 0;
        int64_t out = count_of(&s);
        if (out < 1 || s.begin >= s.kernel || s.end >= s.kernel) continue;
        char dims_in[16], dims_out[16];
        op_data x = { TN_F32, dims_in }, y[3] = { { TN_F32, dims_out }, { TN_F32, dims_out }, { TN_F32, dims_out } };
        snprintf(dims_in, sizeof dims_in, "1,1,%d", (int)s.in);
        snprintf(dims_out, sizeof dims_out, "1,1,%d", (int)out);
        for (int k = 0; k < s.in; k++) x.v[k] = sin(k * k + 1);
        bool whole = true;
        for (int64_t k = 0; k < out; k++) {
            double v[3];
            whole &= window_of(&s, x.v, k, v);
            for (int form = 0; form < 3; form++) y[form].v[k] = v[form];
        }
        for (int form = 0; form < 3 && whole; form++) sweep_gives(&s, form, &x, &y[form]);
    }
}

/* The mean and the largest of rows of every length up to some vectors, in every type. */
static void of_everything(void **state) {
    (void)state;
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_F16 };
    for (int n = 1; n <= 40; n++)
        for (size_t t = 0; t < TN_COUNT(types); t++) {
            char dims[16];
            double v[80];
            op_data x = { types[t], dims, .large = v };
            op_data mean = { types[t], "1,2,1" }, most = { types[t], "1,2,1", { -INFINITY, -INFINITY } };
            snprintf(dims, sizeof dims, "1,2,%d", n);
            for (int k = 0; k < 2 * n; k++) {
                v[k] = (k * 7 + n) % 16 - 4;
                mean.v[k / n] += v[k] / n;
                most.v[k / n] = fmax(most.v[k / n], v[k]);
            }
            op_gives(pool("GlobalAveragePool", types[t], false), 1, &x, 1, &mean, types[t] == TN_F16 ? 1e-3 : 1e-6);
            op_gives(pool("GlobalMaxPool", types[t], false), 1, &x, 1, &most, 0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(nan_stays), cmocka_unit_test(of_everything),
                                        cmocka_unit_test(windows_by_definition) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
