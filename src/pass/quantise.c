/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* quantise.c - regions between DequantizeLinear and QuantizeLinear compute on codes.
 *
 * Each QuantizeLinear is looked at with what stands in front of it: operators of one operand are a table of 256 codes,
 * which the operators themselves fill; what moves data moves codes; products, sums and means become integer operators
 * that quantise their own sums (quantise_ops.c, quantise_product.c). Between integer operators codes stay on blocked
 * channels (kernel/qconv.h), and those of s8 are u8 with 128 added.
 *
 * Tables, movements and poolings of maxima give what the graph gives, bit by bit. Where the graph computes in float32 -
 * products, sums, means - the integer form is the exact sum, rounded once: the codes differ by one at most, and only
 * where the rounding errors of float32 lie about the middle between two codes. tests/pass/exact.c holds it to that.
 *
 * Last, weights that are dequantised for operators that stay float are so once, and not in every run. */
#include "pass/quantise.h"
#include "op/core/exec.h"
#include <math.h>
#include <string.h>

/* Weights that become floats, of a model: beyond this the run dequantises them. */
#define MOST_GROWN ((size_t)1 << 30)

static tn_status no_memory(const tn_node *n) {
    return tn_fail(TN_E_NOMEM, "no memory to quantise %s", tn_node_where(n));
}

bool tn_quantise_8bit(const tn_value *v) {
    return v && v->type.kind == TN_KIND_TENSOR && (v->type.dtype == TN_U8 || v->type.dtype == TN_I8);
}

/* ---------------------------------------------------------------------------------------------------------- codings */

static bool is_coding_op(const tn_node *n, const char *type) {
    return n && n->n_inputs >= 2 && !strcmp(n->type, type) &&
           (!*n->domain || !strcmp(n->domain, "ai.onnx") || !strcmp(n->domain, "com.microsoft"));
}

/* One scale and zero point for the whole tensor, both known; floats are f32. */
static bool read_coding(const tn_node *n, const tn_value *q, const tn_value *f, tn_coding *c) {
    const tn_value *scale = n->inputs[1], *zero = tn_pass_input(n, 2);
    double s, z = 0;
    if (!tn_quantise_8bit(q) || !f || f->type.dtype != TN_F32 || !scale || scale->type.dtype != TN_F32) return false;
    if (tn_attr_int(n, "block_size", 0) || tn_attr_int(n, "precision", 0)) return false;
    if (!tn_pass_scalar(scale, &s) || (zero && !tn_pass_scalar(zero, &z))) return false;
    *c = (tn_coding){ (float)s, (int32_t)z + (q->type.dtype == TN_I8 ? 128 : 0) };
    return s > 0 && isfinite(s);
}

bool tn_quantise_coded(const tn_value *v, tn_coded *c) {
    tn_node *n = v ? v->producer : NULL;
    if (!is_coding_op(n, "DequantizeLinear") || !n->inputs[0]) return false;
    *c = (tn_coded){ .q = n->inputs[0], .node = n };
    return read_coding(n, c->q, v, &c->of);
}

static tn_value *offset_zero(tn_graph *g, int32_t zero) {
    tn_tensor t = { 0 };
    if (tn_tensor_init(&t, TN_U8, 0, NULL, TN_MEM_WEIGHTS) != TN_OK) return NULL;
    *(uint8_t *)t.data = (uint8_t)zero;
    tn_value *v = tn_value_constant(g, "zero", &t);
    tn_tensor_reset(&t);
    return v;
}

tn_node *tn_quantise_node(tn_quantise *t, tn_node *before, const char *type, tn_value *const *in, int n) {
    t->ctx->changed++;
    return tn_node_new(t->g, before, "tenon", type, in, n, 1);
}

/* codes +- 128 by a table: of another type. */
static tn_value *turned(tn_quantise *t, tn_value *q, tn_dtype to, tn_node *before) {
    tn_tensor table = { 0 };
    if (tn_tensor_init(&table, to, 1, (int64_t[]){ 256 }, TN_MEM_WEIGHTS) != TN_OK) return NULL;
    for (int i = 0; i < 256; i++) ((uint8_t *)table.data)[i] = (uint8_t)(i ^ 128);
    tn_value *in[2] = { q, tn_value_constant(t->g, "table", &table) };
    tn_tensor_reset(&table);
    tn_node *n = in[1] ? tn_quantise_node(t, before, "QTable", in, 2) : NULL;
    if (!n) return NULL;
    n->outputs[0]->type = q->type;
    n->outputs[0]->type.dtype = to;
    return n->outputs[0];
}

/* Codes of s8 that QuantizeLinear makes of floats: as u8 from the beginning. */
static tn_value *quantised_as_u8(tn_quantise *t, const tn_value *q, tn_node *before) {
    tn_node *n = q->producer;
    tn_coding c;
    if (!is_coding_op(n, "QuantizeLinear") || !read_coding(n, q, n->inputs[0], &c)) return NULL;
    tn_value *in[3] = { n->inputs[0], n->inputs[1], offset_zero(t->g, c.zero) };
    tn_node *u = in[2] ? tn_node_new(t->g, before, "", "QuantizeLinear", in, 3, 1) : NULL;
    return u ? u->outputs[0] : NULL;
}

static tn_codes *codes_of(const tn_quantise *t, const tn_value *q) {
    return q->id < t->n_values ? &t->codes[q->id] : NULL;
}

/* Forms of codes stand right behind what they are made of, for whoever may want them. */
static tn_node *behind(const tn_quantise *t, const tn_value *v) {
    return v->producer && v->producer->graph == t->g ? v->producer->next : t->g->first;
}

tn_value *tn_quantise_plain(tn_quantise *t, const tn_coded *c) {
    tn_codes *k = codes_of(t, c->q);
    if (!k) return NULL;
    if (k->plain) return k->plain;
    tn_node *before = behind(t, k->blocked ? k->blocked : c->q);
    if (k->blocked) {
        tn_node *n = tn_quantise_node(t, before, "QFromBlocked", &k->blocked, 1);
        if (!n || tn_attr_set_int(n, "channels", c->q->type.dims[1]) != TN_OK) return NULL;
        return k->plain = n->outputs[0];
    }
    if (c->q->type.dtype == TN_U8) return k->plain = c->q;
    k->plain = quantised_as_u8(t, c->q, before);
    return k->plain ? k->plain : (k->plain = turned(t, c->q, TN_U8, before));
}

tn_value *tn_quantise_blocked(tn_quantise *t, const tn_coded *c) {
    tn_codes *k = codes_of(t, c->q);
    if (!k) return NULL;
    if (k->blocked) return k->blocked;
    tn_value *plain = tn_quantise_plain(t, c);
    tn_node *n = plain ? tn_quantise_node(t, behind(t, plain), "QToBlocked", &plain, 1) : NULL;
    return n ? k->blocked = n->outputs[0] : NULL;
}

bool tn_quantise_is_blocked(const tn_quantise *t, const tn_coded *c) {
    const tn_codes *k = codes_of(t, c->q);
    return k && k->blocked;
}

bool tn_quantise_may_block(const tn_value *v) { return tn_pass_rank(v) >= 3 && tn_dim_known(v->type.dims[1]); }

tn_status tn_quantise_adopt(tn_quantise *t, const tn_requant *q, tn_value *v, bool blocked) {
    if (!v) return no_memory(q->out.node);
    tn_codes *k = codes_of(t, q->out.q);
    *k = (tn_codes){ .q = q->out.q, .made = true };
    *(blocked ? &k->blocked : &k->plain) = v;
    return TN_OK;
}

tn_status tn_quantise_copy_attrs(const tn_node *from, tn_node *to, const char *const *names) {
    for (; *names; names++) {
        const tn_attr *a = tn_attr_find(from, *names);
        if (a) TN_TRY(tn_attr_set(to, a));
    }
    return TN_OK;
}

int64_t tn_quantise_number(const tn_requant *q, double v) {
    float x = rintf((float)v / q->out.of.scale) + (float)q->out.of.zero;
    return x > 0 ? x < 255 ? (int64_t)x : 255 : 0; /* NaN: 0 */
}

tn_status tn_quantise_result(const tn_requant *q, tn_node *n) {
    TN_TRY(tn_attr_set_int(n, "y_zero", q->out.of.zero));
    TN_TRY(tn_attr_set_int(n, "lo", tn_quantise_number(q, (double)q->lo)));
    return tn_attr_set_int(n, "hi", tn_quantise_number(q, (double)q->hi));
}

/* --------------------------------------------------------------------------------------------------------- tables */

enum { GIVEN = 8 };

/* y := what n makes of the given inputs, the others (NULL) being constants. */
static tn_status evaluate(const tn_node *n, tn_datum *const *given, tn_pool *pool, tn_datum *y) {
    tn_datum in[GIVEN] = { 0 }, *ptr[GIVEN] = { 0 };
    tn_status st = TN_OK;
    for (int i = 0; i < n->n_inputs && st == TN_OK; i++) {
        if (!n->inputs[i]) continue;
        ptr[i] = given[i] ? given[i] : &in[i];
        if (!given[i]) in[i].kind = TN_KIND_TENSOR, tn_tensor_share(&in[i].tensor, n->inputs[i]->constant);
        st = tn_tensor_align(&ptr[i]->tensor);
    }
    if (st == TN_OK) st = tn_eval_node(n, ptr, pool, y);
    for (int i = 0; i < n->n_inputs && i < GIVEN; i++) tn_datum_reset(&in[i]);
    return st;
}

/* x := what n makes of it as its input `at`. */
static tn_status step(const tn_node *n, int at, tn_pool *pool, tn_datum *x) {
    tn_datum *given[GIVEN] = { 0 }, y = { 0 };
    given[at] = x;
    tn_status st = evaluate(n, given, pool, &y);
    tn_datum_reset(x);
    *x = y;
    return st;
}

/* The operand of a chain's operator: the one input that is no constant. */
static int operand_of(const tn_node *n) {
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] && !n->inputs[i]->constant) return i;
    return -1;
}

/* A code's offset within its type: s8 has 128 added. */
static int offset(const tn_value *q) { return q->type.dtype == TN_I8 ? 128 : 0; }

/* x := the numbers of these 256 codes. */
static tn_status numbers_of(tn_quantise *t, const tn_coded *c, const uint8_t *codes, tn_datum *x) {
    *x = (tn_datum){ .kind = TN_KIND_TENSOR };
    TN_TRY(tn_tensor_init(&x->tensor, c->q->type.dtype, 1, (int64_t[]){ 256 }, TN_MEM_SCRATCH));
    for (int i = 0; i < 256; i++) ((uint8_t *)x->tensor.data)[i] = (uint8_t)(codes[i] ^ offset(c->q));
    return step(c->node, 0, t->ctx->pool, x);
}

/* The codes of q that its chain and itself make of 256 numbers, which are dropped. */
static tn_status requantised(tn_quantise *t, const tn_requant *q, tn_datum *x, uint8_t *table) {
    tn_status st = TN_OK;
    for (int i = 0; i <= q->n && st == TN_OK; i++) {
        const tn_node *n = i < q->n ? q->chain[i] : q->out.node;
        st = step(n, i < q->n ? operand_of(n) : 0, t->ctx->pool, x);
    }
    if (st == TN_OK && (x->kind != TN_KIND_TENSOR || tn_count(&x->tensor) != 256))
        st = tn_fail(TN_E_GRAPH, "%s is no operator of one operand", tn_node_where(q->out.node));
    for (int i = 0; st == TN_OK && i < 256; i++)
        table[i] = (uint8_t)(((uint8_t *)x->tensor.data)[i] ^ offset(q->out.q));
    tn_datum_reset(x);
    return st;
}

/* What v is a table of: the table, for whose input the caller may go. */
static void look_through(tn_value **v, uint8_t *table) {
    const tn_node *n = (*v)->producer;
    bool is_table = tn_pass_is(n, "tenon", "QTable") && n->inputs[0]->type.dtype != TN_I8;
    for (int i = 0; i < 256; i++) table[i] = is_table ? ((const uint8_t *)n->inputs[1]->constant->data)[i] : (uint8_t)i;
    if (is_table) *v = n->inputs[0];
}

/* *v := a node that looks v up in a table; v itself when that changes nothing. */
static tn_status look_up(tn_quantise *t, const tn_requant *q, const uint8_t *table, tn_value **v) {
    tn_tensor k = { 0 };
    bool same = true;
    for (int i = 0; same && i < 256; i++) same = table[i] == i;
    if (same) return TN_OK;
    TN_TRY(tn_tensor_init(&k, TN_U8, 1, (int64_t[]){ 256 }, TN_MEM_WEIGHTS));
    memcpy(k.data, table, 256);
    tn_value *in[2] = { *v, tn_value_constant(t->g, "table", &k) };
    tn_tensor_reset(&k);
    tn_node *n = in[1] ? tn_quantise_node(t, q->out.node, "QTable", in, 2) : NULL;
    if (!n) return no_memory(q->out.node);
    *v = n->outputs[0];
    return TN_OK;
}

tn_status tn_quantise_recode(tn_quantise *t, const tn_coded *c, const tn_requant *q, bool blocked, tn_value **out) {
    uint8_t table[256];
    tn_datum x;
    *out = blocked ? tn_quantise_blocked(t, c) : tn_quantise_plain(t, c);
    if (!*out) return no_memory(q->out.node);
    look_through(out, table);
    TN_TRY(numbers_of(t, c, table, &x));
    TN_TRY(requantised(t, q, &x, table));
    return look_up(t, q, table, out);
}

tn_status tn_quantise_pair(tn_quantise *t, const tn_coded *a, const tn_coded *b, const tn_requant *q, tn_value *x,
                           tn_value *y, tn_value **out) {
    uint8_t table[2][256];
    tn_datum v[2] = { 0 }, sum = { 0 };
    *out = NULL;
    look_through(&x, table[0]), look_through(&y, table[1]);
    if (x != y) return TN_OK;
    tn_status st = numbers_of(t, a, table[0], &v[0]);
    if (st == TN_OK) st = numbers_of(t, b, table[1], &v[1]);
    if (st == TN_OK) st = evaluate(q->base, (tn_datum *[GIVEN]){ &v[0], &v[1] }, t->ctx->pool, &sum);
    tn_datum_reset(&v[0]), tn_datum_reset(&v[1]);
    if (st == TN_OK) st = requantised(t, q, &sum, table[0]);
    tn_datum_reset(&sum);
    if (st == TN_OK) st = look_up(t, q, table[0], &x);
    *out = st == TN_OK ? x : NULL;
    return st;
}

/* --------------------------------------------------------------------------------------------------------- chains */

static bool one_element(const tn_value *v) { return v->constant && tn_count(v->constant) == 1; }

/* A pointwise operator of one operand, beside numbers, that keeps its shape. */
static bool is_unary(const tn_node *n) {
    int operands = 0;
    if (!n->op || !(n->op->flags & TN_OP_POINTWISE) || n->n_outputs != 1 || n->n_inputs > GIVEN) return false;
    for (int i = 0; i < n->n_inputs; i++) {
        if (!n->inputs[i]) continue;
        if (one_element(n->inputs[i])) {
            if (tn_pass_rank(n->inputs[i]) > tn_pass_rank(n->outputs[0])) return false;
            continue;
        }
        if (n->inputs[i]->constant || n->inputs[i]->type.dtype != TN_F32) return false;
        operands++;
    }
    return operands == 1 && tn_pass_rank(n->inputs[operand_of(n)]) == tn_pass_rank(n->outputs[0]);
}

/* Relu and Clip: what they hold numbers in. */
static bool read_clip(const tn_node *n, float *lo, float *hi) {
    double v;
    *lo = -INFINITY, *hi = INFINITY;
    if (tn_pass_is_op(n, "", "Relu")) {
        *lo = 0;
        return true;
    }
    if (!tn_pass_is_op(n, "", "Clip") || operand_of(n) != 0) return false;
    if (tn_pass_input(n, 1) && (!tn_pass_scalar(n->inputs[1], &v) || isnan(v))) return false;
    if (tn_pass_input(n, 1)) *lo = (float)v;
    if (tn_pass_input(n, 2) && (!tn_pass_scalar(n->inputs[2], &v) || isnan(v))) return false;
    if (tn_pass_input(n, 2)) *hi = (float)v;
    return *lo <= *hi;
}

static float within(float v, float lo, float hi) { return v < lo ? lo : v > hi ? hi : v; }

static void read_clips(tn_requant *q) {
    q->clips = true;
    for (int i = 0; i < q->n && q->clips; i++) {
        float lo, hi;
        q->clips = read_clip(q->chain[i], &lo, &hi);
        if (q->clips) q->lo = within(q->lo, lo, hi), q->hi = within(q->hi, lo, hi);
    }
}

/* Reads what stands in front of a QuantizeLinear; false: nothing that could be quantised. */
static bool read_requant(tn_node *n, tn_requant *q) {
    *q = (tn_requant){ .out = { .q = n->outputs[0], .node = n }, .lo = -INFINITY, .hi = INFINITY };
    if (!is_coding_op(n, "QuantizeLinear") || !n->inputs[0]) return false;
    if (!read_coding(n, q->out.q, n->inputs[0], &q->out.of)) return false;
    tn_node *found[TN_CHAIN];
    tn_value *v = n->inputs[0];
    tn_coded c;
    for (;;) {
        if (!v->producer || v->producer->graph != n->graph) return false;
        if (tn_quantise_coded(v, &c)) break;
        if (!tn_value_only_user(v)) return false;
        if (q->n == TN_CHAIN || !is_unary(v->producer)) break;
        found[q->n++] = v->producer;
        v = v->producer->inputs[operand_of(v->producer)];
    }
    for (int i = 0; i < q->n; i++) q->chain[i] = found[q->n - 1 - i];
    q->base = v->producer;
    read_clips(q);
    return true;
}

/* ----------------------------------------------------------------------------------------------------- the regions */

/* Codes to codes. */
static tn_status quantise_table(tn_quantise *t, const tn_requant *q) {
    tn_coded c;
    tn_value *v;
    if (!tn_quantise_coded(q->n ? q->chain[0]->inputs[operand_of(q->chain[0])] : q->out.node->inputs[0], &c))
        return TN_OK;
    bool blocked = tn_quantise_is_blocked(t, &c) && tn_quantise_may_block(q->out.q);
    TN_TRY(tn_quantise_recode(t, &c, q, blocked, &v));
    return tn_quantise_adopt(t, q, v, blocked);
}

static tn_status visit(tn_quantise *t, tn_node *n) {
    tn_requant q;
    if (n->n_outputs < 1 || !n->outputs[0] || n->outputs[0]->id >= t->n_values) return TN_OK; /* one of the pass's */
    if (!strcmp(n->type, "QLinearConv")) return tn_quantise_linear_conv(t, n);
    if (tn_pass_is_op(n, "", "MaxPool")) return tn_quantise_most(t, n);
    if (!read_requant(n, &q)) return TN_OK;
    if (is_coding_op(q.base, "DequantizeLinear")) return quantise_table(t, &q);
    TN_TRY(tn_quantise_product(t, &q));
    return t->codes[q.out.q->id].made ? TN_OK : tn_quantise_move(t, &q);
}

/* Backwards: codes that somebody else wants in the model's form are given so; what nobody uses goes. */
static tn_status finish(tn_quantise *t) {
    for (tn_node *n = t->g->last, *before; n; n = before) {
        before = n->prev;
        tn_value *v = n->n_outputs ? n->outputs[0] : NULL;
        tn_codes *k = v && v->id < t->n_values && t->codes[v->id].made ? &t->codes[v->id] : NULL;
        if (k && v->n_uses) {
            tn_coded c = { .q = v };
            tn_value *plain = tn_quantise_plain(t, &c);
            if (plain && v->type.dtype == TN_I8) plain = turned(t, plain, TN_I8, behind(t, plain));
            if (!plain) return no_memory(n);
            TN_TRY(tn_value_replace(v, plain));
        }
        if (k || (t->ctx->changed && n->op && !(n->op->flags & TN_OP_RANDOM))) tn_pass_remove_unused(n);
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------- constant weights */

static bool all_constant(const tn_node *n) {
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] && !n->inputs[i]->constant) return false;
    return true;
}

/* Dequantises weights for operators that stay float. What does not fit stays as it is. */
static tn_status fold_weights(tn_node *n, tn_pass_ctx *c) {
    tn_datum y = { 0 };
    const tn_value *v = n->outputs[0];
    size_t bytes;
    if (!is_coding_op(n, "DequantizeLinear") || !all_constant(n) || n->n_inputs > GIVEN || !tn_type_static(&v->type))
        return TN_OK;
    if (!tn_dtype_bytes(v->type.dtype, tn_dims_count(v->type.rank, v->type.dims), &bytes)) return TN_OK;
    if (c->grown + bytes > MOST_GROWN) return TN_OK;
    tn_status st = evaluate(n, (tn_datum *[GIVEN]){ NULL }, c->pool, &y);
    tn_value *k = st == TN_OK && y.kind == TN_KIND_TENSOR ? tn_value_constant(n->graph, v->name, &y.tensor) : NULL;
    tn_datum_reset(&y);
    if (!k) {
        tn_error_clear();
        return TN_OK;
    }
    c->grown += bytes, c->changed++;
    TN_TRY(tn_value_replace(n->outputs[0], k));
    tn_pass_remove_unused(n);
    return TN_OK;
}

static tn_status each_node(tn_quantise *t, tn_status (*fn)(tn_quantise *t, tn_node *n)) {
    tn_status st = TN_OK;
    for (tn_node *n = t->g->first, *next; n && st == TN_OK; n = next) {
        next = n->next;
        st = fn(t, n);
    }
    return st;
}

static tn_status quantise_graph(tn_graph *g, tn_pass_ctx *c) {
    tn_quantise t = { .g = g, .ctx = c, .n_values = g->model->n_values, .arena = tn_arena_new(0, TN_MEM_GENERAL) };
    t.codes = t.arena ? tn_arena_array(t.arena, tn_codes, (size_t)t.n_values + 1) : NULL;
    tn_status st = t.codes ? TN_OK : tn_fail(TN_E_NOMEM, "no memory to look for quantised regions");
    for (tn_node *n = g->first; n && st == TN_OK; n = n->next) st = visit(&t, n);
    if (st == TN_OK) st = each_node(&t, tn_quantise_to_float);
    if (st == TN_OK) st = each_node(&t, tn_quantise_dynamic);
    if (st == TN_OK) st = each_node(&t, tn_quantise_nbits);
    if (st == TN_OK) st = finish(&t);
    for (tn_node *n = g->first, *next; n && st == TN_OK; n = next) {
        next = n->next;
        st = fold_weights(n, c);
    }
    tn_arena_free(&t.arena);
    return st;
}

tn_status tn_pass_quantise(tn_model *m, tn_pass_ctx *c) { return tn_pass_each_graph(m->graph, quantise_graph, c); }
