/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_einsum.c - equations of Einsum: a byte for each of up to four operands says its rank and sizes, the rest is the
 * equation. It is refused with a sentence, or runs, the result having the shape that inference gave; and the implicit
 * form, where it has one, gives what its explicit form gives. */
#include "fuzz.h"
#include "lib/onnx_build.h"
#include "tensor/tensor.h"
#include <stdio.h>

enum { MOST_OPERANDS = 4, MOST_EQUATION = 4000 };

/* Rank 0 to 7; sizes 1 to 3, the same ones for neighbours most of the time. */
static int dims_of(uint8_t how, int64_t *dims) {
    int rank = how & 7;
    for (int i = 0; i < rank; i++) dims[i] = 1 + ((how >> 3) + (how & 0x40 ? i : 0)) % 3;
    return rank;
}

static tn_text build(const uint8_t *how, int n, const char *equation) {
    ob *b = ob_new(10, 20);
    char inputs[64] = "", name[16];
    for (int i = 0; i < n; i++) {
        int64_t dims[8];
        char text[64] = "";
        int rank = dims_of(how[i], dims);
        for (int d = 0; d < rank; d++) sprintf(text + strlen(text), "%s%d", d ? "," : "", (int)dims[d]);
        sprintf(name, "x%d", i);
        sprintf(inputs + strlen(inputs), "%s%s", i ? " " : "", name);
        ob_input(b, name, TN_F32, text);
    }
    ob_node(b, "Einsum", inputs, "y");
    ob_string(b, "equation", equation);
    ob_output(b, "y");
    return ob_finish(b);
}

static tn_status run(const tn_model *m, const uint8_t *how, int n, tn_tensor **y) {
    tn_session *s = NULL;
    tn_tensor *x[MOST_OPERANDS] = { 0 };
    tn_session_opts o = { .size = sizeof o, .threads = 1, .mem_limit = 16 << 20 };
    tn_status st = tn_session_new(m, &o, &s);
    for (int i = 0; i < n && st == TN_OK; i++) {
        int64_t dims[8];
        int rank = dims_of(how[i], dims);
        st = tn_tensor_new(TN_F32, rank, dims, &x[i]);
        for (int64_t k = 0; st == TN_OK && k < tn_tensor_elements(x[i]); k++)
            ((float *)tn_tensor_data(x[i]))[k] = (float)(1 + (k + i) % 3);
    }
    if (st == TN_OK) st = tn_session_run(s, (size_t)n, (const tn_tensor *const *)x, 1, y);
    for (int i = 0; i < n; i++) tn_tensor_free(&x[i]);
    tn_session_free(&s);
    return st;
}

/* Labels that stand once, in alphabetical order, behind an arrow: what an equation without one means. */
static bool explicit_form(const char *equation, char *out, size_t room) {
    int count[128] = { 0 };
    size_t n = strlen(equation);
    if (strstr(equation, "->") || n + 60 > room) return false;
    for (const char *p = equation; *p; p++) count[*p & 127]++;
    char *at = out + sprintf(out, "%s->%s", equation, strstr(equation, "...") ? "..." : "");
    for (int c = 'A'; c <= 'z'; c++)
        if (count[c] == 1 && (c <= 'Z' || c >= 'a')) *at++ = (char)c;
    *at = 0;
    return true;
}

static tn_tensor *answer(const uint8_t *how, int n, const char *equation) {
    tn_text file = build(how, n, equation);
    tn_model *m = NULL;
    tn_tensor *y = NULL;
    tn_value_info info;
    if (tn_model_open_memory(file.s, file.n, &m) == TN_OK && run(m, how, n, &y) == TN_OK) {
        must(tn_model_output(m, 0, &info) == TN_OK && info.rank == tn_tensor_rank(y));
        for (int i = 0; i < info.rank; i++) must(info.dims[i] < 0 || info.dims[i] == tn_tensor_dims(y)[i]);
    } else {
        must(*tn_error());
    }
    tn_model_close(&m);
    tn_text_free(&file);
    return y;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t before = tn_mem_stats_all().now;
    int n = size ? 1 + data[0] % MOST_OPERANDS : 0;
    char equation[MOST_EQUATION + 1], full[MOST_EQUATION + 64];
    if (!n || size < 1 + (size_t)n || size - 1 - (size_t)n > MOST_EQUATION) return 0;
    size_t length = size - 1 - (size_t)n;
    memcpy(equation, data + 1 + n, length);
    equation[length] = 0;
    tn_tensor *y = answer(data + 1, n, equation), *z = NULL;
    if (y && explicit_form(equation, full, sizeof full)) {
        must(z = answer(data + 1, n, full));
        must(tn_tensor_bytes(y) == tn_tensor_bytes(z));
        must(!memcmp(tn_tensor_data(y), tn_tensor_data(z), tn_tensor_bytes(y))); /* small whole numbers: exact */
    }
    tn_tensor_free(&y);
    tn_tensor_free(&z);
    must(tn_mem_stats_all().now == before);
    return 0;
}
