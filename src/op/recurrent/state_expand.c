/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_expand.c - com.microsoft's LinearAttention and CausalConvWithState, which say more than those of
 * ai.onnx: states of the last tokens for those who go back, several values to one key, taps apart from each other,
 * channels last. Source: docs/ContribOperators.md of ONNX Runtime. */
#include "op/core/expand.h"

/* The first rows of v along an axis. */
static tn_value *first_rows(tn_node *n, tn_value *v, tn_value *count, int64_t axis) {
    tn_value *in[] = { v, tn_up_int(n, "from", 0), count, tn_up_int(n, "axis", axis) };
    if (!v || !in[1] || !count || !in[3]) return NULL;
    tn_node *e = emit(n, "", "Slice", in, 4, 1);
    return e ? e->outputs[0] : NULL;
}

enum { OPERANDS = 6, STATE = 3, WINDOW = 8 };

/* One of the two operators: inputs, of which those in `tokens` hold the tokens along `axis`, and its attributes. */
typedef struct {
    const char *type;
    tn_value *in[OPERANDS];
    int n_in;
    unsigned tokens;
    int64_t axis;
    const char *const *names;
    int64_t heads; /* of queries, LinearAttention; 0: as the node says */
} machine;

static tn_status machine_run(tn_node *n, const machine *m, tn_value *const *in, tn_node **out) {
    tn_node *e = *out = emit(n, "", m->type, in, m->n_in, 2);
    TN_UP_ROOM(e);
    TN_TRY(keep(e, n, m->names));
    return m->heads ? tn_attr_set_int(e, "q_num_heads", m->heads) : TN_OK;
}

/* The state after token `length - ago`, or zeros where there is none. */
static tn_status state_before(tn_node *n, const machine *m, tn_value *length, int64_t ago, tn_value **state) {
    tn_value *in[OPERANDS], *one = tn_up_int(n, "one", 1);
    tn_value *count = bin(n, "Max", bin(n, "Sub", length, tn_up_int(n, "ago", ago)), one);
    tn_value *there = bin(n, "Greater", length, tn_up_int(n, "ago", ago));
    tn_node *e;
    TN_UP_ROOM(count && there);
    for (int i = 0; i < m->n_in; i++) {
        in[i] = m->in[i];
        if (!(m->tokens >> i & 1) || !in[i]) continue;
        in[i] = first_rows(n, in[i], count, m->axis);
        TN_UP_ROOM(in[i]);
    }
    TN_TRY(machine_run(n, m, in, &e));
    *state = tri(n, "Where", there, e->outputs[1], num(n, 0, e->outputs[1]));
    TN_UP_ROOM(*state);
    return TN_OK;
}

/* What the operator gives: its output, and its state, with state_window those after each of the last tokens, the oldest
 * first. `shaped` puts a state into the shape that the node's has. */
static tn_status windowed(tn_node *n, machine *m, tn_value *(*shaped)(tn_node *n, tn_value *state), tn_value **y,
                          tn_value **state) {
    int64_t window = tn_attr_int(n, "state_window", 0);
    tn_value *slots[WINDOW];
    tn_node *e;
    if (window < 0 || window > WINDOW)
        return tn_fail(TN_E_INVALID, "%s: state_window is %lld, 0..%d can be", tn_node_where(n), (long long)window,
                       WINDOW);
    TN_TRY(machine_run(n, m, m->in, &e));
    *y = e->outputs[0];
    *state = NULL;
    if (n->n_outputs < 2 || !n->outputs[1]) return TN_OK;
    if (!window) {
        *state = shaped ? shaped(n, e->outputs[1]) : e->outputs[1];
        return TN_OK;
    }
    tn_value *length = bin(n, "Gather", un(n, "Shape", m->in[0]), tn_up_int(n, "axis", m->axis));
    TN_UP_ROOM(length);
    for (int64_t i = 0; i < window; i++) {
        slots[i] = e->outputs[1];
        if (i + 1 < window) TN_TRY(state_before(n, m, length, window - 1 - i, &slots[i]));
        if (shaped) slots[i] = shaped(n, slots[i]);
        slots[i] = slots[i] ? bin(n, "Unsqueeze", slots[i], tn_up_int(n, "slot", 0)) : NULL;
        TN_UP_ROOM(slots[i]);
    }
    tn_node *all = emit(n, "", "Concat", slots, (int)window, 1);
    TN_UP_ROOM(all);
    *state = all->outputs[0];
    return tn_attr_set_int(all, "axis", 0);
}

/* The past that counts: the last slot of a window. */
static tn_status past_of(tn_node *n, tn_value **past) {
    int64_t window = tn_attr_int(n, "state_window", 0);
    *past = tn_up_input(n, STATE);
    if (!*past || window <= 0) return TN_OK;
    tn_value *last = bin(n, "Gather", *past, tn_up_int(n, "last", window - 1));
    *past = bin(n, "Squeeze", last, tn_up_int(n, "axis", 0));
    TN_UP_ROOM(*past);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------ LinearAttention */

/* [B, T, heads size], each head `times` times; both are [1]. */
static tn_value *repeated(tn_node *n, tn_value *v, tn_value *heads, tn_value *times) {
    tn_value *kept = tn_up_ints(n, "kept", (int64_t[]){ 0, 0 }, 2), *one = tn_up_int(n, "one", 1),
             *ones = tn_up_ints(n, "ones", (int64_t[]){ 1, 1, 1 }, 3), *any = tn_up_int(n, "any", -1),
             *flat = tn_up_ints(n, "flat", (int64_t[]){ 0, 0, -1 }, 3);
    if (!v || !kept || !heads || !times || !one || !ones || !any || !flat) return NULL;
    tn_node *apart = emit(n, "", "Concat", (tn_value *[]){ kept, heads, one, any }, 4, 1);
    tn_node *more = emit(n, "", "Concat", (tn_value *[]){ ones, times, one }, 3, 1);
    if (!apart || !more || !with_int(apart->outputs[0], "axis", 0) || !with_int(more->outputs[0], "axis", 0))
        return NULL;
    return bin(n, "Reshape", bin(n, "Expand", bin(n, "Reshape", v, apart->outputs[0]), more->outputs[0]), flat);
}

static tn_dim hidden(const tn_value *v) { return tn_up_rank(v) == 3 ? v->type.dims[2] : TN_DIM_UNKNOWN; }

/* Keys may have fewer heads than values: as many as their size has room for. Where the sizes are known to say that
 * there are as many, nothing is done. */
static tn_value *keys_for(tn_node *n, tn_value *q, tn_value *k, int64_t heads, int64_t values) {
    tn_dim of_q = hidden(q), of_k = hidden(k);
    if (tn_dim_known(of_q) && tn_dim_known(of_k) && of_q / heads == of_k / values) return k;
    tn_value *last = tn_up_int(n, "last", 2), *size = bin(n, "Gather", un(n, "Shape", q), last);
    size = bin(n, "Div", size, tn_up_int(n, "heads", heads));
    tn_value *count = size ? bin(n, "Div", bin(n, "Gather", un(n, "Shape", k), last), size) : NULL;
    return repeated(n, k, count, bin(n, "Div", tn_up_int(n, "values", values), count));
}

static tn_status linear_attention(tn_node *n) {
    static const char *const names[] = { "chunk_size", "kv_num_heads", "q_num_heads", "scale", "update_rule", NULL };
    int64_t heads = tn_attr_int(n, "q_num_heads", 0), values = tn_attr_int(n, "kv_num_heads", 0);
    tn_value *y, *state;
    TN_TRY(need(n, 3));
    if (heads < 1 || values < 1 || heads > INT32_MAX || values > INT32_MAX)
        return tn_fail(TN_E_INVALID, "%s: %lld heads of queries, %lld of keys", tn_node_where(n), (long long)heads,
                       (long long)values);
    machine m = { .type = "LinearAttention",
                  .n_in = n->n_inputs < OPERANDS ? n->n_inputs : OPERANDS,
                  .tokens = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 4 | 1u << 5,
                  .axis = 1,
                  .names = names };
    for (int i = 0; i < m.n_in; i++) m.in[i] = n->inputs[i];
    if (m.n_in > STATE) TN_TRY(past_of(n, &m.in[STATE]));
    m.in[1] = keys_for(n, m.in[0], m.in[1], heads, values);
    if (heads < values && values % heads == 0) { /* several states to a query: it is asked of each */
        m.in[0] = repeated(n, m.in[0], tn_up_int(n, "heads", heads), tn_up_int(n, "times", values / heads));
        m.heads = values;
    }
    TN_UP_ROOM(m.in[0] && m.in[1]);
    TN_TRY(windowed(n, &m, NULL, &y, &state));
    TN_TRY(give(n, 0, y));
    return give(n, 1, state);
}

/* -------------------------------------------------------------------------------------------- CausalConvWithState */

static tn_value *turned(tn_node *n, tn_value *v) {
    v = un(n, "Transpose", v);
    return v && tn_attr_set_ints(v->producer, "perm", (int64_t[]){ 0, 2, 1 }, 3) == TN_OK ? v : NULL;
}

/* [B, L, channels..] to [B, channels, L], and back into the shape the input has behind its length. */
static tn_value *channels_first(tn_node *n, tn_value *v) {
    tn_value *flat = tn_up_ints(n, "flat", (int64_t[]){ 0, 0, -1 }, 3);
    return turned(n, bin(n, "Reshape", v, flat));
}

static tn_value *channels_last(tn_node *n, tn_value *v) {
    tn_value *shape = with_int(un(n, "Shape", n->inputs[0]), "start", 2);
    tn_value *kept = tn_up_ints(n, "kept", (int64_t[]){ 0, 0 }, 2);
    shape = kept && shape ? with_int(bin(n, "Concat", kept, shape), "axis", 0) : NULL;
    return bin(n, "Reshape", turned(n, v), shape);
}

/* A kernel [C, 1, k] whose taps lie `step` apart: zeros between them. */
static tn_value *spread(tn_node *n, tn_value *w, int64_t step) {
    tn_value *pads = tn_up_ints(n, "between", (int64_t[]){ 0, 0, 0, 0, 0, 0, 0, step - 1 }, 8);
    tn_value *wide = bin(n, "Pad", bin(n, "Unsqueeze", w, tn_up_int(n, "axis", 3)), pads);
    wide = bin(n, "Reshape", wide, tn_up_ints(n, "flat", (int64_t[]){ 0, 0, -1 }, 3));
    return wide ? first_rows(n, wide, tn_up_int(n, "end", 1 - step), 2) : NULL;
}

static tn_status causal_conv(tn_node *n) {
    static const char *const names[] = { "activation", NULL };
    int64_t step = tn_attr_int(n, "dilation", 1);
    bool last = tn_attr_int(n, "channels_last", 0) != 0;
    tn_value *y, *state;
    TN_TRY(need(n, 2));
    if (tn_attr_int(n, "ndim", 1) != 1)
        return tn_up_fail(n, "several dimensions, whose padding and state nobody has defined");
    if (step < 1 || step > INT32_MAX)
        return tn_fail(TN_E_INVALID, "%s: dilation is %lld", tn_node_where(n), (long long)step);
    machine m = { .type = "CausalConvWithState", .n_in = 4, .tokens = 1u << 0, .axis = 2, .names = names };
    for (int i = 0; i < 4; i++) m.in[i] = tn_up_input(n, i);
    TN_TRY(past_of(n, &m.in[STATE]));
    if (step > 1) m.in[1] = spread(n, m.in[1], step);
    if (last) m.in[0] = channels_first(n, m.in[0]);
    if (last && m.in[STATE]) {
        m.in[STATE] = channels_first(n, m.in[STATE]);
        TN_UP_ROOM(m.in[STATE]);
    }
    TN_UP_ROOM(m.in[0] && m.in[1]);
    while (m.n_in > 2 && !m.in[m.n_in - 1]) m.n_in--;
    TN_TRY(windowed(n, &m, last ? channels_last : NULL, &y, &state));
    TN_TRY(give(n, 0, last ? channels_last(n, y) : y));
    return give(n, 1, state);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define FLOATS(name_) \
    { name_, TN_FLOATS, 'T' }
#define MAYBE_FLOATS(name_) \
    { name_, TN_FLOATS, 'T', .optional = true }
#define FLAG(name_) \
    { name_, TN_ATTR_INT }
#define NUMBER(name_) \
    { name_, TN_ATTR_FLOAT }

static const tn_port linear_in[] = { FLOATS("query"),
                                     FLOATS("key"),
                                     FLOATS("value"),
                                     { "past_state", TN_FLOATS, 0, .optional = true },
                                     MAYBE_FLOATS("decay"),
                                     MAYBE_FLOATS("beta"),
                                     { 0 } };
static const tn_port linear_out[] = { FLOATS("output"), { "present_state", TN_FLOATS, 0, .optional = true }, { 0 } };
static const tn_port causal_in[] = {
    FLOATS("input"), FLOATS("weight"), MAYBE_FLOATS("bias"), MAYBE_FLOATS("past_state"), { 0 }
};
static const tn_port causal_out[] = { FLOATS("output"), MAYBE_FLOATS("present_state"), { 0 } };

static const tn_attr_spec linear_attrs[] = {
    { "chunk_size", TN_ATTR_INT },
    { "kv_num_heads", TN_ATTR_INT, .required = true, .min = 1, .max = INT32_MAX },
    { "q_num_heads", TN_ATTR_INT, .required = true, .min = 1, .max = INT32_MAX },
    NUMBER("scale"),
    { "state_window", TN_ATTR_INT, .min = 0, .max = 8 },
    { "update_rule", TN_ATTR_STRING, .words = "linear|gated|delta|gated_delta" },
    { 0 }
};
static const tn_attr_spec causal_attrs[] = {
    { "activation", TN_ATTR_STRING, .words = "none|silu|swish" }, FLAG("channels_last"),
    { "dilation", TN_ATTR_INT, .min = 1, .max = INT32_MAX },      { "ndim", TN_ATTR_INT, .min = 1, .max = 3 },
    { "state_window", TN_ATTR_INT, .min = 0, .max = 8 },          { 0 }
};

const tn_op tn_ops_state_expand[] = {
    TN_MICROSOFT("CausalConvWithState", causal_conv, causal_in, causal_out, causal_attrs,
                 "depthwise convolution of the past, whose end is kept for the next call"),
    TN_MICROSOFT("LinearAttention", linear_attention, linear_in, linear_out, linear_attrs,
                 "attention by a recurrent state instead of a softmax"),
    { 0 },
};
