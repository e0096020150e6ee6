/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_expand.c - com.microsoft's LinearAttention and CausalConvWithState, which say more than those of
 * ai.onnx: states of the last tokens for those who go back, several values to one key, taps apart from each other,
 * channels last. Source: docs/ContribOperators.md of ONNX Runtime. */
#include "op/core/expand.h"

/* The first rows of v along an axis. */
static tn_value *first_rows(tn_build *b, tn_value *v, tn_value *count, int64_t axis) {
    return tn_emit(b, "Slice", v, tn_build_int(b, "from", 0), count, tn_build_int(b, "axis", axis));
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

/* out[0]: the result, out[1]: the state. */
static tn_status machine_run(tn_build *b, const machine *m, tn_value *const *in, tn_value **out) {
    tn_node *e = tn_build_node(b, "", m->type, in, m->n_in, 2);
    tn_build_keep(b, e, b->node, m->names);
    if (m->heads) tn_build_attr(b, e, tn_attr_of_int("q_num_heads", m->heads));
    tn_build_outputs(b, e, out, 2);
    return b->st;
}

/* The state after token `length - ago`, or zeros where there is none. */
static tn_status state_before(tn_build *b, const machine *m, tn_value *length, int64_t ago, tn_value **state) {
    tn_value *in[OPERANDS], *one = tn_build_int(b, "one", 1);
    tn_value *count = tn_emit(b, "Max", tn_emit(b, "Sub", length, tn_build_int(b, "ago", ago)), one);
    tn_value *there = tn_emit(b, "Greater", length, tn_build_int(b, "ago", ago));
    tn_value *out[2];
    for (int i = 0; i < m->n_in; i++)
        in[i] = m->tokens >> i & 1 && m->in[i] ? first_rows(b, m->in[i], count, m->axis) : m->in[i];
    TN_TRY(machine_run(b, m, in, out));
    *state = tn_emit(b, "Where", there, out[1], tn_build_like(b, "number", 0, out[1]));
    return b->st;
}

/* What the operator gives: its output, and its state, with state_window those after each of the last tokens, the oldest
 * first. `shaped` puts a state into the shape that the node's has. */
static tn_status windowed(tn_build *b, machine *m, tn_value *(*shaped)(tn_build *b, tn_value *state), tn_value **y,
                          tn_value **state) {
    tn_node *n = b->node;
    int64_t window = tn_attr_int(n, "state_window", 0);
    tn_value *slots[WINDOW], *out[2];
    if (window < 0 || window > WINDOW)
        return tn_build_fail(b, TN_E_INVALID, "state_window is %lld, 0..%d can be", (long long)window, WINDOW);
    TN_TRY(machine_run(b, m, m->in, out));
    *y = out[0];
    *state = NULL;
    if (n->n_outputs < 2 || !n->outputs[1]) return b->st;
    if (!window) {
        *state = shaped ? shaped(b, out[1]) : out[1];
        return b->st;
    }
    tn_value *length = tn_emit(b, "Gather", tn_emit(b, "Shape", m->in[0]), tn_build_int(b, "axis", m->axis));
    for (int64_t i = 0; i < window; i++) {
        slots[i] = out[1];
        if (i + 1 < window) TN_TRY(state_before(b, m, length, window - 1 - i, &slots[i]));
        if (shaped) slots[i] = shaped(b, slots[i]);
        slots[i] = tn_emit(b, "Unsqueeze", slots[i], tn_build_int(b, "slot", 0));
    }
    tn_node *all = tn_build_node(b, "", "Concat", slots, (int)window, 1);
    tn_build_attr(b, all, tn_attr_of_int("axis", 0));
    *state = tn_build_typed(b, all);
    return b->st;
}

/* The past that counts: the last slot of a window. */
static tn_status past_of(tn_build *b, tn_value **past) {
    tn_node *n = b->node;
    int64_t window = tn_attr_int(n, "state_window", 0);
    *past = tn_up_input(n, STATE);
    if (!*past || window <= 0) return b->st;
    tn_value *last = tn_emit(b, "Gather", *past, tn_build_int(b, "last", window - 1));
    *past = tn_emit(b, "Squeeze", last, tn_build_int(b, "axis", 0));
    return b->st;
}

/* ------------------------------------------------------------------------------------------------ LinearAttention */

/* [B, T, heads size], each head `times` times; both are [1]. */
static tn_value *repeated(tn_build *b, tn_value *v, tn_value *heads, tn_value *times) {
    tn_value *kept = tn_build_ints(b, "kept", (int64_t[]){ 0, 0 }, 2), *one = tn_build_int(b, "one", 1),
             *ones = tn_build_ints(b, "ones", (int64_t[]){ 1, 1, 1 }, 3), *any = tn_build_int(b, "any", -1),
             *flat = tn_build_ints(b, "flat", (int64_t[]){ 0, 0, -1 }, 3);
    tn_value *apart = tn_emit_int(b, "Concat", "axis", 0, kept, heads, one, any);
    tn_value *more = tn_emit_int(b, "Concat", "axis", 0, ones, times, one);
    return tn_emit(b, "Reshape", tn_emit(b, "Expand", tn_emit(b, "Reshape", v, apart), more), flat);
}

static tn_dim hidden(const tn_value *v) { return tn_up_rank(v) == 3 ? v->type.dims[2] : TN_DIM_UNKNOWN; }

/* Keys may have fewer heads than values: as many as their size has room for. Where the sizes are known to say that
 * there are as many, nothing is done. */
static tn_value *keys_for(tn_build *b, tn_value *q, tn_value *k, int64_t heads, int64_t values) {
    tn_dim of_q = hidden(q), of_k = hidden(k);
    if (tn_dim_known(of_q) && tn_dim_known(of_k) && of_q / heads == of_k / values) return k;
    tn_value *last = tn_build_int(b, "last", 2), *size = tn_emit(b, "Gather", tn_emit(b, "Shape", q), last);
    size = tn_emit(b, "Div", size, tn_build_int(b, "heads", heads));
    tn_value *count = tn_emit(b, "Div", tn_emit(b, "Gather", tn_emit(b, "Shape", k), last), size);
    return repeated(b, k, count, tn_emit(b, "Div", tn_build_int(b, "values", values), count));
}

static tn_status linear_attention(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "chunk_size", "kv_num_heads", "q_num_heads", "scale", "update_rule", NULL };
    int64_t heads = tn_attr_int(n, "q_num_heads", 0), values = tn_attr_int(n, "kv_num_heads", 0);
    tn_value *y, *state;
    if (heads < 1 || values < 1 || heads > INT32_MAX || values > INT32_MAX)
        return tn_build_fail(b, TN_E_INVALID, "%lld heads of queries, %lld of keys", (long long)heads,
                             (long long)values);
    machine m = { .type = "LinearAttention",
                  .n_in = n->n_inputs < OPERANDS ? n->n_inputs : OPERANDS,
                  .tokens = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 4 | 1u << 5,
                  .axis = 1,
                  .names = names };
    for (int i = 0; i < m.n_in; i++) m.in[i] = n->inputs[i];
    if (m.n_in > STATE) TN_TRY(past_of(b, &m.in[STATE]));
    m.in[1] = keys_for(b, m.in[0], m.in[1], heads, values);
    if (heads < values && values % heads == 0) { /* several states to a query: it is asked of each */
        m.in[0] = repeated(b, m.in[0], tn_build_int(b, "heads", heads), tn_build_int(b, "times", values / heads));
        m.heads = values;
    }
    TN_TRY(windowed(b, &m, NULL, &y, &state));
    tn_give(b, 0, y);
    return tn_give(b, 1, state);
}

/* -------------------------------------------------------------------------------------------- CausalConvWithState */

static tn_value *turned(tn_build *b, tn_value *v) {
    return tn_emit_with(b, "Transpose", tn_attr_of_ints("perm", (int64_t[]){ 0, 2, 1 }, 3), v);
}

/* [B, L, channels..] to [B, channels, L], and back into the shape the input has behind its length. */
static tn_value *channels_first(tn_build *b, tn_value *v) {
    tn_value *flat = tn_build_ints(b, "flat", (int64_t[]){ 0, 0, -1 }, 3);
    return turned(b, tn_emit(b, "Reshape", v, flat));
}

static tn_value *channels_last(tn_build *b, tn_value *v) {
    tn_node *n = b->node;
    tn_value *shape = tn_emit_int(b, "Shape", "start", 2, n->inputs[0]);
    tn_value *kept = tn_build_ints(b, "kept", (int64_t[]){ 0, 0 }, 2);
    shape = tn_emit_int(b, "Concat", "axis", 0, kept, shape);
    return tn_emit(b, "Reshape", turned(b, v), shape);
}

/* A kernel [C, 1, k] whose taps lie `step` apart: zeros between them. */
static tn_value *spread(tn_build *b, tn_value *w, int64_t step) {
    tn_value *pads = tn_build_ints(b, "between", (int64_t[]){ 0, 0, 0, 0, 0, 0, 0, step - 1 }, 8);
    tn_value *wide = tn_emit(b, "Pad", tn_emit(b, "Unsqueeze", w, tn_build_int(b, "axis", 3)), pads);
    wide = tn_emit(b, "Reshape", wide, tn_build_ints(b, "flat", (int64_t[]){ 0, 0, -1 }, 3));
    return first_rows(b, wide, tn_build_int(b, "end", 1 - step), 2);
}

static tn_status causal_conv(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "activation", NULL };
    int64_t step = tn_attr_int(n, "dilation", 1);
    bool last = tn_attr_int(n, "channels_last", 0) != 0;
    tn_value *y, *state;
    if (tn_attr_int(n, "ndim", 1) != 1)
        return tn_up_fail(b, "several dimensions, whose padding and state nobody has defined");
    if (step < 1 || step > INT32_MAX) return tn_build_fail(b, TN_E_INVALID, "dilation is %lld", (long long)step);
    machine m = { .type = "CausalConvWithState", .n_in = 4, .tokens = 1u << 0, .axis = 2, .names = names };
    for (int i = 0; i < 4; i++) m.in[i] = tn_up_input(n, i);
    TN_TRY(past_of(b, &m.in[STATE]));
    if (step > 1) m.in[1] = spread(b, m.in[1], step);
    if (last) m.in[0] = channels_first(b, m.in[0]);
    if (last && m.in[STATE]) m.in[STATE] = channels_first(b, m.in[STATE]);
    while (m.n_in > 2 && !m.in[m.n_in - 1]) m.n_in--;
    TN_TRY(windowed(b, &m, last ? channels_last : NULL, &y, &state));
    tn_give(b, 0, last ? channels_last(b, y) : y);
    return tn_give(b, 1, state);
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
