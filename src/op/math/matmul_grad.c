/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* matmul_grad.c - gradients of matrix products, Einsum, determinants and inverses. */
#include "op/math/grads.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static tn_value *swap_last(tn_grad *g, tn_value *v) {
    int rank = tn_grad_rank(g, v), perm[TN_MAX_RANK];
    for (int i = 0; i < rank; i++) perm[i] = i;
    if (rank < 2) return v;
    perm[rank - 2] = rank - 1;
    perm[rank - 1] = rank - 2;
    return tn_grad_transpose(g, v, perm, rank);
}

/* Vectors count as matrices with one row (A) or column (B), as in the product itself. */
tn_status tn_grad_matmul(tn_grad *g) {
    tn_value *a = tn_grad_x(g, 0), *b = tn_grad_x(g, 1), *dy = tn_grad_dy(g, 0);
    bool row = tn_grad_rank(g, a) == 1, column = tn_grad_rank(g, b) == 1;
    if (row) a = tn_emit(&g->build, "Unsqueeze", a, tn_build_int(&g->build, "int", 0));
    if (column) b = tn_emit(&g->build, "Unsqueeze", b, tn_build_int(&g->build, "int", 1));
    if (column) dy = tn_emit(&g->build, "Unsqueeze", dy, tn_build_int(&g->build, "int", -1));
    if (row) dy = tn_emit(&g->build, "Unsqueeze", dy, tn_build_int(&g->build, "int", -2));
    if (tn_grad_wants(g, 0)) {
        tn_value *da = tn_grad_sum_to(g, tn_emit(&g->build, "MatMul", dy, swap_last(g, b)), a);
        g->dx[0] = row ? tn_grad_reshape_like(g, da, tn_grad_x(g, 0)) : da;
    }
    if (tn_grad_wants(g, 1)) {
        tn_value *db = tn_grad_sum_to(g, tn_emit(&g->build, "MatMul", swap_last(g, a), dy), b);
        g->dx[1] = column ? tn_grad_reshape_like(g, db, tn_grad_x(g, 1)) : db;
    }
    return g->st;
}

tn_status tn_grad_gemm(tn_grad *g) {
    int ta = tn_attr_int(g->node, "transA", 0) != 0, tb = tn_attr_int(g->node, "transB", 0) != 0;
    double alpha = (double)tn_attr_float(g->node, "alpha", 1);
    if (ta)
        tn_grad_formula(g, "dx0 = Gemm{alpha=%#.9g,transA=%d,transB=1}(x1, dy)", alpha, tb);
    else
        tn_grad_formula(g, "dx0 = Gemm{alpha=%#.9g,transB=%d}(dy, x1)", alpha, !tb);
    if (tb)
        tn_grad_formula(g, "dx1 = Gemm{alpha=%#.9g,transA=1,transB=%d}(dy, x0)", alpha, ta);
    else
        tn_grad_formula(g, "dx1 = Gemm{alpha=%#.9g,transA=%d}(x0, dy)", alpha, !ta);
    tn_grad_let_number(g, "beta", (double)tn_attr_float(g->node, "beta", 1));
    tn_grad_formula(g, "dx2 ~= beta * dy");
    return g->st;
}

/* [rows, batch.., columns] as [batch.., rows, columns]. */
static tn_value *batch_first(tn_grad *g, tn_value *v) {
    int rank = tn_grad_rank(g, v), perm[TN_MAX_RANK];
    for (int i = 0; i < rank; i++) perm[i] = i == rank - 1 ? i : i == rank - 2 ? 0 : i + 1;
    return rank < 3 ? v : tn_grad_transpose(g, v, perm, rank);
}

/* FusedMatMul: alpha A' B', either turned in its last two dimensions, before that in those of its batch. */
tn_status tn_grad_fused_matmul(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    tn_value *a = tn_grad_x(g, 0), *b = tn_grad_x(g, 1);
    if (tn_attr_int(g->node, "transBatchA", 0)) a = batch_first(g, a);
    if (tn_attr_int(g->node, "transBatchB", 0)) b = batch_first(g, b);
    tn_grad_let(g, "a", tn_attr_int(g->node, "transA", 0) ? swap_last(g, a) : a);
    tn_grad_let(g, "b", tn_attr_int(g->node, "transB", 0) ? swap_last(g, b) : b);
    tn_grad_let_number(g, "alpha", (double)tn_attr_float(g->node, "alpha", 1));
    tn_value *y = tn_grad_formula(g, "alpha * MatMul(a, b)");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

/* ---------------------------------------------------------------------------------------------------------- Einsum */

enum { TERM = 160, OPERANDS = 64 };

typedef struct {
    char in[OPERANDS][TERM], out[TERM];
    int n;
} equation;

/* The terms without blanks; an implicit output is spelled out: labels that come once, in order, behind the dots. */
static bool read_equation(const tn_node *node, equation *e) {
    tn_string s = tn_attr_string(node, "equation", "");
    char text[4096];
    size_t n = 0;
    for (size_t i = 0; i < s.len && n + 1 < sizeof text; i++)
        if (!isspace((unsigned char)s.ptr[i])) text[n++] = s.ptr[i];
    text[n] = 0;
    char *arrow = strstr(text, "->");
    if (arrow) *arrow = 0;
    *e = (equation){ 0 };
    for (char *p = text; p; e->n++) {
        char *comma = strchr(p, ',');
        if (comma) *comma = 0;
        if (e->n == OPERANDS || strlen(p) >= TERM / 2) return false;
        strcpy(e->in[e->n], p);
        p = comma ? comma + 1 : NULL;
    }
    if (arrow) {
        if (strlen(arrow + 2) >= TERM / 2) return false;
        strcpy(e->out, arrow + 2);
        return true;
    }
    int count[128] = { 0 }, dots = 0;
    for (int i = 0; i < e->n; i++)
        for (const char *p = e->in[i]; *p; p++) *p == '.' ? dots++ : count[*p & 127]++;
    if (dots) strcpy(e->out, "...");
    for (int c = 'A'; c <= 'z'; c++)
        if (count[c] == 1) strcat(e->out, (char[]){ (char)c, 0 });
    return true;
}

static bool elsewhere(const equation *e, int except, char c) {
    if (strchr(e->out, c)) return true;
    for (int i = 0; i < e->n; i++)
        if (i != except && strchr(e->in[i], c)) return true;
    return false;
}

static char free_label(const equation *e, const char *used) {
    for (char c = 'A'; c <= 'z'; c++) {
        if (!isalpha((unsigned char)c) || strchr(e->out, c) || strchr(used, c)) continue;
        bool taken = false;
        for (int i = 0; i < e->n; i++) taken |= strchr(e->in[i], c) != NULL;
        if (!taken) return c;
    }
    return 0;
}

/* dY with all other operands, to operand i's labels. A label that only operand i has (it was summed out) comes as a
 * vector of ones; one that it has twice (a diagonal) as a unit matrix. */
static tn_value *einsum_back(tn_grad *g, const equation *e, int which) {
    tn_value *in[OPERANDS * 2];
    char text[TERM * (OPERANDS + 4)], want[TERM] = "", more[TERM * 2] = "";
    int n = 0, rank = tn_grad_rank(g, tn_grad_x(g, which)), d = 0;
    const char *mine = e->in[which], *dots = strstr(mine, "...");
    int plain = (int)strlen(mine) - (dots ? 3 : 0);
    snprintf(text, sizeof text, "%s", e->out);
    in[n++] = tn_grad_dy(g, 0);
    for (int i = 0; i < e->n; i++) {
        if (i == which) continue;
        strcat(strcat(text, ","), e->in[i]);
        in[n++] = tn_grad_x(g, i);
    }
    for (const char *p = mine; *p && n + 1 < OPERANDS * 2; p++) {
        if (*p == '.') {
            strcat(want, "..."), p += 2, d += rank - plain;
            continue;
        }
        tn_grad_let(g, "operand", tn_grad_x(g, which));
        tn_grad_formula(g, "len = Gather(Shape(operand), [%d])", d++);
        char label[2] = { *p, 0 };
        if (strchr(want, *p)) {
            char fresh[2] = { free_label(e, want), 0 };
            in[n++] = tn_grad_formula(
                g, "r = Range(#0, Squeeze(len, [0]), #1); CastLike(Equal(Unsqueeze(r, [0]), Unsqueeze(r, [1])), x)");
            strcat(strcat(strcat(more, ","), label), fresh);
            label[0] = *fresh;
        } else if (!elsewhere(e, which, *p)) {
            in[n++] = tn_grad_formula(g, "Expand(CastLike(1, x), len)");
            strcat(strcat(more, ","), label);
        }
        strcat(want, label);
    }
    strcat(strcat(strcat(text, more), "->"), want);
    tn_node *node = tn_build_node(&g->build, "", "Einsum", in, n, 1);
    if (node && g->st == TN_OK)
        g->st = tn_attr_set_string(node, "equation", tn_arena_strdup(g->graph->model->arena, text));
    return tn_build_typed(&g->build, node);
}

tn_status tn_grad_einsum(tn_grad *g) {
    equation e;
    if (!read_equation(g->node, &e) || e.n != g->node->n_inputs)
        return tn_op_fail(g->node, TN_E_UNSUPPORTED, "this equation has no gradient here");
    for (int i = 0; i < e.n; i++)
        if (tn_grad_wants(g, i)) g->dx[i] = tn_grad_sum_to(g, einsum_back(g, &e, i), tn_grad_x(g, i));
    return g->st;
}

/* ------------------------------------------------------------------------------------------------------ determinant */

tn_status tn_grad_det(tn_grad *g) {
    tn_grad_formula(g, "dx0 = Unsqueeze(dy, [-1, -2]) * tenon.Cofactors(x)");
    return g->st;
}

/* Cofactors are determinants, too: of the matrix without row i and column j, where number k comes from row k + (k >=
 * i).
 */
tn_status tn_grad_cofactors(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    tn_value *y = tn_grad_formula(
        g, "n = Gather(Shape(x), [-1]); len = Squeeze(n, [0]); i = Range(#0, len, #1); k = Range(#0, len - #1, #1);"
           "rest = Unsqueeze(k, [0]) + Cast{to=7}(GreaterOrEqual(Unsqueeze(k, [0]), Unsqueeze(i, [1])));"
           "from = n * Unsqueeze(rest, [1, 3]) + Unsqueeze(rest, [0, 2]);"
           "odd = Mod(Unsqueeze(i, [0]) + Unsqueeze(i, [1]), #2);"
           "flat = Reshape(x, Concat{axis=0}(Slice(Shape(x), [0], [-2], [0]), n * n));"
           "Det(Gather{axis=-1}(flat, from)) * CastLike(#1 - #2 * odd, x)");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

/* d(X^-1) = -X^-1 dX X^-1 */
tn_status tn_grad_inverse(tn_grad *g) {
    tn_grad_let(g, "yt", swap_last(g, tn_grad_y(g, 0)));
    tn_grad_formula(g, "dx0 = -MatMul(MatMul(yt, dy), yt)");
    return g->st;
}
