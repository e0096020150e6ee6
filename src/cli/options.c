/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* options.c - parses a sub-command's options by its table. */
#include "cli/options.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/status.h"
#include "base/text.h"
#include "cli/cli.h"
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMON     3
#define MAX_OPTION 64

int tn_usage_error(const tn_command_usage *u, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    tn_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fprintf(stderr, "tenon %s: %s", u->name, text);
    fprintf(stderr, "\n`tenon %s --help` says more.\n", u->name);
    return TN_EXIT_USAGE;
}

int tn_command_failed(const char *name) {
    fprintf(stderr, "tenon %s: %s\n", name, tn_error());
    return TN_EXIT_FAILED;
}

bool tn_stream_is_terminal(int fd) { return isatty(fd) && !getenv("NO_COLOR"); }

static void print_options(const tn_option *o, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", o[i].name, o[i].value ? " " : "", o[i].value ? o[i].value : "");
        printf("  %-24s ", left);
        if (strlen(left) > 24) printf("\n  %24s ", ""); /* too long for its column */
        printf("%s\n", o[i].doc);
    }
}

static void print_help(const tn_command_usage *u, const tn_option *common) {
    printf("usage: tenon %s %s [OPTIONS]\n\n%s\n\noptions:\n", u->name, u->args, u->doc);
    print_options(u->options, u->n);
    print_options(common, COMMON);
    if (u->examples) printf("\nexamples:\n%s\n", u->examples);
}

/* Reads a number of the option's range into *out. */
static bool number(const tn_option *o, const char *s, double *out) {
    int whole = 0;
    if (o->kind == TN_OPT_INT) {
        if (!tn_parse_int(s, INT_MIN, INT_MAX, &whole)) return false;
        *out = whole;
    } else if (!tn_parse_f64(s, out) || !isfinite(*out)) {
        return false;
    }
    return o->max <= o->min || (*out >= o->min && *out <= o->max);
}

static bool list_add(tn_option_list *l, const char *s) {
    const char **v = tn_mem_alloc((l->n + 1) * sizeof *v, TN_MEM_GENERAL);
    if (!v) return false;
    if (l->n) memcpy(v, l->v, l->n * sizeof *v);
    v[l->n++] = s;
    tn_mem_free(l->v);
    l->v = v;
    return true;
}

/* A size: digits, then K, M, G or T for steps of 1024, with or without "B" or "iB". */
static bool size_of(const char *s, size_t *out) {
    static const char units[] = "KMGT";
    const char *end = s;
    uint64_t n;
    if (tn_take_u64(&end, s + strlen(s), &n) != TN_NUMBER_READ) return false;
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    if (unit) end++;
    if (unit && *end == 'i') end++;
    if (*end == 'B') end++;
    *out = (size_t)n << shift;
    return !*end && *out >> shift == n;
}

/* Stores a value; the exit code of a mistake, -1 when all is well. */
static int store(const tn_command_usage *u, const tn_option *o, const char *s) {
    double d = 0;
    if ((o->kind == TN_OPT_INT || o->kind == TN_OPT_FLOAT) && !number(o, s, &d)) {
        if (o->max > o->min)
            return tn_usage_error(u, "%s takes a%s number from %g to %g, not '%s'", o->name,
                                  o->kind == TN_OPT_INT ? " whole" : "", o->min, o->max, s);
        return tn_usage_error(u, "%s takes a%s number, not '%s'", o->name, o->kind == TN_OPT_INT ? " whole" : "", s);
    }
    if (o->kind == TN_OPT_BYTES && !size_of(s, o->to))
        return tn_usage_error(u, "%s takes a size such as 800, 64K, 512M or 2G, not '%s'", o->name, s);
    switch (o->kind) {
    case TN_OPT_BYTES: break; /* it is there */
    case TN_OPT_FLAG: *(bool *)o->to = true; break;
    case TN_OPT_STRING: *(const char **)o->to = s; break;
    case TN_OPT_INT: *(int *)o->to = (int)d; break;
    case TN_OPT_FLOAT: *(float *)o->to = (float)d; break;
    case TN_OPT_LIST:
        if (!list_add(o->to, s)) return tn_usage_error(u, "out of memory");
    }
    return -1;
}

/* An option by its name; one that is given several times goes by singular and plural (--shape, --shapes). */
static const tn_option *find(const tn_option *o, size_t n, const char *name, size_t len) {
    for (size_t i = 0; i < n; i++) {
        size_t own = strlen(o[i].name), common = own < len ? own : len;
        if (memcmp(o[i].name, name, common) != 0) continue;
        if (own == len) return &o[i];
        if (o[i].kind == TN_OPT_LIST && (own == len + 1 ? o[i].name : name)[common] == 's' &&
            own + len == 2 * common + 1)
            return &o[i];
    }
    return NULL;
}

static int unknown(const tn_command_usage *u, const tn_option *common, const char *arg, size_t len) {
    const char *names[MAX_OPTION], *near;
    char word[64];
    size_t n = 0;
    for (size_t i = 0; i < u->n && n < MAX_OPTION - COMMON; i++) names[n++] = u->options[i].name;
    for (size_t i = 0; i < COMMON; i++) names[n++] = common[i].name;
    snprintf(word, sizeof word, "%.*s", (int)(len < 63 ? len : 63), arg);
    near = tn_nearest(word, names, n);
    if (near) return tn_usage_error(u, "there is no option '%s'; did you mean '%s'?", word, near);
    return tn_usage_error(u, "there is no option '%s'", word);
}

int tn_options_parse(const tn_command_usage *u, tn_common_options *common, int argc, char **argv, char ***args,
                     int *n_args) {
    bool help = false, only_args = false;
    const char *level = NULL;
    const tn_option shared[COMMON] = {
        { "--threads", TN_OPT_INT, &common->threads, "N", "threads to use (default: every CPU this process may use)", 0,
          1024 },
        { "--log-level", TN_OPT_STRING, &level, "LEVEL", "error, warn (default), info or debug", 0, 0 },
        { "--help", TN_OPT_FLAG, &help, NULL, "this text", 0, 0 },
    };
    int kept = 1;
    for (int i = 1; i < argc; i++) {
        char *arg = argv[i];
        if (only_args || arg[0] != '-' || arg[1] == '\0') {
            argv[kept++] = arg;
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            only_args = true;
            continue;
        }
        if (strcmp(arg, "-h") == 0) arg = argv[i] = (char *)(uintptr_t) "--help";
        const char *equals = strchr(arg, '='), *value = equals ? equals + 1 : NULL;
        size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
        const tn_option *o = find(u->options, u->n, arg, len);
        if (!o) o = find(shared, COMMON, arg, len);
        if (!o) return unknown(u, shared, arg, len);
        if (o->kind == TN_OPT_FLAG && value) return tn_usage_error(u, "%s takes no value", o->name);
        if (o->kind != TN_OPT_FLAG && !value) {
            if (i + 1 == argc) return tn_usage_error(u, "%s needs a value (%s)", o->name, o->value);
            value = argv[++i];
        }
        int code = store(u, o, value);
        if (code >= 0) return code;
    }
    if (help) {
        print_help(u, shared);
        return TN_EXIT_OK;
    }
    if (level && tn_log_parse(level) < 0)
        return tn_usage_error(u, "--log-level is error, warn, info or debug, not '%s'", level);
    if (level) tn_log_set((tn_log_level)tn_log_parse(level));
    *args = argv + 1;
    *n_args = kept - 1;
    if (*n_args < u->min_args) return tn_usage_error(u, "it needs %s", u->args);
    if (u->max_args >= 0 && *n_args > u->max_args)
        return tn_usage_error(u, "'%s' is one argument too many", argv[u->max_args + 1]);
    return -1;
}
