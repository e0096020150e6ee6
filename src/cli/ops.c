/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ops.c - `tenon ops`: the operators, for people, for programs, and as docs/operators.md. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/op_list.h"
#include "cli/options.h"
#include "kernel/families.h"
#include "op/core/grad.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool json, markdown;

static const tn_option options[] = {
    { "--json", TN_OPT_FLAG, &json, NULL, "machine-readable output", 0, 0 },
    { "--markdown", TN_OPT_FLAG, &markdown, NULL, "the page docs/operators.md", 0, 0 },
};

static const tn_command_usage usage = {
    .name = "ops",
    .args = "[NAME]",
    .doc = "Lists the operators that models may use: since which operator set, element types, fast kernels, gradient, "
           "tests.\nWith NAME, all that is known of one operator.",
    .examples = "  tenon ops\n"
                "  tenon ops Resize\n"
                "  tenon ops Conv --json\n",
    .options = options,
    .n = TN_COUNT(options),
    .min_args = 0,
    .max_args = 1,
};

static const char *const kinds[] = {
    [TN_ATTR_NONE] = "any",        [TN_ATTR_FLOAT] = "float",   [TN_ATTR_INT] = "int",
    [TN_ATTR_STRING] = "string",   [TN_ATTR_TENSOR] = "tensor", [TN_ATTR_GRAPH] = "graph",
    [TN_ATTR_FLOATS] = "floats",   [TN_ATTR_INTS] = "ints",     [TN_ATTR_STRINGS] = "strings",
    [TN_ATTR_TENSORS] = "tensors", [TN_ATTR_GRAPHS] = "graphs", [TN_ATTR_TYPE] = "type",
};

static const struct {
    unsigned flag;
    const char *word;
} flags[] = {
    { TN_OP_DYNAMIC, "shape depends on data" }, { TN_OP_ALIAS, "no copy" }, { TN_OP_INPLACE, "in place" },
    { TN_OP_POINTWISE, "pointwise" },           { TN_OP_RANDOM, "random" }, { TN_OP_SUBGRAPH, "runs subgraphs" },
    { TN_OP_SHAPE_ONLY, "reads shapes only" },
};

/* What differentiation makes of it: a gradient; nothing to differentiate; a message that there is none. */
static const char *gradient_word(const tn_op_entry *e) {
    static const char *const words[] = { "no", "none", "refused", "yes" };
    return words[e->support == TN_OP_DECOMPOSED ? tn_grad_kind_of_all(e->row, e->parts, e->n_parts)
                                                : tn_grad_kind_of(e->row)];
}

/* --------------------------------------------------------------------------------------------------------- parts */

/* Element types in a few words: sets that have a name by that name. */
static void put_types(uint64_t types, tn_text *t) {
    static const struct {
        uint64_t set;
        const char *word;
    } sets[] = { { TN_ANY_TYPE, "any type" },
                 { TN_ANY_NUMBER, "any number" },
                 { TN_REAL, "floats, ints" },
                 { TN_FLOATS, "floats" },
                 { TN_INTS, "ints" },
                 { TN_SIGNED_INTS, "signed ints" },
                 { TN_UNSIGNED_INTS, "unsigned ints" } };
    uint64_t all = 0;
    for (int i = 1; i < TN_DTYPE_COUNT; i++) all |= tn_dtype_bit(i);
    types &= all;
    if (!types) {
        tn_text_puts(t, "sequence, map or optional");
        return;
    }
    size_t start = t->n;
    for (size_t i = 0; i < TN_COUNT(sets); i++) {
        uint64_t set = sets[i].set & all;
        if ((types & set) != set) continue;
        tn_text_printf(t, "%s%s", t->n > start ? ", " : "", sets[i].word);
        types &= ~set;
    }
    for (int i = 1; i < TN_DTYPE_COUNT; i++)
        if (types & tn_dtype_bit(i)) tn_text_printf(t, "%s%s", t->n > start ? ", " : "", tn_dtype_name((tn_dtype)i));
}

static void put_versions(const tn_op_entry *e, tn_text *t) {
    for (int i = 0; i < e->n_versions; i++) tn_text_printf(t, "%s%d", i ? ", " : "", e->versions[i]);
}

/* "vec (AVX2, AVX-512), gemm (...)" */
static void put_kernels(const tn_op_entry *e, tn_text *t) {
    for (const char *k = e->kernels; *k;) {
        size_t n = strcspn(k, " ");
        tn_text_printf(t, "%s%.*s (", k == e->kernels ? "" : ", ", (int)n, k);
        tn_op_variants(k, n, t);
        tn_text_puts(t, ")");
        k += n + (k[n] == ' ');
    }
}

static const char *support_text(const tn_op_entry *e) {
    static const char *const words[] = { "", "decomposed on load into other operators",
                                         "an old form, rewritten on load as a newer operator",
                                         "becomes a constant on load", "not supported" };
    return words[e->support];
}

static const char *domain_text(const tn_op_entry *e) { return *e->domain ? e->domain : "ai.onnx"; }

/* ----------------------------------------------------------------------------------------------------------- text */

static void put_ports(const char *what, const tn_port *p, tn_text *t) {
    for (; p && p->name; p++) {
        tn_text_printf(t, "  %-10s %-20s ", what, p->name);
        put_types(p->types, t);
        if (p->group) tn_text_printf(t, " (%c)", p->group);
        tn_text_printf(t, "%s%s\n", p->optional ? ", optional" : "", p->variadic ? ", any number" : "");
        what = "";
    }
}

static void put_attrs(const tn_attr_spec *a, tn_text *t) {
    const char *what = "attributes";
    for (; a && a->name; a++) {
        tn_text_printf(t, "  %-10s %-20s %s%s", what, a->name, kinds[a->kind], a->required ? ", required" : "");
        if (a->words) tn_text_printf(t, ", %s", a->words);
        if (a->max > a->min) tn_text_printf(t, ", %lld to %lld", (long long)a->min, (long long)a->max);
        tn_text_puts(t, "\n");
        what = "";
    }
}

static void put_parts(const tn_op_entry *e, tn_text *t) {
    const char *what = "  becomes    ";
    for (int i = 0; i < e->n_parts; i++, what = ", ")
        tn_text_printf(t, "%s%s%s%s", what, e->parts[i]->domain ? e->parts[i]->domain : "",
                       e->parts[i]->domain ? "." : "", e->parts[i]->name);
    if (e->n_parts) tn_text_puts(t, "\n");
}

static void put_one(const tn_op_entry *e, tn_text *t) {
    tn_text_printf(t, "%s (%s)\n", e->name, domain_text(e));
    if (e->row && e->row->doc) tn_text_printf(t, "  %s\n", e->row->doc);
    if (e->support != TN_OP_HAS_ROW) tn_text_printf(t, "  %s\n", support_text(e));
    tn_text_puts(t, "  opsets     ");
    put_versions(e, t);
    tn_text_puts(t, "\n");
    if (e->row) {
        put_ports("inputs", e->row->in, t);
        put_ports("outputs", e->row->out, t);
        put_attrs(e->row->attrs, t);
        size_t start = t->n;
        for (size_t i = 0; i < TN_COUNT(flags); i++)
            if (e->row->flags & flags[i].flag)
                tn_text_printf(t, "%s%s", t->n > start ? ", " : "  behaviour  ", flags[i].word);
        if (t->n > start) tn_text_puts(t, "\n");
        put_parts(e, t);
        if (*e->kernels) {
            tn_text_puts(t, "  kernels    ");
            put_kernels(e, t);
            tn_text_puts(t, "\n");
        }
        tn_text_printf(t, "  gradient   %s\n", gradient_word(e));
    }
    tn_text_printf(t, "  tests      %s%s%d official cases\n", e->tests, *e->tests ? ", " : "", e->cases);
}

static void put_list(const tn_op_entry *v, int n, tn_text *t) {
    const char *domain = NULL;
    for (int i = 0; i < n; i++) {
        if (!domain || strcmp(domain, v[i].domain)) tn_text_printf(t, "%s%s\n", domain ? "\n" : "", domain_text(&v[i]));
        domain = v[i].domain;
        tn_text_printf(t, "  %-30s %3d  %s\n", v[i].name, v[i].n_versions ? v[i].versions[v[i].n_versions - 1] : 1,
                       v[i].row && v[i].row->doc ? v[i].row->doc : support_text(&v[i]));
    }
}

/* ----------------------------------------------------------------------------------------------------------- JSON */

static void json_string(const char *s, tn_text *t) { tn_text_json(t, s, strlen(s)); }

static void json_words(const char *s, char separator, tn_text *t) {
    const char stop[] = { separator, 0 };
    tn_text_puts(t, "[");
    for (const char *w = s; w && *w;) {
        size_t n = strcspn(w, stop);
        if (w != s) tn_text_puts(t, ",");
        tn_text_json(t, w, n);
        w += n + (w[n] != 0);
    }
    tn_text_puts(t, "]");
}

static void json_ports(const char *what, const tn_port *p, tn_text *t) {
    tn_text_printf(t, ",\"%s\":[", what);
    for (const tn_port *q = p; q && q->name; q++) {
        tn_text_puts(t, q == p ? "{\"name\":" : ",{\"name\":");
        json_string(q->name, t);
        tn_text_puts(t, ",\"types\":[");
        size_t start = t->n;
        for (int i = 1; i < TN_DTYPE_COUNT; i++)
            if (q->types & tn_dtype_bit(i))
                tn_text_printf(t, "%s\"%s\"", t->n > start ? "," : "", tn_dtype_name((tn_dtype)i));
        tn_text_puts(t, "]");
        if (q->group) tn_text_printf(t, ",\"group\":\"%c\"", q->group);
        tn_text_printf(t, ",\"optional\":%s,\"variadic\":%s}", q->optional ? "true" : "false",
                       q->variadic ? "true" : "false");
    }
    tn_text_puts(t, "]");
}

static void json_attrs(const tn_attr_spec *a, tn_text *t) {
    tn_text_puts(t, ",\"attributes\":[");
    for (const tn_attr_spec *s = a; s && s->name; s++) {
        tn_text_puts(t, s == a ? "{\"name\":" : ",{\"name\":");
        json_string(s->name, t);
        tn_text_printf(t, ",\"kind\":\"%s\",\"required\":%s", kinds[s->kind], s->required ? "true" : "false");
        if (s->words) {
            tn_text_puts(t, ",\"words\":");
            json_words(s->words, '|', t);
        }
        if (s->max > s->min) tn_text_printf(t, ",\"min\":%lld,\"max\":%lld", (long long)s->min, (long long)s->max);
        tn_text_puts(t, "}");
    }
    tn_text_puts(t, "]");
}

static void json_parts(const tn_op_entry *e, tn_text *t) {
    if (e->support != TN_OP_DECOMPOSED) return;
    tn_text_puts(t, ",\"becomes\":[");
    for (int i = 0; i < e->n_parts; i++) {
        tn_text_puts(t, i ? ",{\"name\":" : "{\"name\":");
        json_string(e->parts[i]->name, t);
        tn_text_puts(t, ",\"domain\":");
        json_string(e->parts[i]->domain ? e->parts[i]->domain : "", t);
        tn_text_puts(t, "}");
    }
    tn_text_puts(t, "]");
}

static void json_one(const tn_op_entry *e, tn_text *t) {
    static const char *const support[] = { "row", "decomposed", "upgraded", "loaded", "missing" };
    tn_text_puts(t, "{\"name\":");
    json_string(e->name, t);
    tn_text_puts(t, ",\"domain\":");
    json_string(e->domain, t);
    tn_text_printf(t, ",\"support\":\"%s\",\"versions\":[", support[e->support]);
    put_versions(e, t);
    tn_text_puts(t, "]");
    if (e->row && e->row->doc) {
        tn_text_puts(t, ",\"doc\":");
        json_string(e->row->doc, t);
    }
    if (e->row) {
        json_ports("inputs", e->row->in, t);
        json_ports("outputs", e->row->out, t);
        json_attrs(e->row->attrs, t);
        tn_text_puts(t, ",\"behaviour\":[");
        size_t start = t->n;
        for (size_t i = 0; i < TN_COUNT(flags); i++)
            if (e->row->flags & flags[i].flag) tn_text_printf(t, "%s\"%s\"", t->n > start ? "," : "", flags[i].word);
        tn_text_puts(t, "]");
        json_parts(e, t);
        tn_text_printf(t, ",\"gradient\":\"%s\",\"kernels\":", gradient_word(e));
        json_words(e->kernels, ' ', t);
    }
    tn_text_puts(t, ",\"tests\":");
    json_words(e->tests, ' ', t);
    tn_text_printf(t, ",\"cases\":%d}", e->cases);
}

/* ------------------------------------------------------------------------------------------------------- markdown */

static void markdown_port(const char *sign, const tn_port *p, tn_text *t) {
    for (; p && p->name; p++) {
        tn_text_printf(t, "%s`%s` ", sign, p->name);
        put_types(p->types, t);
        if (p->optional) tn_text_puts(t, "?");
        if (p->variadic) tn_text_puts(t, "...");
        sign = "; ";
    }
}

static bool is_tested(const tn_op_entry *e) { return *e->tests || e->cases; }

static void markdown_row(const tn_op_entry *e, tn_text *t) {
    tn_text_printf(t, "| %s%s | ", e->name, e->support == TN_OP_DECOMPOSED ? " (=)" : "");
    put_versions(e, t);
    tn_text_puts(t, " | ");
    if (e->row)
        markdown_port("", e->row->in, t);
    else
        tn_text_puts(t, support_text(e));
    tn_text_puts(t, " | ");
    for (const tn_attr_spec *a = e->row ? e->row->attrs : NULL; a && a->name; a++)
        tn_text_printf(t, "%s%s", a == e->row->attrs ? "" : ", ", a->name);
    tn_text_printf(t, " | %s | %s | ", e->kernels, e->row ? gradient_word(e) : "");
    for (const char *w = e->tests; *w;) {
        size_t n = strcspn(w, " ");
        tn_text_printf(t, "%.*s, ", (int)n, w);
        w += n + (w[n] != 0);
    }
    if (is_tested(e))
        tn_text_printf(t, "%d official |\n", e->cases);
    else
        tn_text_puts(t, "**none** |\n");
}

/* What should be a short list, best an empty one. */
static void markdown_untested(const tn_op_entry *v, int n, tn_text *t) {
    const char *sign = "\nWithout any test: ";
    for (int i = 0; i < n; i++) {
        if (is_tested(&v[i])) continue;
        tn_text_printf(t, "%s%s%s%s", sign, v[i].domain, *v[i].domain ? "." : "", v[i].name);
        sign = ", ";
    }
    tn_text_puts(t, *sign == ',' ? ".\n" : "\nNo operator is without a test.\n");
}

static void put_markdown(const tn_op_entry *v, int n, tn_text *t) {
    static const char *const families[] = {
#define X(family) #family,
        TN_KERNEL_FAMILIES(X)
#undef X
    };
    tn_text_puts(
        t,
        "# Operators\n\n"
        "Written by `tenon ops --markdown` from the rows of `src/op`, its records of older operator sets, the "
        "kernel\ntables and the tests. `tenon ops NAME` says more of one operator.\n\n"
        "Old forms of every operator set are rewritten as the newest one when a model is loaded, so all "
        "versions listed are read.\nOperators with (=) are decomposed into others: their kernels and their gradient "
        "are those of what they become. *Types* are\nthose of the inputs (`?` optional, `...` any number); *kernels* "
        "are the families below; *tests* are files of `tests/` and the\nnumber of official ONNX cases that contain "
        "the operator and must pass.\n");
    markdown_untested(v, n, t);
    tn_text_puts(t, "\n## Kernels\n\nEvery kernel exists in plain C. Faster variants exist for these instruction "
                    "sets:\n\n| family | instruction sets |\n|---|---|\n");
    for (size_t i = 0; i < TN_COUNT(families); i++) {
        tn_text_printf(t, "| %s | ", families[i]);
        tn_op_variants(families[i], strlen(families[i]), t);
        tn_text_puts(t, " |\n");
    }
    const char *domain = NULL;
    for (int i = 0; i < n; i++) {
        if (!domain || strcmp(domain, v[i].domain))
            tn_text_printf(t,
                           "\n## %s\n\n| operator | operator sets | types | attributes | kernels | gradient | tests "
                           "|\n|---|---|---|---|---|---|---|\n",
                           domain_text(&v[i]));
        domain = v[i].domain;
        markdown_row(&v[i], t);
    }
}

/* -------------------------------------------------------------------------------------------------------- command */

static int unknown(const tn_op_entry *v, int n, const char *name) {
    const char **names = calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; names && i < n; i++) names[i] = v[i].name;
    const char *near = names ? tn_nearest(name, names, (size_t)n) : NULL;
    fprintf(stderr, "tenon ops: there is no operator '%s'", name);
    if (near) fprintf(stderr, "; did you mean '%s'?", near);
    fprintf(stderr, "\n");
    free(names);
    return TN_EXIT_USAGE;
}

/* "Conv", or with its domain: "com.microsoft.Gelu", "com.microsoft::Gelu". */
static bool is_named(const tn_op_entry *e, const char *name) {
    size_t n = strlen(e->domain);
    if (!strcmp(e->name, name)) return true;
    if (!n || strncmp(name, e->domain, n) != 0) return false;
    return !strcmp(name + n + strspn(name + n, ".:"), e->name);
}

int tn_cmd_ops(int argc, char **argv) {
    tn_common_options common = { 0 };
    char **args;
    tn_op_entry *v = NULL;
    tn_text t = { 0 };
    int n_args, n, found = 0, code = tn_options_parse(&usage, &common, argc, argv, &args, &n_args);
    if (code >= 0) return code;
    if (tn_op_list(&v, &n) != TN_OK) return tn_command_failed(usage.name);
    if (json && !n_args) tn_text_puts(&t, "[");
    for (int i = 0; i < n; i++) {
        if (n_args && !is_named(&v[i], args[0])) continue;
        if (json && found) tn_text_puts(&t, n_args ? "\n" : ",\n");
        if (json)
            json_one(&v[i], &t);
        else if (n_args)
            put_one(&v[i], &t);
        found++;
    }
    if (json) tn_text_puts(&t, n_args ? "\n" : "]\n");
    if (n_args && !found) {
        code = unknown(v, n, args[0]);
        goto done;
    }
    if (!json && !n_args) (markdown ? put_markdown : put_list)(v, n, &t);
    code = t.failed || fwrite(t.s, 1, t.n, stdout) != t.n ? TN_EXIT_FAILED : TN_EXIT_OK;
done:
    tn_text_free(&t);
    tn_mem_free(v);
    return code;
}
