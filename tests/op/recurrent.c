/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* recurrent.c - RNN, GRU and LSTM against their equations in plain loops: every type of float, both directions,
 * lengths, first states, peepholes, clipping, batches first. */
#include "lib/op_cases.h"
#include "test.h"
#include <math.h>

enum { T = 3, B = 2, I = 2, H = 2, GATES = 4 };
typedef enum { RNN, GRU, LSTM } kind;
static const int gates_of[] = { 1, 3, 4 };

typedef struct {
    kind kind;
    const char *type, *attrs; /* without hidden_size */
    int directions;           /* 1: forward unless `reverse` */
    bool reverse, lengths, states, peepholes, reset_late, coupled, batch_first;
    double clip; /* 0: none */
} form;

typedef struct {
    double x[T][B][I], w[2][GATES * H][I], r[2][GATES * H][H], bias[2][2 * GATES * H], h0[2][B][H], c0[2][B][H],
        p[2][3 * H];
    int lens[B];
    double y[T][2][B][H], h[2][B][H], c[2][B][H];
} numbers;

static void fill(double *v, size_t n, tn_dtype t, uint64_t *seed) {
    for (size_t i = 0; i < n; i++) v[i] = number_in(t, (double)(test_random(seed) >> 11) * 0x1p-52 - 1);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* What gate g of unit u sums up: of the input, and (apart) of the state. */
static void sums(const numbers *n, const form *f, int d, int b, int t, int row, const double *h, double *in,
                 double *back) {
    int all = gates_of[f->kind] * H;
    *in = n->bias[d][row], *back = n->bias[d][all + row];
    for (int i = 0; i < I; i++) *in += n->x[t][b][i] * n->w[d][row][i];
    for (int i = 0; i < H; i++) *back += h[i] * n->r[d][row][i];
}

static double held(const form *f, double v) { return f->clip ? fmax(-f->clip, fmin(f->clip, v)) : v; }

static void step(const numbers *n, const form *f, int d, int b, int t, double *h, double *c) {
    double in[GATES], back[GATES], next[H], z[H], r[H];
    for (int u = 0; u < H; u++) {
        for (int g = 0; g < gates_of[f->kind]; g++) sums(n, f, d, b, t, g * H + u, h, &in[g], &back[g]);
        if (f->kind == RNN) {
            next[u] = tanh(held(f, in[0] + back[0]));
        } else if (f->kind == LSTM) { /* i o f c; peepholes i o f */
            const double *p = n->p[d];
            double i = sigmoid(held(f, in[0] + back[0] + p[u] * c[u]));
            double keep = f->coupled ? 1 - i : sigmoid(held(f, in[2] + back[2] + p[2 * H + u] * c[u]));
            c[u] = keep * c[u] + i * tanh(held(f, in[3] + back[3]));
            next[u] = sigmoid(held(f, in[1] + back[1] + p[H + u] * c[u])) * tanh(c[u]);
        } else {
            z[u] = sigmoid(held(f, in[0] + back[0])), r[u] = sigmoid(held(f, in[1] + back[1]));
        }
    }
    for (int u = 0; u < H && f->kind == GRU; u++) {
        double gated[H];
        for (int k = 0; k < H; k++) gated[k] = f->reset_late ? h[k] : r[k] * h[k];
        sums(n, f, d, b, t, 2 * H + u, gated, &in[2], &back[2]);
        double new = tanh(held(f, in[2] + (f->reset_late ? r[u] : 1) * back[2]));
        next[u] = (1 - z[u]) * new + z[u] * h[u];
    }
    memcpy(h, next, sizeof next);
}

static void reference(numbers *n, const form *f) {
    for (int d = 0; d < f->directions; d++)
        for (int b = 0; b < B; b++) {
            memcpy(n->h[d][b], n->h0[d][b], sizeof n->h[d][b]);
            memcpy(n->c[d][b], n->c0[d][b], sizeof n->c[d][b]);
            for (int s = 0; s < n->lens[b]; s++) {
                int t = d || f->reverse ? n->lens[b] - 1 - s : s;
                step(n, f, d, b, t, n->h[d][b], n->c[d][b]);
                memcpy(n->y[t][d][b], n->h[d][b], sizeof n->h[d][b]);
            }
        }
}

/* " TYPE:DIMS=v0,v1,..." behind what is there; element i is v[order(i)]. */
static void put(char *to, const char *type, const int *dims, int rank, const double *v) {
    int count = 1;
    to += strlen(to);
    to += sprintf(to, "%s%s:", *to ? "" : " ", type);
    for (int i = 0; i < rank; i++) to += sprintf(to, i ? ",%d" : "%d", dims[i]), count *= dims[i];
    for (int i = 0; i < count; i++) to += tn_snprintf(to, 64, "%c%.17g", i ? ',' : '=', v[i]);
}

/* v[a][b][rest] as [b][a][rest]. */
static const double *turned(const double *v, int a, int b, int rest) {
    static double out[256];
    for (int i = 0; i < a; i++)
        for (int k = 0; k < b; k++) memcpy(&out[(k * a + i) * rest], &v[(i * b + k) * rest], (size_t)rest * sizeof *v);
    return out;
}

static void put_state(char *to, const form *f, const double (*v)[B][H]) {
    if (f->batch_first)
        put(to, f->type, (int[]){ B, f->directions, H }, 3, turned(v[0][0], f->directions, B, H));
    else
        put(to, f->type, (int[]){ f->directions, B, H }, 3, v[0][0]);
}

/* y: [T, D, B, H], or [B, T, D, H]. Only the directions that there are. */
static void put_sequence(char *to, const form *f, const numbers *n) {
    double v[T * 2 * B * H];
    int k = 0, outer = f->batch_first ? B : 1, inner = f->batch_first ? 1 : B;
    for (int o = 0; o < outer; o++)
        for (int t = 0; t < T; t++)
            for (int d = 0; d < f->directions; d++)
                for (int b = 0; b < inner; b++, k += H)
                    memcpy(&v[k], n->y[t][d][f->batch_first ? o : b], H * sizeof *v);
    if (f->batch_first)
        put(to, f->type, (int[]){ B, T, f->directions, H }, 4, v);
    else
        put(to, f->type, (int[]){ T, f->directions, B, H }, 4, v);
}

static void check_form(const form *f) {
    static const char *const names[] = { "RNN", "GRU", "LSTM" };
    static char in[8000], want[4000];
    char attrs[200];
    numbers n = { 0 };
    tn_dtype t = tn_dtype_parse(f->type);
    uint64_t seed = 77;
    int D = f->directions, G = gates_of[f->kind] * H;
    fill(n.x[0][0], T * B * I, t, &seed);
    for (int d = 0; d < D; d++) {
        fill(n.w[d][0], (size_t)(G * I), t, &seed);
        fill(n.r[d][0], (size_t)(G * H), t, &seed);
        fill(n.bias[d], (size_t)(2 * G), t, &seed);
        if (f->states) fill(n.h0[d][0], B * H, t, &seed);
        if (f->states && f->kind == LSTM) fill(n.c0[d][0], B * H, t, &seed);
        if (f->peepholes) fill(n.p[d], 3 * H, t, &seed);
    }
    n.lens[0] = T, n.lens[1] = f->lengths ? 2 : T;
    reference(&n, f);
    in[0] = want[0] = 0;
    if (f->batch_first)
        put(in, f->type, (int[]){ B, T, I }, 3, turned(n.x[0][0], T, B, I));
    else
        put(in, f->type, (int[]){ T, B, I }, 3, n.x[0][0]);
    double packed[2 * GATES * H * 2];
    for (int m = 0; m < 2; m++) { /* W, then R */
        for (int d = 0; d < D; d++)
            memcpy(&packed[d * G * 2], m ? n.r[d][0] : n.w[d][0], (size_t)(G * 2) * sizeof *packed);
        strcat(in, " ");
        put(in, f->type, (int[]){ D, G, 2 }, 3, packed);
    }
    for (int d = 0; d < D; d++) memcpy(&packed[d * 2 * G], n.bias[d], (size_t)(2 * G) * sizeof *packed);
    strcat(in, " ");
    put(in, f->type, (int[]){ D, 2 * G }, 2, packed);
    strcat(in, f->lengths ? " i32:2=3,2" : " _");
    for (int m = 0; m < (f->kind == LSTM ? 2 : 1); m++) {
        strcat(in, f->states ? " " : " _");
        if (f->states) put_state(in, f, m ? n.c0 : n.h0);
    }
    if (f->peepholes) {
        strcat(in, " ");
        put(in, f->type, (int[]){ D, 3 * H }, 2, n.p[0]);
    }
    put_sequence(want, f, &n);
    strcat(want, " ");
    put_state(want, f, n.h);
    if (f->kind == LSTM) {
        strcat(want, " ");
        put_state(want, f, n.c);
    }
    snprintf(attrs, sizeof attrs, "hidden_size=%d %s", H, f->attrs ? f->attrs : "");
    op_cases_run(&(op_case){ names[f->kind], attrs, in, want, t == TN_BF16 ? 2e-2 : t == TN_F16 ? 2e-3 : 0 }, 1);
}

static void forms(void **state) {
    static const form rows[] = {
        { RNN, "f32", .directions = 1 },
        { RNN, "f64", "direction=bidirectional", .directions = 2, .states = true },
        { RNN, "f16", "direction=reverse", .directions = 1, .reverse = true, .lengths = true },
        { RNN, "f32", "layout=1 direction=bidirectional", .directions = 2, .batch_first = true, .states = true },
        { RNN, "f64", "clip=0.25", .directions = 1, .clip = 0.25 },
        { RNN, "f32", "clip=0.25", .directions = 1, .clip = 0.25 },
        { GRU, "f32", "clip=0.5 linear_before_reset=1", .directions = 1, .reset_late = true, .clip = 0.5 },
        { LSTM, "f32", "clip=0.5", .directions = 1, .peepholes = true, .clip = 0.5 },
        { GRU, "f32", "clip=0.5", .directions = 1, .clip = 0.5 },
        { LSTM, "f32", "clip=0.5", .directions = 1, .clip = 0.5 },
        { GRU, "f32", .directions = 1, .lengths = true },
        { GRU, "f64", "linear_before_reset=1", .directions = 1, .reset_late = true, .states = true },
        { GRU, "f16", "direction=bidirectional", .directions = 2, .lengths = true, .states = true },
        { GRU, "f32", "direction=bidirectional linear_before_reset=1", .directions = 2, .reset_late = true,
          .lengths = true },
        { GRU, "f64", "layout=1 clip=0.5", .directions = 1, .batch_first = true, .clip = 0.5 },
        { LSTM, "f32", "direction=bidirectional", .directions = 2, .states = true, .lengths = true, .peepholes = true },
        { LSTM, "f64", "direction=reverse", .directions = 1, .reverse = true, .lengths = true },
        { LSTM, "f64", "clip=0.5 direction=bidirectional", .directions = 2, .states = true, .peepholes = true,
          .clip = 0.5 },
        { LSTM, "f16", .directions = 1, .peepholes = true },
        { LSTM, "f32", "input_forget=1", .directions = 1, .coupled = true, .states = true },
        { LSTM, "f64", "input_forget=1 layout=1", .directions = 1, .coupled = true, .batch_first = true,
          .states = true },
        { LSTM, "bf16", "direction=bidirectional", .directions = 2 },
        { GRU, "bf16", .directions = 1 },
        { RNN, "bf16", .directions = 1 },
    };
    for (size_t i = 0; i < TN_COUNT(rows); i++) check_form(&rows[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(forms) };
    return cmocka_run_group_tests_name("op/recurrent", tests, NULL, NULL);
}
