/* test.c - `tenon test`: runs folders in the layout of the ONNX backend tests (model.onnx beside test_data_set_N with
 * input_N.pb and output_N.pb) and compares. Each case runs in a process of its own, so that a crash is one failure. */
#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "cli/cli.h"
#include "engine/session.h"
#include "tensor/proto.h"
#include "tensor/stats.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    int threads, timeout;
    bool quiet, no_optimize, no_fork;
    double rtol, atol;
    const char *skips, *pins, *list;
    char **cases;
    size_t n, cap;
} options;

static const char help[] =
    "usage: tenon test [OPTIONS] DIR...\n"
    "\n"
    "Runs every folder below DIR that holds a model.onnx and test_data_set_* folders (the layout of the ONNX backend\n"
    "tests), compares the outputs with the stored ones, and prints what failed and why. The last line counts.\n"
    "\n"
    "  --threads N      threads per model (default 1)\n"
    "  --rtol X         relative tolerance (default 1e-3)\n"
    "  --atol X         absolute tolerance (default 1e-7)\n"
    "  --skips FILE     cases not to run, one per line: NAME: REASON\n"
    "  --pins FILE      cases that must pass, one name per line; failures outside the list count as skipped\n"
    "  --list FILE      writes the names of the cases that passed\n"
    "  --timeout S      seconds a case may take (default 120)\n"
    "  --no-optimize    run the graphs as they stand\n"
    "  --no-fork        run all cases in this process\n"
    "  --quiet          print the last line only\n"
    "\n"
    "examples:\n"
    "  tenon test /usr/share/libonnx-testdata/data\n"
    "  tenon test --threads 2 /usr/share/libonnx-testdata/data/node/test_relu\n";

/* -------------------------------------------------------------------------------------------------- finding cases */

/* "dir/name" in buf; false when it does not fit. */
static bool join(char *buf, size_t n, const char *dir, const char *name) {
    int k = snprintf(buf, n, "%s/%s", dir, name);
    return k > 0 && (size_t)k < n;
}

static bool exists(const char *dir, const char *name) {
    char path[4096];
    struct stat sb;
    return join(path, sizeof path, dir, name) && stat(path, &sb) == 0;
}

static bool add_case(options *o, const char *dir) {
    if (o->n == o->cap) {
        o->cap = o->cap ? 2 * o->cap : 256;
        char **grown = realloc(o->cases, o->cap * sizeof *grown);
        if (!grown) return false;
        o->cases = grown;
    }
    return (o->cases[o->n++] = strdup(dir)) != NULL;
}

static bool find_cases(options *o, const char *dir, int depth) {
    if (exists(dir, "model.onnx")) return add_case(o, dir);
    DIR *d = depth < 8 ? opendir(dir) : NULL;
    bool good = true;
    for (struct dirent *e; good && d && (e = readdir(d));) {
        char path[4096];
        struct stat sb;
        if (e->d_name[0] == '.' || !join(path, sizeof path, dir, e->d_name)) continue;
        if (stat(path, &sb) == 0 && S_ISDIR(sb.st_mode)) good = find_cases(o, path, depth + 1);
    }
    if (d) closedir(d);
    return good;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static const char *base_name(const char *path) {
    const char *s = strrchr(path, '/');
    return s ? s + 1 : path;
}

/* ------------------------------------------------------------------------------------------------------- comparing */

static tn_status differ(const char *where, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static tn_status differ(const char *where, const char *fmt, ...) {
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return tn_fail(TN_E_INVALID, "%s: %s", where, text);
}

static void element_text(const tn_tensor *t, int64_t i, char *buf, size_t n) {
    if (t->dtype == TN_STRING) {
        const tn_string *s = (const tn_string *)t->data + i;
        snprintf(buf, n, "'%.*s'", (int)(s->len < 100 ? s->len : 100), s->ptr ? s->ptr : "");
    } else if (tn_dtype_is_complex(t->dtype)) {
        tn_dtype part = t->dtype == TN_C64 ? TN_F32 : TN_F64;
        snprintf(buf, n, "%.9g%+.9gi", tn_get_f64(part, t->data, 2 * i), tn_get_f64(part, t->data, 2 * i + 1));
    } else if (tn_dtype_is_float(t->dtype))
        snprintf(buf, n, "%.9g", tn_get_f64(t->dtype, t->data, i));
    else
        snprintf(buf, n, "%lld", (long long)tn_get_i64(t->dtype, t->data, i));
}

static tn_status compare_tensors(const tn_tensor *have, const tn_tensor *want, const options *o, const char *where) {
    char a[128], b[128];
    tn_difference d;
    tn_status st = tn_compare(have, want, o->rtol, o->atol, &d);
    if (st != TN_OK) return tn_fail_at(st, "%s", where);
    if (!d.mismatches) return TN_OK;
    element_text(have, d.worst, a, sizeof a);
    element_text(want, d.worst, b, sizeof b);
    return differ(where, "%lld of %lld elements differ; element %lld is %s, expected %s", (long long)d.mismatches,
                  (long long)d.count, (long long)d.worst, a, b);
}

static tn_status compare(const tn_datum *have, const tn_datum *want, const options *o, const char *where) {
    static const char *const kinds[] = { "nothing", "a tensor", "a sequence", "an optional", "a map" };
    if (have->kind != want->kind) return differ(where, "is %s, expected %s", kinds[have->kind], kinds[want->kind]);
    if (want->kind == TN_KIND_NONE) return TN_OK;
    if (want->kind == TN_KIND_TENSOR) return compare_tensors(&have->tensor, &want->tensor, o, where);
    if (have->list->n != want->list->n)
        return differ(where, "has %zu items, expected %zu", have->list->n, want->list->n);
    for (size_t i = 0; i < want->list->n; i++) {
        char item[300];
        if (snprintf(item, sizeof item, "%s, item %zu", where, i) < 0) item[0] = 0; /* a cut name is fine */
        TN_TRY(compare(&have->list->items[i], &want->list->items[i], o, item));
    }
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- one case */

/* Reads input_i.pb or output_i.pb; *file keeps the memory that the datum borrows. */
static tn_status load(const char *dir, const char *what, int i, const tn_type *type, tn_file **file, tn_datum *out) {
    char path[4096], item[64];
    tn_external ext = { 0 };
    tn_str name;
    snprintf(item, sizeof item, "%s_%d.pb", what, i);
    if (!join(path, sizeof path, dir, item)) return tn_fail(TN_E_LIMIT, "the path of '%s' is too long", item);
    TN_TRY(tn_file_map(path, file));
    tn_wire w = tn_wire_of((*file)->data, (*file)->size);
    if (type->kind == TN_KIND_SEQUENCE) return tn_datum_from_sequence_proto(w, path, out);
    if (type->kind == TN_KIND_OPTIONAL) return tn_datum_from_optional_proto(w, path, out);
    TN_TRY(tn_tensor_from_proto(w, path, &out->tensor, &name, &ext));
    out->kind = TN_KIND_TENSOR;
    /* The test data stores bfloat16 as its bits. */
    if (type->kind == TN_KIND_TENSOR && type->dtype == TN_BF16 && out->tensor.dtype == TN_U16)
        out->tensor.dtype = TN_BF16;
    return tn_tensor_align(&out->tensor);
}

static bool has_file(const char *dir, const char *what, int i) {
    char name[64];
    snprintf(name, sizeof name, "%s_%d.pb", what, i);
    return exists(dir, name);
}

static tn_status run_set(tn_session *s, const tn_model *m, const char *dir, const options *o) {
    size_t ni = tn_model_inputs(m), no = tn_model_outputs(m);
    tn_datum *in = calloc(ni + 1, sizeof *in), *out = calloc(no + 1, sizeof *out);
    const tn_datum **ptr = calloc(ni + 1, sizeof *ptr);
    tn_file **files = calloc(ni + 1, sizeof *files), *file = NULL;
    tn_status st = in && out && ptr && files ? TN_OK : tn_fail(TN_E_NOMEM, "no memory for a case");
    for (size_t i = 0; i < ni && st == TN_OK; i++) {
        if (!has_file(dir, "input", (int)i)) continue;
        st = load(dir, "input", (int)i, &m->graph->inputs[i]->type, &files[i], &in[i]);
        ptr[i] = &in[i];
    }
    if (st == TN_OK) st = tn_session_run_data(s, ni, ptr, no, out);
    for (size_t i = 0; i < no && st == TN_OK; i++) {
        tn_datum want = { 0 };
        char where[300];
        if (!has_file(dir, "output", (int)i)) continue;
        snprintf(where, sizeof where, "output '%s'", m->graph->outputs[i]->name);
        st = load(dir, "output", (int)i, &s->model->graph->outputs[i]->type, &file, &want);
        if (st == TN_OK) st = compare(&out[i], &want, o, where);
        tn_datum_reset(&want);
        tn_file_close(&file);
    }
    for (size_t i = 0; out && i < no; i++) tn_datum_reset(&out[i]);
    for (size_t i = 0; in && files && i < ni; i++) {
        tn_datum_reset(&in[i]);
        tn_file_close(&files[i]);
    }
    free(in);
    free(out);
    free(ptr);
    free(files);
    return st;
}

static tn_status run_case(const char *dir, const options *o, int *sets) {
    char path[4096];
    tn_model *m = NULL;
    tn_session *s = NULL;
    tn_session_opts opts = { .size = sizeof opts, .threads = o->threads, .no_optimize = o->no_optimize };
    *sets = 0;
    if (!join(path, sizeof path, dir, "model.onnx")) return tn_fail(TN_E_LIMIT, "the path is too long");
    tn_status st = tn_model_open(path, &m);
    if (st == TN_OK) st = tn_session_new(m, &opts, &s);
    for (int i = 0; st == TN_OK; i++) {
        char name[64];
        snprintf(name, sizeof name, "test_data_set_%d", i);
        if (!exists(dir, name) || !join(path, sizeof path, dir, name)) break;
        st = run_set(s, m, path, o);
        ++*sets;
    }
    tn_session_free(&s);
    tn_model_close(&m);
    return st;
}

typedef enum { PASSED, FAILED, SKIPPED } verdict;

static verdict run_here(const char *dir, const options *o, char *why, size_t n) {
    int sets;
    tn_status st = run_case(dir, o, &sets);
    if (st != TN_OK) {
        snprintf(why, n, "%s", tn_error());
        return FAILED;
    }
    if (sets) return PASSED;
    snprintf(why, n, "the folder holds no data");
    return SKIPPED;
}

static verdict run_forked(const char *dir, const options *o, char *why, size_t n) {
    int fd[2], status;
    verdict v = FAILED;
    if (pipe(fd)) return run_here(dir, o, why, n);
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        snprintf(why, n, "cannot start a process");
        goto done;
    }
    if (pid == 0) {
        alarm((unsigned)o->timeout);
        v = run_here(dir, o, why, n);
        ssize_t put = write(fd[1], why, strlen(why));
        _exit(put < 0 ? FAILED : v);
    }
    close(fd[1]);
    fd[1] = -1;
    size_t have = 0;
    for (ssize_t got; have < n - 1 && (got = read(fd[0], why + have, n - 1 - have)) > 0;) have += (size_t)got;
    why[have] = 0;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) <= SKIPPED)
        v = (verdict)WEXITSTATUS(status);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(why, n, "took longer than %d s", o->timeout);
    else if (WIFSIGNALED(status))
        snprintf(why, n, "crashed: %s", strsignal(WTERMSIG(status)));
    else
        snprintf(why, n, "ended with code %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
done:
    close(fd[0]);
    if (fd[1] >= 0) close(fd[1]);
    return v;
}

/* ------------------------------------------------------------------------------------------------------------ lists */

/* Lines "NAME" or "NAME: REASON" of a file, as a map from name to reason ("" where there is none); '#' begins a
 * comment. The map's strings live in *text. */
static tn_status read_list(const char *path, char **text, tn_map **out) {
    tn_file *f = NULL;
    *out = NULL;
    TN_TRY(tn_file_map(path, &f));
    *text = strndup(f->data ? (const char *)f->data : "", f->size);
    tn_file_close(&f);
    if (!*text || !(*out = tn_map_new(64))) return tn_fail(TN_E_NOMEM, "no memory for %s", path);
    for (char *save, *line = strtok_r(*text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (!*line || *line == '#') continue;
        char *reason = strchr(line, ':');
        if (reason) *reason++ = 0;
        while (reason && *reason == ' ') reason++;
        TN_TRY(tn_map_put(*out, line, strlen(line), reason ? reason : line + strlen(line)));
    }
    return TN_OK;
}

static int parse(int argc, char **argv, options *o) {
    static const char *const known[] = { "--threads", "--rtol",    "--atol",        "--skips", "--pins", "--list",
                                         "--timeout", "--no-fork", "--no-optimize", "--quiet", "--help" };
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(a, "--help") || !strcmp(a, "-h")) {
            fputs(help, stdout);
            exit(TN_EXIT_OK);
        }
        if (a[0] != '-') {
            struct stat sb;
            if (stat(a, &sb) != 0) {
                fprintf(stderr, "tenon test: there is no folder '%s'\n", a);
                return TN_EXIT_USAGE;
            }
            if (!find_cases(o, a, 0)) return TN_EXIT_FAILED;
            continue;
        }
        if (!strcmp(a, "--quiet"))
            o->quiet = true;
        else if (!strcmp(a, "--no-optimize"))
            o->no_optimize = true;
        else if (!strcmp(a, "--no-fork"))
            o->no_fork = true;
        else {
            bool takes = false;
            for (size_t k = 0; k < 7; k++) takes = takes || !strcmp(a, known[k]);
            if (!takes || !v) {
                const char *near = tn_nearest(a, known, TN_COUNT(known));
                if (takes)
                    fprintf(stderr, "tenon test: %s needs a value\n", a);
                else
                    fprintf(stderr, "tenon test: unknown option '%s'%s%s\n", a, near ? "; did you mean " : "",
                            near ? near : "");
                return TN_EXIT_USAGE;
            }
            i++;
            if (!strcmp(a, "--threads"))
                o->threads = atoi(v);
            else if (!strcmp(a, "--timeout"))
                o->timeout = atoi(v);
            else if (!strcmp(a, "--rtol"))
                o->rtol = atof(v);
            else if (!strcmp(a, "--atol"))
                o->atol = atof(v);
            else if (!strcmp(a, "--skips"))
                o->skips = v;
            else if (!strcmp(a, "--pins"))
                o->pins = v;
            else
                o->list = v;
        }
    }
    if (!o->n) {
        fprintf(stderr, "tenon test: name a folder that holds cases; see tenon test --help\n");
        return TN_EXIT_USAGE;
    }
    return TN_EXIT_OK;
}

int tn_cmd_test(int argc, char **argv) {
    options o = { .threads = 1, .timeout = 120, .rtol = 1e-3, .atol = 1e-7 };
    size_t count[3] = { 0 }, fallen = 0;
    char *skip_text = NULL, *pin_text = NULL, why[1200];
    tn_map *skips = NULL, *pins = NULL;
    FILE *list = NULL;
    int code = parse(argc, argv, &o);
    if (code != TN_EXIT_OK) goto done;
    code = TN_EXIT_FAILED;
    if ((o.skips && read_list(o.skips, &skip_text, &skips) != TN_OK) ||
        (o.pins && read_list(o.pins, &pin_text, &pins) != TN_OK)) {
        fprintf(stderr, "tenon test: %s\n", tn_error());
        goto done;
    }
    if (o.list && !(list = fopen(o.list, "w"))) {
        fprintf(stderr, "tenon test: cannot write %s\n", o.list);
        goto done;
    }
    qsort(o.cases, o.n, sizeof *o.cases, by_name);
    for (size_t i = 0; i < o.n; i++) {
        const char *name = base_name(o.cases[i]), *reason = skips ? tn_map_gets(skips, name) : NULL;
        why[0] = 0;
        verdict v = SKIPPED;
        if (reason)
            snprintf(why, sizeof why, "%s", reason);
        else
            v = (o.no_fork ? run_here : run_forked)(o.cases[i], &o, why, sizeof why);
        bool pinned = pins && tn_map_gets(pins, name);
        if (pinned && v == SKIPPED) v = FAILED;
        count[v]++;
        fallen += pinned && v == FAILED;
        if (v == PASSED && list) fprintf(list, "%s\n", name);
        static const char *const words[] = { "passed", "FAILED", "skipped" };
        if (v != PASSED && (!o.quiet || pinned))
            printf("%s %s: %s%s\n", words[v], name, why, pinned ? " (it must pass)" : "");
    }
    if (pins) { /* failures that nobody promised away are reported above and counted with what is skipped */
        if (fallen) printf("%zu cases that must pass did not\n", fallen);
        if (count[FAILED] > fallen)
            printf("%zu cases outside the list fail for the reasons above\n", count[FAILED] - fallen);
        count[SKIPPED] += count[FAILED] - fallen;
        count[FAILED] = fallen;
    }
    printf("%zu passed, %zu failed, %zu skipped\n", count[PASSED], count[FAILED], count[SKIPPED]);
    code = (pins ? fallen : count[FAILED]) ? TN_EXIT_FAILED : TN_EXIT_OK;
done:
    if (list) fclose(list);
    tn_map_free(&skips);
    tn_map_free(&pins);
    free(skip_text);
    free(pin_text);
    for (size_t i = 0; i < o.n; i++) free(o.cases[i]);
    free(o.cases);
    return code;
}
