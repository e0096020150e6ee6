/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_models.c - see state_models.h. */
#include "lib/state_models.h"
#include "lib/onnx_build.h"
#include <math.h>
#include <string.h>

static tn_model *opened(ob *b, tn_text *file) {
    tn_model *m;
    *file = ob_finish(b);
    check_ok(tn_model_open_memory(file->s, file->n, &m));
    return m;
}

static void weight(ob *b, const char *called, int64_t rows, int64_t columns) {
    tn_tensor *w;
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ rows, columns }, &w));
    for (int64_t i = 0; i < rows * columns; i++) ((float *)w->data)[i] = (float)((i * 7 + called[1]) % 13 - 6) / 40;
    ob_init(b, called, w);
    tn_tensor_free(&w);
}

/* x times a weight, [batch, rows, heads, size], and its heads in planes. */
static void heads(ob *b, const char *x, const char *w, const char *rows, const char *planes, int64_t n) {
    char names[64], product[32];
    weight(b, w, WIDTH, n * SIZE);
    snprintf(names, sizeof names, "%s %s", x, w), snprintf(product, sizeof product, "%s_p", w);
    ob_node(b, "MatMul", names, product);
    snprintf(names, sizeof names, "%s %s", product, n == HEADS ? "all_heads" : "key_heads");
    ob_node(b, "Reshape", names, rows);
    if (planes) ob_node(b, "Transpose", rows, planes), ob_ints(b, "perm", (int64_t[]){ 0, 2, 1, 3 }, 4);
}

static ob *begin(int opset) {
    ob *b = ob_new(9, opset);
    ob_opset(b, "com.microsoft", 1);
    ob_input(b, "x", TN_F32, "batch,rows,32");
    ob_ints_init(b, "all_heads", "4", (int64_t[]){ 0, 0, HEADS, SIZE }, 4);
    ob_ints_init(b, "key_heads", "4", (int64_t[]){ 0, 0, 2, SIZE }, 4);
    ob_ints_init(b, "flat", "3", (int64_t[]){ 0, 0, WIDTH }, 3);
    return b;
}

typedef enum { POSITIONS, MASK_MADE, MASK_GIVEN, REPEATED } extra;

/* Heads of `from`, [batch, 2, rows, 8], twice as many: what exporters write for groups of query heads. */
static void repeat(ob *b, const char *from, const char *to) {
    static const char *const part[] = { "shape", "n", "l", "wide", "more", "five", "four" };
    char n[7][24], names[128];
    for (int i = 0; i < 7; i++) snprintf(n[i], sizeof n[i], "%s_%s", to, part[i]);
    ob_node(b, "Shape", from, n[0]);
    snprintf(names, sizeof names, "%s r_first", n[0]), ob_node(b, "Gather", names, n[1]);
    snprintf(names, sizeof names, "%s r_rows", n[0]), ob_node(b, "Gather", names, n[2]);
    snprintf(names, sizeof names, "%s r_two r_two %s r_size", n[1], n[2]), ob_node(b, "Concat", names, n[5]),
        ob_int(b, "axis", 0);
    snprintf(names, sizeof names, "%s r_four %s r_size", n[1], n[2]), ob_node(b, "Concat", names, n[6]),
        ob_int(b, "axis", 0);
    snprintf(names, sizeof names, "%s r_two", from), ob_node(b, "Unsqueeze", names, n[3]);
    snprintf(names, sizeof names, "%s %s", n[3], n[5]), ob_node(b, "Expand", names, n[4]);
    snprintf(names, sizeof names, "%s %s", n[4], n[6]), ob_node(b, "Reshape", names, to);
}

static void repeat_numbers(ob *b) {
    ob_ints_init(b, "r_first", "1", (int64_t[]){ 0 }, 1), ob_ints_init(b, "r_rows", "1", (int64_t[]){ 2 }, 1);
    ob_ints_init(b, "r_two", "1", (int64_t[]){ 2 }, 1), ob_ints_init(b, "r_four", "1", (int64_t[]){ HEADS }, 1);
    ob_ints_init(b, "r_size", "1", (int64_t[]){ SIZE }, 1);
}

/* [rows, past + rows]: large where a key lies ahead, made of the shapes of x and past_k0 (whose dimension 2 are rows).
 */
static void make_mask(ob *b) {
    ob_ints_init(b, "one", "", (int64_t[]){ 1 }, 1), ob_ints_init(b, "nothing", "", (int64_t[]){ 0 }, 1);
    ob_ints_init(b, "ones", "1", (int64_t[]){ 1 }, 1);
    ob_floats_init(b, "ahead", "", (float[]){ -1e9f }, 1), ob_floats_init(b, "zero", "", (float[]){ 0 }, 1);
    ob_node(b, "Shape", "x", "x_shape"), ob_node(b, "Gather", "x_shape one", "new");
    ob_node(b, "Add", "old new", "all");
    ob_node(b, "Range", "nothing all one", "columns"), ob_node(b, "Range", "old all one", "lines");
    ob_node(b, "Unsqueeze", "lines ones", "standing"), ob_node(b, "Greater", "columns standing", "hidden");
    ob_node(b, "Where", "hidden ahead zero", "mask");
}

/* As exporters write it, two layers. The number of old rows is read from a past's shape and added to x, or a mask is
 * made of it; or the caller gives the mask. `rows_first`: caches are [batch, rows, heads, size]. */
static tn_model *pieces(tn_text *file, bool rows_first, extra with) {
    ob *b = begin(17);
    const char *shape = rows_first         ? "batch,past,4,8"
                        : with == REPEATED ? "batch,2,past,8"
                                           : "batch,4,past,8",
               *x = "x2";
    static char ring[32][16];
    int at = 0;
    ob_floats_init(b, "root", "", (float[]){ 2.828427f }, 1);
    ob_floats_init(b, "small", "", (float[]){ 0.01f }, 1);
    ob_ints_init(b, "which", "", (int64_t[]){ rows_first ? 1 : 2 }, 1);
    ob_input(b, "past_k0", TN_F32, shape);
    ob_node(b, "Shape", "past_k0", "shape"), ob_node(b, "Gather", "shape which", "old");
    if (with == POSITIONS) {
        ob_node(b, "Cast", "old", "old_f"), ob_int(b, "to", 1);
        ob_node(b, "Mul", "old_f small", "position"), ob_node(b, "Add", "x position", "x2");
    } else {
        ob_node(b, "Mul", "x small", "x2");
    }
    if (with == MASK_MADE || with == REPEATED) make_mask(b);
    if (with == REPEATED) repeat_numbers(b);
    if (with == MASK_GIVEN) ob_input(b, "mask", TN_F32, "batch,1,rows,past + rows");
    for (int i = 0; i < 2; i++) {
        char w[3][8], n[10][32], names[80];
        for (int k = 0; k < 3; k++) snprintf(w[k], sizeof w[k], "%c%d_w", "qkv"[k], i);
        const char *suffix[] = { "q", "k", "v", "qt", "kt", "vt", "kT", "s", "p", "y" };
        for (int k = 0; k < 10; k++) snprintf(n[k], sizeof n[k], "%s%d", suffix[k], i);
        for (int k = 0; k < 3; k++)
            heads(b, x, w[k], n[k], rows_first && k ? NULL : n[3 + k], k && with == REPEATED ? 2 : HEADS);
        for (int k = 1; k < 3; k++) {
            char past[16], present[16];
            snprintf(past, sizeof past, "past_%c%d", "qkv"[k], i),
                snprintf(present, sizeof present, "present_%c%d", "qkv"[k], i);
            if (i || k == 2) ob_input(b, past, TN_F32, shape);
            snprintf(names, sizeof names, "%s %s", past, rows_first ? n[k] : n[3 + k]);
            ob_node(b, "Concat", names, present), ob_int(b, "axis", rows_first ? 1 : -2);
        }
        char keys[16], values[16], v[16];
        snprintf(keys, sizeof keys, "present_k%d", i), snprintf(values, sizeof values, "present_v%d", i);
        if (with == REPEATED)
            snprintf(v, sizeof v, "rk%d", i), repeat(b, keys, v), memcpy(keys, v, sizeof v),
                snprintf(v, sizeof v, "rv%d", i), repeat(b, values, v), memcpy(values, v, sizeof v);
        ob_node(b, "Transpose", keys, n[6]),
            ob_ints(b, "perm", rows_first ? (int64_t[]){ 0, 2, 3, 1 } : (int64_t[]){ 0, 1, 3, 2 }, 4);
        char *y = ring[at++], *z = ring[at++];
        if (rows_first)
            snprintf(v, sizeof v, "pv%d", i), ob_node(b, "Transpose", values, v), memcpy(values, v, sizeof v),
                ob_ints(b, "perm", (int64_t[]){ 0, 2, 1, 3 }, 4);
        snprintf(names, sizeof names, "%s %s", n[3], n[6]), ob_node(b, "MatMul", names, n[7]);
        snprintf(names, sizeof names, "%s root", n[7]), snprintf(y, sizeof ring[0], "d%d", i),
            ob_node(b, "Div", names, y);
        if (with != POSITIONS) {
            snprintf(names, sizeof names, "d%d mask", i), snprintf(v, sizeof v, "a%d", i);
            ob_node(b, "Add", names, v), y = v;
        }
        ob_node(b, "Softmax", y, n[8]), ob_int(b, "axis", -1);
        snprintf(names, sizeof names, "%s %s", n[8], values), ob_node(b, "MatMul", names, n[9]);
        snprintf(z, sizeof ring[0], "z%d", i), ob_node(b, "Transpose", n[9], z),
            ob_ints(b, "perm", (int64_t[]){ 0, 2, 1, 3 }, 4);
        snprintf(names, sizeof names, "%s flat", z), y = ring[at++], snprintf(y, sizeof ring[0], "f%d", i),
                                                     ob_node(b, "Reshape", names, y);
        snprintf(names, sizeof names, "%s %s", x, y), z = ring[at++], snprintf(z, sizeof ring[0], "o%d", i),
                                                      ob_node(b, "Add", names, z);
        x = z;
    }
    ob_output(b, "present_v0"), ob_output(b, "present_k0"); /* in an order of their own, among others */
    ob_output(b, x);
    ob_output(b, "present_k1"), ob_output(b, "present_v1");
    return opened(b, file);
}

/* One node of attention with a past of its own; extra: its further inputs. */
static tn_model *one(tn_text *file, const char *type, int opset, bool planes, int64_t key_heads, const char *inputs) {
    ob *b = begin(opset);
    const char *shape = key_heads == HEADS ? "batch,4,past,8" : "batch,2,past,8";
    heads(b, "x", "q_w", "qr", "q", HEADS), heads(b, "x", "k_w", "kr", "k", key_heads),
        heads(b, "x", "v_w", "vr", "v", key_heads);
    ob_ints_init(b, "flat_keys", "3", (int64_t[]){ 0, 0, key_heads * SIZE }, 3);
    ob_node(b, "Reshape", "qr flat", "q3"), ob_node(b, "Reshape", "kr flat_keys", "k3"),
        ob_node(b, "Reshape", "vr flat_keys", "v3");
    ob_input(b, "past_key_values.0.key", TN_F32, shape), ob_input(b, "past_key_values.0.value", TN_F32, shape);
    if (strstr(inputs, "lengths")) ob_input(b, "lengths", TN_I32, "batch"), ob_input(b, "total", TN_I32, "");
    if (strstr(inputs, "cos")) {
        float angles[2][ROOM * SIZE / 2];
        for (int i = 0; i < ROOM * SIZE / 2; i++) angles[0][i] = cosf((float)i / 9), angles[1][i] = sinf((float)i / 9);
        ob_floats_init(b, "cos", "64,4", angles[0], ROOM * SIZE / 2),
            ob_floats_init(b, "sin", "64,4", angles[1], ROOM * SIZE / 2);
    }
    ob_node(b, type, inputs, "y present.0.key present.0.value");
    if (strstr(type, "Group"))
        ob_int(b, "num_heads", HEADS), ob_int(b, "kv_num_heads", key_heads), ob_int(b, "do_rotary", 1);
    if (strstr(type, "Multi")) ob_int(b, "num_heads", HEADS), ob_int(b, "unidirectional", 1);
    if (!strcmp(type, "Attention")) {
        ob_int(b, "is_causal", 1);
        if (!planes) ob_int(b, "q_num_heads", HEADS), ob_int(b, "kv_num_heads", key_heads);
    }
    ob_output(b, "y"), ob_output(b, "present.0.key"), ob_output(b, "present.0.value");
    return opened(b, file);
}

static tn_model *attention_planes(tn_text *f) {
    return one(f, "Attention", 23, true, 2, "q k v _ past_key_values.0.key past_key_values.0.value");
}
static tn_model *attention_rows(tn_text *f) {
    return one(f, "Attention", 24, false, 2, "q3 k3 v3 _ past_key_values.0.key past_key_values.0.value");
}
static tn_model *group_query(tn_text *f) {
    return one(f, "com.microsoft::GroupQueryAttention", 17, false, 2,
               "q3 k3 v3 past_key_values.0.key past_key_values.0.value lengths total cos sin");
}
static tn_model *multi_head(tn_text *f) {
    return one(f, "com.microsoft::MultiHeadAttention", 17, false, HEADS,
               "q3 k3 v3 _ _ _ past_key_values.0.key past_key_values.0.value");
}
static tn_model *in_planes(tn_text *f) { return pieces(f, false, POSITIONS); }
static tn_model *in_rows(tn_text *f) { return pieces(f, true, POSITIONS); }
static tn_model *mask_made(tn_text *f) { return pieces(f, false, MASK_MADE); }
static tn_model *repeated(tn_text *f) { return pieces(f, false, REPEATED); }
static tn_model *mask_given(tn_text *f) { return pieces(f, true, MASK_GIVEN); }

/* A cache of fixed size that new rows are written into, and attention over what is full. */
static tn_model *scattered(tn_text *file) {
    ob *b = begin(24);
    heads(b, "x", "q_w", "qr", "q", HEADS), heads(b, "x", "k_w", "kr", "k", 2), heads(b, "x", "v_w", "vr", "v", 2);
    ob_input(b, "key_in", TN_F32, "batch,2,64,8"), ob_input(b, "value_in", TN_F32, "batch,2,64,8");
    ob_input(b, "at", TN_I64, "batch"), ob_input(b, "full", TN_I64, "batch");
    ob_node(b, "TensorScatter", "key_in k at", "key_out"), ob_node(b, "TensorScatter", "value_in v at", "value_out");
    ob_node(b, "Attention", "q key_out value_out _ _ _ full", "y"), ob_int(b, "is_causal", 1);
    ob_output(b, "key_out"), ob_output(b, "y"), ob_output(b, "value_out");
    return opened(b, file);
}

/* h' = tanh(x W + h), c' = c + h', and y = h' * c'. */
static tn_model *recurrent(tn_text *file) {
    ob *b = ob_new(9, 17);
    ob_input(b, "x", TN_F32, "batch,rows,32");
    weight(b, "w", WIDTH, WIDTH);
    ob_input(b, "h", TN_F32, "batch,rows,32"), ob_input(b, "c_in", TN_F32, "batch,rows,32");
    ob_node(b, "MatMul", "x w", "p"), ob_node(b, "Add", "p h", "s"), ob_node(b, "Tanh", "s", "hn");
    ob_node(b, "Add", "c_in hn", "c_out"), ob_node(b, "Mul", "hn c_out", "y");
    ob_output(b, "hn"), ob_output(b, "y"), ob_output(b, "c_out");
    return opened(b, file);
}

/* ------------------------------------------------------------------------------------------------------- running */

static void fill(tn_tensor *t, unsigned seed) {
    for (int64_t i = 0; i < tn_tensor_elements(t); i++) {
        seed = seed * 1664525u + 1013904223u;
        ((float *)t->data)[i] = (float)(seed >> 8) / 8388608 - 1;
    }
}

/* What the caller gives at a step, or NULL. */
tn_tensor *state_given(const char *name, int64_t batch, int64_t rows, int64_t past) {
    tn_tensor *t = NULL;
    if (!strcmp(name, "x")) {
        check_ok(tn_tensor_new(TN_F32, 3, (int64_t[]){ batch, rows, WIDTH }, &t));
        fill(t, (unsigned)(past * 31 + rows));
    } else if (!strcmp(name, "mask")) {
        int64_t all = past + rows;
        check_ok(tn_tensor_new(TN_F32, 4, (int64_t[]){ batch, 1, rows, all }, &t));
        for (int64_t i = 0; i < tn_tensor_elements(t); i++)
            ((float *)t->data)[i] =
                i % all > past + i / all % rows ? -1e9f : (float)(past + i / all % rows - i % all) / 50;
    } else if (!strcmp(name, "lengths") || !strcmp(name, "total")) {
        check_ok(tn_tensor_new(TN_I32, *name == 'l', &batch, &t));
        for (int64_t b = 0; b < tn_tensor_elements(t); b++)
            ((int32_t *)t->data)[b] = (int32_t)(past + rows - (*name == 'l'));
    } else if (!strcmp(name, "at") || !strcmp(name, "full")) {
        check_ok(tn_tensor_new(TN_I64, 1, &batch, &t));
        for (int64_t b = 0; b < batch; b++) ((int64_t *)t->data)[b] = *name == 'a' ? past : past + rows;
    }
    return t;
}

static size_t output_for(const both *b, const char *input) {
    tn_value_info out;
    for (size_t i = 0; i < tn_state_pairs(b->state); i++) {
        tn_state_info p;
        check_ok(tn_state_describe(b->state, i, &p));
        for (size_t o = 0; !strcmp(p.input, input) && o < b->n_out; o++) {
            check_ok(tn_model_output(b->m, o, &out));
            if (!strcmp(out.name, p.output)) return o;
        }
    }
    return SIZE_MAX;
}

/* The first past: no rows, or zeros. */
static tn_tensor *first_of(const tn_value_info *in, int64_t batch, int64_t rows) {
    tn_tensor *t;
    int64_t dims[TN_MAX_RANK];
    for (int d = 0; d < in->rank; d++) {
        const char *s = in->symbols[d];
        dims[d] = in->dims[d] >= 0           ? in->dims[d]
                  : s && !strcmp(s, "batch") ? batch
                  : s && !strcmp(s, "rows")  ? rows
                                             : 0;
    }
    check_ok(tn_tensor_new(in->dtype, in->rank, dims, &t));
    return t;
}

static void close_to(const tn_tensor *a, const tn_tensor *b, double tolerance, const char *what, int64_t past) {
    check(a && b && a->rank == b->rank && !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims),
          "%s: the shapes differ with %d rows\n", what, (int)past);
    for (int64_t i = 0; i < tn_tensor_elements(a); i++) {
        double d = fabs((double)((float *)a->data)[i] - (double)((float *)b->data)[i]);
        check(d <= tolerance, "%s: %g apart at %d with %d rows\n", what, d, (int)i, (int)past);
    }
}

void state_start(both *b, const state_model *m, tn_text *file, int threads, const tn_state_opts *o) {
    *b = (both){ .m = m->make(file) };
    b->n_in = tn_model_inputs(b->m), b->n_out = tn_model_outputs(b->m);
    check_ok(tn_session_new(b->m, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = threads }, &b->s));
    check_ok(tn_state_new(b->s, o, &b->state));
}

void state_stop(both *b, tn_text *file) {
    for (size_t i = 0; i < b->n_in; i++) tn_tensor_free(&b->fed[i]);
    tn_state_free(&b->state);
    tn_session_free(&b->s);
    tn_model_close(&b->m);
    tn_text_free(file);
}

tn_status state_run(both *b, tn_state *state, const tn_tensor *const *in, tn_tensor **out) {
    tn_run_opts o = { .size = sizeof o, .state = state };
    return tn_session_run_with(b->s, &o, b->n_in, in, b->n_out, out);
}

/* One step both ways. */
void state_step(both *b, int64_t batch, int64_t rows, double tolerance) {
    tn_tensor *own[MOST], *hand[MOST], *got[MOST];
    const tn_tensor *in[MOST], *free_in[MOST];
    for (size_t i = 0; i < b->n_in; i++) {
        tn_value_info v;
        check_ok(tn_model_input(b->m, i, &v));
        own[i] = state_given(v.name, batch, rows, b->past);
        if (!own[i] && !b->fed[i]) b->fed[i] = first_of(&v, batch, rows);
        in[i] = own[i] ? own[i] : b->fed[i];
        free_in[i] = own[i];
    }
    check_ok(tn_session_run(b->s, b->n_in, in, b->n_out, hand));
    check_ok(state_run(b, b->state, free_in, got));
    b->past += rows;
    for (size_t i = 0; i < b->n_in; i++) {
        tn_value_info v;
        check_ok(tn_model_input(b->m, i, &v));
        size_t o = own[i] ? SIZE_MAX : output_for(b, v.name);
        tn_tensor_free(&own[i]);
        if (o == SIZE_MAX) continue;
        assert_null(got[o]);
        tn_tensor_free(&b->fed[i]);
        b->fed[i] = hand[o], hand[o] = NULL;
    }
    for (size_t o = 0; o < b->n_out; o++) {
        if (hand[o]) close_to(got[o], hand[o], tolerance, "output", b->past);
        tn_tensor_free(&hand[o]), tn_tensor_free(&got[o]);
    }
}

/* What the state says it holds is what was fed by hand. */
void state_compare(both *b, double tolerance) {
    for (size_t i = 0; i < b->n_in; i++) {
        tn_value_info v;
        tn_tensor *held;
        check_ok(tn_model_input(b->m, i, &v));
        if (!b->fed[i]) continue;
        check_ok(tn_state_get(b->state, v.name, &held));
        close_to(held, b->fed[i], tolerance, v.name, b->past);
        tn_tensor_free(&held);
    }
}

void state_expect(const both *b, tn_state_kind kind) {
    for (size_t i = 0; i < tn_state_pairs(b->state); i++) {
        tn_state_info p;
        check_ok(tn_state_describe(b->state, i, &p));
        check(p.kind == kind, "'%s' and '%s' are of kind %d, not %d\n", p.input, p.output, (int)p.kind, (int)kind);
    }
}

const state_model state_models[STATE_MODELS] = {
    { "pieces", in_planes, TN_STATE_APPENDED },
    { "pieces, rows first", in_rows, TN_STATE_APPENDED },
    { "pieces, mask of shapes", mask_made, TN_STATE_APPENDED },
    { "pieces, mask given", mask_given, TN_STATE_APPENDED },
    { "pieces, heads repeated", repeated, TN_STATE_APPENDED },
    { "Attention of planes", attention_planes, TN_STATE_APPENDED },
    { "Attention of rows", attention_rows, TN_STATE_APPENDED },
    { "GroupQueryAttention", group_query, TN_STATE_APPENDED },
    { "MultiHeadAttention", multi_head, TN_STATE_APPENDED },
    { "TensorScatter", scattered, TN_STATE_UPDATED },
    { "recurrent", recurrent, TN_STATE_SWAPPED },
};
