/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* make_decoder.c - writes a decoder of a known shape with random weights (fixed seed), as exporters write it, for
 * measuring (bench/kernels/state.c, docs/state.md):
 *
 *     make_decoder gpt2|llama FILE.onnx [LAYERS]
 *
 * gpt2: 12 heads of 64, learnt positions. llama: 16 query heads of 64 in groups of 4 that share keys, which are
 * repeated by Unsqueeze, Expand and Reshape; rotated positions. Both have input_ids, position_ids and
 * past_key_values.N.key and .value, make their causal mask of the shapes, and 16384 words. */
#include "base/number.h"
#include "lib/onnx_build.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 16384, POSITIONS = 2048, SIZE = 64 };

typedef struct {
    const char *name;
    int width, heads, kv, inner, layers;
    bool rotary; /* and RMS norms, gates, repeated keys; else as GPT-2 */
} shape;

static const shape shapes[] = { { "gpt2", 768, 12, 12, 3072, 6, false }, { "llama", 1024, 16, 4, 2816, 6, true } };

static ob *b;
static unsigned seed = 1;

/* "name" with the layer's number for every '#' in it; in one of several buffers used in turn. */
static const char *in(int layer, const char *text) {
    static char buffers[8][160];
    static int at;
    char *to = buffers[at++ % 8], *p = to;
    for (; *text && p < to + 140; text++)
        if (*text == '#')
            p += snprintf(p, 8, "%d", layer);
        else
            *p++ = *text;
    *p = 0;
    return to;
}

static void node(int layer, const char *type, const char *inputs, const char *outputs) {
    ob_node(b, type, in(layer, inputs), in(layer, outputs));
}

static void weight(const char *name, int rows, int columns, float around, float spread) {
    char dims[32];
    int n = rows * columns;
    float *v = malloc((size_t)n * sizeof *v);
    if (!v) abort();
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        v[i] = around + spread * ((float)(seed >> 8) / 8388608 - 1);
    }
    if (rows > 1)
        snprintf(dims, sizeof dims, "%d,%d", rows, columns);
    else
        snprintf(dims, sizeof dims, "%d", columns);
    ob_floats_init(b, name, dims, v, n);
    free(v);
}

static void product(int layer, const char *x, const char *w, const char *y, int rows, int columns) {
    char names[160];
    weight(in(layer, w), rows, columns, 0, 1.5f / sqrtf((float)rows));
    snprintf(names, sizeof names, "%s %s", x, w);
    node(layer, "MatMul", names, y);
}

static void norm(const shape *s, int layer, const char *x, const char *w, const char *y) {
    char names[160];
    weight(in(layer, w), 1, s->width, 1, 0.1f);
    snprintf(names, sizeof names, "%s %s", x, w);
    node(layer, s->rotary ? "RMSNormalization" : "LayerNormalization", names, y);
    ob_int(b, "axis", -1);
}

static void ints(const char *name, const int64_t *v, int n) {
    char dims[8];
    snprintf(dims, sizeof dims, "%d", n);
    ob_ints_init(b, name, dims, v, n);
}

static void turn(int layer, const char *x, const char *y, const int64_t *perm) {
    node(layer, "Transpose", x, y);
    ob_ints(b, "perm", perm, 4);
}

/* [rows, past + rows] of 0, and much less where a key lies ahead. */
static void mask(void) {
    ob_floats_init(b, "ahead", "", (float[]){ -1e9f }, 1), ob_floats_init(b, "zero", "", (float[]){ 0 }, 1);
    node(0, "Shape", "past_key_values.0.key", "past_shape"), node(0, "Gather", "past_shape two", "old");
    node(0, "Shape", "input_ids", "ids_shape"), node(0, "Gather", "ids_shape one", "new");
    node(0, "Add", "old new", "all");
    node(0, "Range", "none all one", "columns"), node(0, "Range", "old all one", "lines");
    node(0, "Unsqueeze", "lines axis_1", "standing"), node(0, "Greater", "columns standing", "hidden");
    node(0, "Where", "hidden ahead zero", "mask");
}

/* cos and sin of the positions, [batch, 1, rows, SIZE]. */
static void angles(void) {
    static float table[2][POSITIONS * SIZE];
    char dims[32];
    snprintf(dims, sizeof dims, "%d,%d", POSITIONS, SIZE);
    for (int i = 0; i < POSITIONS * SIZE; i++) {
        double angle = i / SIZE * pow(10000, -2.0 * (i % (SIZE / 2)) / SIZE);
        table[0][i] = (float)cos(angle), table[1][i] = (float)sin(angle);
    }
    ob_floats_init(b, "cos_table", dims, table[0], POSITIONS * SIZE);
    ob_floats_init(b, "sin_table", dims, table[1], POSITIONS * SIZE);
    node(0, "Gather", "cos_table position_ids", "cos3"), node(0, "Unsqueeze", "cos3 axis_1", "cos");
    node(0, "Gather", "sin_table position_ids", "sin3"), node(0, "Unsqueeze", "sin3 axis_1", "sin");
}

typedef const char *step[3]; /* type, inputs, output: '@' is a letter, '$' another value */

static void steps(int layer, const step *row, size_t n, char letter, const char *other) {
    for (size_t i = 0; i < n; i++) {
        char text[2][160];
        for (int k = 0; k < 2; k++) {
            char *to = text[k];
            for (const char *f = row[i][k + 1]; *f; f++)
                if (*f == '$')
                    to = stpcpy(to, other);
                else
                    *to++ = *f == '@' ? letter : *f;
            *to = 0;
        }
        node(layer, row[i][0], text[0], text[1]);
        if (!strcmp(row[i][0], "Concat")) ob_int(b, "axis", *other ? 0 : -1);
    }
}

/* Queries or keys turned to their positions: x cos + (the halves of x exchanged, the first one negative) sin. */
static void rotate(int layer, char which) {
    static const step row[] = {
        { "Slice", "@t# none_1 half axis_3", "@lo#" },
        { "Slice", "@t# half most axis_3", "@hi#" },
        { "Neg", "@hi#", "@neg#" },
        { "Concat", "@neg# @lo#", "@swap#" },
        { "Mul", "@t# cos", "@c#" },
        { "Mul", "@swap# sin", "@s#" },
        { "Add", "@c# @s#", "@r#" },
    };
    steps(layer, row, sizeof row / sizeof *row, which, "");
}

/* Keys or values of `present` with each head as often as query heads share it. */
static void repeat(int layer, const char *present, char which) {
    static const step row[] = {
        { "Shape", "$", "@shape#" },
        { "Gather", "@shape# none_1", "@n#" },
        { "Gather", "@shape# axis_2", "@l#" },
        { "Concat", "@n# kv_heads times @l# size", "@wide#" },
        { "Concat", "@n# heads @l# size", "@flat#" },
        { "Unsqueeze", "$ axis_2", "@one#" },
        { "Expand", "@one# @wide#", "@many#" },
        { "Reshape", "@many# @flat#", "@all#" },
    };
    steps(layer, row, sizeof row / sizeof *row, which, present);
}

static void attention(const shape *s, int layer) {
    static const int64_t swap[] = { 0, 2, 1, 3 }, keys[] = { 0, 1, 3, 2 };
    char dims[64];
    const char *past[] = { "past_key_values.#.key", "past_key_values.#.value" };
    const char *present[] = { "present.#.key", "present.#.value" };
    norm(s, layer, "x#", "norm_a#", "a#");
    product(layer, "a#", "wq#", "qp#", s->width, s->heads * SIZE);
    product(layer, "a#", "wk#", "kp#", s->width, s->kv * SIZE);
    product(layer, "a#", "wv#", "vp#", s->width, s->kv * SIZE);
    node(layer, "Reshape", "qp# q_heads", "qh#"), node(layer, "Reshape", "kp# k_heads", "kh#");
    node(layer, "Reshape", "vp# k_heads", "vh#");
    turn(layer, "qh#", "qt#", swap), turn(layer, "kh#", "kt#", swap), turn(layer, "vh#", "vt#", swap);
    if (s->rotary) rotate(layer, 'q'), rotate(layer, 'k');
    snprintf(dims, sizeof dims, "batch,%d,past,%d", s->kv, SIZE);
    for (int i = 0; i < 2; i++) {
        char both[160];
        if (layer || i) ob_input(b, in(layer, past[i]), TN_F32, dims);
        snprintf(both, sizeof both, "%s %s", past[i], i ? "vt#" : s->rotary ? "kr#" : "kt#");
        node(layer, "Concat", both, present[i]);
        ob_int(b, "axis", -2);
    }
    if (s->rotary) repeat(layer, present[0], 'k'), repeat(layer, present[1], 'v');
    turn(layer, s->rotary ? "kall#" : present[0], "kT#", keys);
    node(layer, "MatMul", s->rotary ? "qr# kT#" : "qt# kT#", "scores#"), node(layer, "Mul", "scores# root", "scaled#");
    node(layer, "Add", "scaled# mask", "seen#"), node(layer, "Softmax", "seen#", "p#"), ob_int(b, "axis", -1);
    node(layer, "MatMul", s->rotary ? "p# vall#" : "p# present.#.value", "o#");
    turn(layer, "o#", "ot#", swap);
    node(layer, "Reshape", "ot# flat", "of#");
    product(layer, "of#", "wo#", "op#", s->heads * SIZE, s->width);
    node(layer, "Add", "x# op#", "y#");
}

static void feed_forward(const shape *s, int layer) {
    char next[16];
    norm(s, layer, "y#", "norm_f#", "f#");
    product(layer, "f#", "w1#", "up#", s->width, s->inner);
    if (s->rotary) {
        product(layer, "f#", "wg#", "gate#", s->width, s->inner);
        node(layer, "Sigmoid", "gate#", "sig#"), node(layer, "Mul", "gate# sig#", "silu#");
        node(layer, "Mul", "silu# up#", "act#");
    } else {
        node(layer, "Gelu", "up#", "act#"), ob_string(b, "approximate", "tanh");
    }
    product(layer, "act#", "w2#", "down#", s->inner, s->width);
    snprintf(next, sizeof next, "x%d", layer + 1);
    node(layer, "Add", "y# down#", next);
}

static void numbers(const shape *s) {
    ob_ints_init(b, "none", "", (int64_t[]){ 0 }, 1), ob_ints_init(b, "one", "", (int64_t[]){ 1 }, 1);
    ob_ints_init(b, "two", "", (int64_t[]){ 2 }, 1);
    ints("none_1", (int64_t[]){ 0 }, 1), ints("axis_1", (int64_t[]){ 1 }, 1), ints("axis_2", (int64_t[]){ 2 }, 1);
    ints("axis_3", (int64_t[]){ 3 }, 1), ints("half", (int64_t[]){ SIZE / 2 }, 1);
    ints("most", (int64_t[]){ INT64_MAX }, 1), ints("size", (int64_t[]){ SIZE }, 1);
    ints("heads", (int64_t[]){ s->heads }, 1), ints("kv_heads", (int64_t[]){ s->kv }, 1);
    ints("times", (int64_t[]){ s->heads / s->kv }, 1);
    ints("q_heads", (int64_t[]){ 0, 0, s->heads, SIZE }, 4), ints("k_heads", (int64_t[]){ 0, 0, s->kv, SIZE }, 4);
    ints("flat", (int64_t[]){ 0, 0, s->heads * SIZE }, 3);
    ob_floats_init(b, "root", "", (float[]){ 0.125f }, 1);
}

static tn_text build(const shape *s, int layers) {
    char dims[64], last[16];
    b = ob_new(10, 23);
    numbers(s);
    ob_input(b, "input_ids", TN_I64, "batch,rows"), ob_input(b, "position_ids", TN_I64, "batch,rows");
    snprintf(dims, sizeof dims, "batch,%d,past,%d", s->kv, SIZE);
    ob_input(b, "past_key_values.0.key", TN_F32, dims);
    mask();
    weight("words", WORDS, s->width, 0, 0.5f);
    node(0, "Gather", "words input_ids", s->rotary ? "x0" : "word");
    if (s->rotary)
        angles();
    else
        weight("positions", POSITIONS, s->width, 0, 0.1f), node(0, "Gather", "positions position_ids", "position"),
            node(0, "Add", "word position", "x0");
    for (int i = 0; i < layers; i++) attention(s, i), feed_forward(s, i);
    snprintf(last, sizeof last, "x%d", layers);
    norm(s, 0, last, "norm_last", "final");
    product(0, "final", "head", "logits", s->width, WORDS);
    ob_output(b, "logits");
    for (int i = 0; i < layers; i++) ob_output(b, in(i, "present.#.key")), ob_output(b, in(i, "present.#.value"));
    return ob_finish(b);
}

int main(int argc, char **argv) {
    const shape *s = NULL;
    for (size_t i = 0; argc >= 3 && i < sizeof shapes / sizeof *shapes; i++)
        if (!strcmp(argv[1], shapes[i].name)) s = &shapes[i];
    int layers = s ? s->layers : 0;
    if (!s || (argc > 3 && !tn_parse_int(argv[3], 1, 64, &layers)))
        return fprintf(stderr, "make_decoder gpt2|llama FILE.onnx [LAYERS (1 to 64)]\n"), 2;
    tn_text file = build(s, layers);
    FILE *f = fopen(argv[2], "wb");
    bool good = f && file.s && fwrite(file.s, 1, file.n, f) == file.n;
    if (f && fclose(f)) good = false;
    tn_text_free(&file);
    return good ? 0 : (fprintf(stderr, "%s cannot be written\n", argv[2]), 1);
}
