/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* program.c - checks pointwise programs and runs them tile by tile.
 *
 * The shape is collapsed to rows of one inner dimension. Long rows are cut into tiles: an input is then a piece of
 * memory or, where its inner stride is 0, one number, and the kernels have forms for both. Of short rows several make a
 * tile, and inputs that repeat are written out into a buffer first (once per thread when every tile repeats the same).
 */
#include "kernel/program.h"
#include "kernel/kernel.h"
#include "kernel/tiles.h"
#include <string.h>

static const struct {
    uint8_t operands;
    const char *types;
} kinds[] = {
#define X(id, operands, types) { operands, types },
    TN_INSTRS(X)
#undef X
};

/* ------------------------------------------------------------------------------------------------------ building */

/* Bytes of an element. */
static size_t bytes_of(char type) {
    return type == TN_PROGRAM_F32 ? sizeof(float) : type == TN_PROGRAM_BOOL ? 1 : sizeof(uint16_t);
}

int tn_program_input(tn_program *p, tn_program_type type) {
    if (p->n_in >= TN_PROGRAM_INPUTS) return -1;
    p->in_type[p->n_in] = (char)type;
    return p->n_in++;
}

int tn_program_add(tn_program *p, tn_instr_kind kind, int op, int x, int y, int z, float a, float b) {
    const int src[3] = { x, y, z };
    if (p->n_code >= TN_PROGRAM_CODE || (unsigned)kind >= TN_INSTR_COUNT) return -1;
    tn_instr in = { .kind = (uint8_t)kind, .op = (uint8_t)op, .a = a, .b = b };
    for (int i = 0; i < kinds[kind].operands; i++) {
        if (src[i] < 0 || src[i] >= TN_PROGRAM_VALUES) return -1;
        in.src[i] = (uint8_t)src[i];
    }
    p->code[p->n_code] = in;
    return TN_PROGRAM_INPUTS + p->n_code++;
}

int tn_program_const(tn_program *p, float value) { return tn_program_add(p, TN_P_CONST, 0, 0, 0, 0, value, 0); }

int tn_program_output(tn_program *p, int value) {
    if (value < 0 || value >= TN_PROGRAM_VALUES || p->n_out >= TN_PROGRAM_OUTPUTS) return -1;
    p->out[p->n_out] = (uint8_t)value;
    return p->n_out++;
}

static bool defined(const tn_program *p, int v, int before) {
    return v < TN_PROGRAM_INPUTS ? v < p->n_in : v - TN_PROGRAM_INPUTS < before;
}

static tn_status check_instr(tn_program *p, int i) {
    static const int ops[TN_INSTR_COUNT] = {
        [TN_P_UNARY] = TN_UNARY_COUNT, [TN_P_BINARY] = TN_BINARY_COUNT, [TN_P_COMPARE] = TN_COMPARE_COUNT
    };
    const tn_instr *in = &p->code[i];
    if (in->kind >= TN_INSTR_COUNT || (ops[in->kind] && in->op >= ops[in->kind]))
        return tn_fail(TN_E_INVALID, "pointwise program: instruction %d has an unknown operation", i);
    for (int k = 0; k < kinds[in->kind].operands; k++) {
        if (!defined(p, in->src[k], i))
            return tn_fail(TN_E_INVALID, "pointwise program: instruction %d reads value %d, which is not defined yet",
                           i, in->src[k]);
        if (p->type[in->src[k]] != kinds[in->kind].types[k + 1])
            return tn_fail(TN_E_INVALID, "pointwise program: operand %d of instruction %d has the wrong type", k, i);
    }
    p->type[TN_PROGRAM_INPUTS + i] = kinds[in->kind].types[0];
    return TN_OK;
}

/* The last instruction that reads a value; n_code for outputs, -1 for values nobody reads. */
static int last_use(const tn_program *p, int value) {
    int last = -1;
    for (int i = 0; i < p->n_code; i++)
        for (int k = 0; k < kinds[p->code[i].kind].operands; k++)
            if (p->code[i].src[k] == value) last = i;
    for (int o = 0; o < p->n_out; o++)
        if (p->out[o] == value) last = p->n_code;
    return last;
}

/* Buffers by lifetime. A result may take over the buffer of an operand that ends here if both have one type; kernels
 * allow that. */
static void assign_slots(tn_program *p) {
    int busy[TN_PROGRAM_CODE]; /* the instruction until which a slot is taken, inclusive */
    p->n_slots = 0;
    for (int i = 0; i < p->n_code; i++) {
        int s = 0, until = last_use(p, TN_PROGRAM_INPUTS + i);
        for (; s < p->n_slots; s++)
            if (busy[s] < i) break;
        for (int k = 0; k < kinds[p->code[i].kind].operands; k++) {
            int v = p->code[i].src[k] - TN_PROGRAM_INPUTS;
            bool same = v >= 0 && p->type[v + TN_PROGRAM_INPUTS] == p->type[i + TN_PROGRAM_INPUTS];
            if (same && busy[p->slot[v]] == i) {
                s = p->slot[v];
                break;
            }
        }
        p->slot[i] = (uint8_t)s;
        busy[s] = until < i ? i : until;
        if (s == p->n_slots) p->n_slots++;
    }
}

tn_status tn_program_finish(tn_program *p) {
    if (p->n_in < 0 || p->n_in > TN_PROGRAM_INPUTS || p->n_code < 0 || p->n_code > TN_PROGRAM_CODE || p->n_out < 1 ||
        p->n_out > TN_PROGRAM_OUTPUTS)
        return tn_fail(TN_E_INVALID, "pointwise program: %d inputs, %d instructions, %d outputs", p->n_in, p->n_code,
                       p->n_out);
    for (int i = 0; i < p->n_in; i++) p->type[i] = p->in_type[i];
    for (int i = 0; i < p->n_code; i++) TN_TRY(check_instr(p, i));
    for (int o = 0; o < p->n_out; o++)
        if (!defined(p, p->out[o], p->n_code))
            return tn_fail(TN_E_INVALID, "pointwise program: output %d is value %d, which is not defined", o,
                           p->out[o]);
    assign_slots(p);
    return TN_OK;
}

bool tn_program_may_alias(const tn_program *p, int i, int o) {
    int v = p->out[o], written = v < TN_PROGRAM_INPUTS ? p->n_code : v - TN_PROGRAM_INPUTS;
    if (p->type[v] != p->in_type[i]) return false;
    for (int k = 0; k < p->n_out; k++)
        if (k != o && (p->out[k] == i || p->out[k] == v)) return false;
    for (int k = written + 1; k < p->n_code; k++)
        for (int s = 0; s < kinds[p->code[k].kind].operands; s++)
            if (p->code[k].src[s] == i) return false;
    return v >= TN_PROGRAM_INPUTS || v == i;
}

/* ------------------------------------------------------------------------------------------------------ one tile */

typedef tn_tile_view view;

typedef struct {
    const tn_program *p;
    const tn_kernels *k;
    view v[TN_PROGRAM_VALUES];
    float one[TN_PROGRAM_CODE]; /* results that are one number */
    float *slots;               /* n_slots tiles */
    int tile;
} machine;

static tn_form form_of(view a, view b) { return b.one ? TN_VS : a.one ? TN_SV : TN_VV; }

static void run_muladd(const tn_vec_kernels *k, view a, view b, view c, float *y, size_t n) {
    if (a.one) {
        view t = a;
        a = b;
        b = t;
    }
    if (a.one) { /* a b is one number */
        float ab = *(const float *)a.p * *(const float *)b.p;
        k->binary[TN_B_ADD][TN_VS](c.p, &ab, y, n);
    } else if (b.one && c.one) {
        k->unary[TN_U_AFFINE](a.p, y, n, *(const float *)b.p, *(const float *)c.p);
    } else if (b.one) {
        k->scaleadd(a.p, b.p, c.p, y, n);
    } else if (c.one) {
        k->binary[TN_B_MUL][TN_VV](a.p, b.p, y, n);
        k->binary[TN_B_ADD][TN_VS](y, c.p, y, n);
    } else {
        k->muladd(a.p, b.p, c.p, y, n);
    }
}

static void run_where(const tn_vec_kernels *k, view c, view a, view b, float *y, size_t n) {
    if (c.one) {
        view from = *(const uint8_t *)c.p ? a : b;
        if (from.one)
            k->fill(*(const float *)from.p, y, n);
        else if (from.p != y)
            memcpy(y, from.p, n * sizeof *y);
        return;
    }
    if (a.one && b.one) {
        float fb = *(const float *)b.p;
        k->fill(*(const float *)a.p, y, n);
        k->where[TN_VS](c.p, y, &fb, y, n);
        return;
    }
    k->where[form_of(a, b)](c.p, a.p, b.p, y, n);
}

static void run_logic(tn_instr_kind kind, view a, view b, uint8_t *y, size_t n) {
    const uint8_t *pa = a.p, *pb = b.p;
    size_t sa = !a.one, sb = !b.one;
    if (kind == TN_P_AND)
        for (size_t i = 0; i < n; i++) y[i] = pa[i * sa] && pb[i * sb];
    else if (kind == TN_P_OR)
        for (size_t i = 0; i < n; i++) y[i] = pa[i * sa] || pb[i * sb];
    else
        for (size_t i = 0; i < n; i++) y[i] = !pa[i * sa] != !pb[i * sb];
}

static void run_instr(const tn_kernels *all, const tn_instr *in, const view *v, void *y, size_t n) {
    const tn_vec_kernels *k = &all->vec;
    view x = v[in->src[0]], z = v[in->src[1]], w = v[in->src[2]];
    /* n == 1: everything is an array of one element */
    if (n == 1) x.one = z.one = w.one = false;
    switch ((tn_instr_kind)in->kind) {
    case TN_P_CONST: k->fill(in->a, y, n); break;
    case TN_P_UNARY: k->unary[in->op](x.p, y, n, in->a, in->b); break;
    case TN_P_BINARY: k->binary[in->op][form_of(x, z)](x.p, z.p, y, n); break;
    case TN_P_COMPARE: k->compare[in->op][form_of(x, z)](x.p, z.p, y, n); break;
    case TN_P_WHERE: run_where(k, x, z, w, y, n); break;
    case TN_P_MULADD: run_muladd(k, x, z, w, y, n); break;
    case TN_P_NOT:
        for (size_t i = 0; i < n; i++) ((uint8_t *)y)[i] = !((const uint8_t *)x.p)[i];
        break;
    case TN_P_TO_F32: k->from_bool(x.p, y, n); break;
    case TN_P_TO_BOOL: k->to_bool(x.p, y, n); break;
    case TN_P_FROM_F16: all->half.widen_f16(x.p, y, n); break;
    case TN_P_FROM_BF16: all->half.widen_bf16(x.p, y, n); break;
    case TN_P_TO_F16: all->half.narrow_f16(x.p, y, n); break;
    case TN_P_TO_BF16: all->half.narrow_bf16(x.p, y, n); break;
    default: run_logic(in->kind, x, z, y, n);
    }
}

/* An output is a result's own memory where possible; inputs, numbers and second outputs of a value are copied. */
static void store_output(machine *m, int value, void *out, size_t n) {
    view v = m->v[value];
    size_t each = bytes_of(m->p->type[value]);
    if (v.p == out && !v.one) return;
    if (!v.one)
        memmove(out, v.p, n * each);
    else if (each == 1)
        memset(out, *(const uint8_t *)v.p, n);
    else if (each == 2)
        for (size_t i = 0; i < n; i++) ((uint16_t *)out)[i] = *(const uint16_t *)v.p;
    else
        m->k->vec.fill(*(const float *)v.p, out, n);
}

static void run_tile(machine *m, void *const *out, size_t n) {
    const tn_program *p = m->p;
    for (int i = 0; i < p->n_code; i++) {
        const tn_instr *in = &p->code[i];
        bool one = true;
        for (int s = 0; s < kinds[in->kind].operands; s++) one &= m->v[in->src[s]].one;
        void *y = m->slots + (size_t)p->slot[i] * m->tile;
        for (int o = p->n_out - 1; o >= 0; o--)
            if (p->out[o] == TN_PROGRAM_INPUTS + i) y = out[o];
        if (one) y = &m->one[i];
        run_instr(m->k, in, m->v, y, one ? 1 : n);
        m->v[TN_PROGRAM_INPUTS + i] = (view){ y, one };
    }
    for (int o = 0; o < p->n_out; o++) store_output(m, p->out[o], out[o], n);
}

/* ----------------------------------------------------------------------------------------------------- all tiles */

typedef struct {
    const tn_program *p;
    void *const *out;
} job;

static void run_one(void *user, const tn_tile_view *v, int64_t at, size_t n, char *scratch, int tile) {
    const job *j = user;
    const tn_program *p = j->p;
    machine m = { .p = p, .k = tn_kernels_get(), .slots = (float *)scratch, .tile = tile };
    void *out[TN_PROGRAM_OUTPUTS];
    memcpy(m.v, v, (size_t)p->n_in * sizeof *v);
    for (int o = 0; o < p->n_out; o++) out[o] = (char *)j->out[o] + (size_t)at * bytes_of(p->type[p->out[o]]);
    run_tile(&m, out, n);
}

void tn_program_run(const tn_program *p, int rank, const int64_t *dims, const tn_program_array *in, void *const *out,
                    tn_pool *pool) {
    job j = { p, out };
    tn_tile_array a[TN_PROGRAM_INPUTS];
    for (int i = 0; i < p->n_in; i++) {
        a[i] = (tn_tile_array){ .data = in[i].data, .bytes = (int)bytes_of(p->in_type[i]) };
        memcpy(a[i].stride, in[i].stride, (size_t)rank * sizeof(int64_t));
    }
    tn_tiles t = { .rank = rank,
                   .dims = dims,
                   .n_in = p->n_in,
                   .in = a,
                   .scratch = p->n_slots * (int)sizeof(float),
                   .weight = p->n_code,
                   .fn = run_one,
                   .user = &j };
    tn_tiles_run(&t, pool);
}
