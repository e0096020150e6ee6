/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pointwise.c - tenon.Pointwise: a chain of pointwise operators in one pass over memory. */
#include "op/math/pointwise.h"
#include "kernel/loop.h"
#include "op/core/ports.h"
#include <string.h>

/* The attribute: inputs, instructions, output value; two bits per input, its place in `types`; then two words per
 * instruction. */
enum { HEAD = 4, WORDS = HEAD + 2 * TN_PROGRAM_CODE };

static const struct {
    char letter;
    tn_dtype type;
} types[] = {
    { TN_PROGRAM_F32, TN_F32 }, { TN_PROGRAM_BOOL, TN_BOOL }, { TN_PROGRAM_F16, TN_F16 }, { TN_PROGRAM_BF16, TN_BF16 }
};

tn_program_type tn_op_program_type(tn_dtype t) {
    for (size_t i = 0; i < TN_COUNT(types); i++)
        if (types[i].type == t) return (tn_program_type)types[i].letter;
    return (tn_program_type)0;
}

static int place_of(char letter) {
    int i = 0;
    while (types[i].letter != letter) i++;
    return i;
}

static tn_dtype dtype_of(char letter) { return types[place_of(letter)].type; }

static uint32_t bits_of(float f) {
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}
static float float_of(uint32_t u) {
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

tn_status tn_op_set_program(tn_node *n, const tn_program *p) {
    int64_t w[WORDS] = { p->n_in, p->n_code, p->out[0], 0 };
    for (int i = 0; i < p->n_in; i++) w[3] |= (int64_t)place_of(p->in_type[i]) << (2 * i);
    for (int i = 0; i < p->n_code; i++) {
        const tn_instr *in = &p->code[i];
        w[HEAD + 2 * i] =
            in->kind | in->op << 8 | in->src[0] << 16 | (int64_t)in->src[1] << 24 | (int64_t)in->src[2] << 32;
        w[HEAD + 2 * i + 1] = (int64_t)((uint64_t)bits_of(in->b) << 32 | bits_of(in->a));
    }
    return tn_attr_set_ints(n, "program", w, HEAD + 2 * p->n_code);
}

typedef struct {
    tn_ints program;
} chain;

static tn_status read_program(const tn_node *n, const chain *a, tn_program *p) {
    const int64_t *w = a->program.v;
    memset(p, 0, sizeof *p);
    if (a->program.n < HEAD || w[0] < 1 || w[0] > TN_PROGRAM_INPUTS || w[1] < 0 || w[1] > TN_PROGRAM_CODE ||
        a->program.n != (size_t)(HEAD + 2 * w[1]))
        return tn_op_fail(n, TN_E_INVALID, "the attribute 'program' is malformed");
    p->n_in = (int)w[0];
    for (int i = 0; i < p->n_in; i++) p->in_type[i] = types[w[3] >> (2 * i) & 3].letter;
    for (int i = 0; i < w[1]; i++) {
        uint64_t c = (uint64_t)w[HEAD + 2 * i], f = (uint64_t)w[HEAD + 2 * i + 1];
        if (tn_program_add(p, (tn_instr_kind)(c & 255), (int)(c >> 8 & 255), (int)(c >> 16 & 255), (int)(c >> 24 & 255),
                           (int)(c >> 32 & 255), float_of((uint32_t)f), float_of((uint32_t)(f >> 32))) < 0)
            return tn_op_fail(n, TN_E_INVALID, "instruction %d of 'program' is malformed", i);
    }
    p->n_out = 1;
    p->out[0] = (uint8_t)w[2];
    if (w[2] < 0 || w[2] >= TN_PROGRAM_VALUES || n->n_inputs != p->n_in)
        return tn_op_fail(n, TN_E_INVALID, "'program' has %d inputs, the node %d", p->n_in, n->n_inputs);
    tn_status st = tn_program_finish(p);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(n));
}

static tn_status infer(tn_infer *c) {
    tn_program p;
    tn_dim dims[TN_MAX_RANK];
    int rank;
    TN_TRY(read_program(c->node, c->attrs, &p));
    for (int i = 0; i < p.n_in; i++) {
        tn_dtype t = tn_infer_dtype(c, i);
        if (t != TN_NONE && t != dtype_of(p.in_type[i]))
            return tn_infer_fail(c, TN_E_TYPE, "input %d is %s", i, tn_dtype_name(t));
    }
    TN_TRY(tn_infer_broadcast(c, 0, c->n_in - 1, &rank, dims));
    tn_infer_out(c, 0, dtype_of(p.type[p.out[0]]), rank, dims);
    return TN_OK;
}

static tn_status cost(const tn_infer *c, tn_cost *out) {
    double code = (double)(((const chain *)c->attrs)->program.n - HEAD) / 2;
    *out = (tn_cost){ 0 };
    for (int i = 0; i <= c->n_in; i++) { /* the inputs, then the output */
        const tn_type *t = i < c->n_in ? c->in[i] : &c->out[0];
        double n = 1;
        if (!t || t->kind != TN_KIND_TENSOR || t->rank < 0) continue;
        for (int d = 0; d < t->rank; d++) n *= tn_dim_known(t->dims[d]) ? (double)t->dims[d] : 1;
        double bytes = n * tn_dtypes[t->dtype].bytes;
        if (i < c->n_in)
            out->bytes_read += bytes;
        else
            out->bytes_written = bytes, out->flops = n * code;
    }
    return TN_OK;
}

static tn_status prepare(tn_prep *p) {
    tn_program *program = tn_arena_new_of(p->arena, tn_program);
    if (!program) return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory to prepare");
    p->state = program;
    return read_program(p->types.node, p->types.attrs, program);
}

static tn_status run(tn_run *r) {
    tn_program own;
    const tn_program *p = r->state;
    tn_program_array in[TN_PROGRAM_INPUTS];
    tn_tensor *y = tn_out(r, 0);
    if (!p) {
        TN_TRY(read_program(r->node, r->attrs, &own));
        p = &own;
    }
    for (int i = 0; i < p->n_in; i++) {
        const tn_tensor *x = tn_in(r, i);
        if (!x || x->dtype != dtype_of(p->in_type[i]))
            return tn_op_fail(r->node, TN_E_TYPE, "input %d is missing or of another type than 'program' says", i);
        in[i].data = x->data;
        tn_broadcast_strides(y->rank, y->dims, x->rank, x->dims, in[i].stride);
    }
    tn_program_run(p, y->rank, y->dims, in, &y->data, r->pool);
    return TN_OK;
}

#define TYPES (tn_dtype_bit(TN_F32) | TN_BOOLS | tn_dtype_bit(TN_F16) | tn_dtype_bit(TN_BF16))
static const tn_port ports_in[] = { { "X", TYPES, 0, .variadic = true }, { 0 } };
static const tn_port ports_out[] = { { "Y", TYPES, 0 }, { 0 } };
static const tn_attr_spec attrs[] = { { TN_INTS_OF(chain, program), .required = true }, { 0 } };

/* In place is safe: the output is written by the last instruction, tile by tile. */
const tn_op tn_ops_pointwise[] = {
    { .name = "Pointwise",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL | TN_OP_POINTWISE | TN_OP_INPLACE,
      .in = ports_in,
      .out = ports_out,
      TN_ATTRS(attrs, chain),
      .infer = infer,
      .cost = cost,
      .prepare = prepare,
      .fit = tn_fit_any,
      .run = run,
      .doc = "a chain of pointwise operators in one pass" },
    { 0 },
};
