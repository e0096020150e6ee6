/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* inspect.c - `tenon inspect`: what is inside a model, without running it. */
#include "analyse/analyse.h"
#include "base/clean.h"
#include "base/cpu.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/feed.h"
#include "cli/options.h"
#include "cli/states.h"
#include "engine/forecast.h"
#include "graph/compiled.h"
#include "pass/precision.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tn_feed_opts feed;
static int top = 20;
static bool json, nodes;
static const char *precision, *device;
static bool require_device;

static const tn_option options[] = {
    { "--shape", TN_OPT_LIST, &feed.shapes, "NAME=1x3x224x224", "an input's shape, or a symbol's size (batch=8)" },
    { "--dimension", TN_OPT_INT, &feed.dimension, "N", "size of every dimension that stays open", 1, 1 << 24 },
    { "--top", TN_OPT_INT, &top, "N", "operators to list, most work first (default: 20)", 0, 100000 },
    { "--nodes", TN_OPT_FLAG, &nodes, NULL, "list every node with its cost" },
    { "--precision", TN_OPT_STRING, &precision, "WORDS",
      "f32, bf16, f16 or mixed; also for some nodes: bf16,f32:/head/* (default: as the file says)" },
    TN_DEVICE_OPTIONS(device, require_device),
    { "--json", TN_OPT_FLAG, &json, NULL, "machine-readable output" },
};

static const tn_command_usage usage = {
    .name = "inspect",
    .args = "MODEL",
    .doc =
        "Shows a model's inputs and outputs, versions, parameters, arithmetic, weight bytes, and the memory a run will "
        "take; which outputs can be a state, the next run's inputs; what was repaired in it; and, exit code 1, why it "
        "cannot "
        "run.",
    .examples = "  tenon inspect resnet50.onnx\n"
                "  tenon inspect bert.onnx --shape batch=1 --shape sequence=128\n"
                "  tenon inspect model.onnx --dimension 640 --json\n",
    .options = options,
    .n = TN_COUNT(options),
    .min_args = 1,
    .max_args = 1,
};

typedef struct {
    const tn_model *m;
    const char *path;
    const tn_analysis *a;
    const tn_type *types; /* of the inputs, with the given shapes */
    bool planned;         /* every shape is known: the footprint is real */
    tn_forecast memory;
    size_t file_bytes;
} facts;

/* ------------------------------------------------------------------------------------------------------------ text */

static void put_value(const tn_model *m, const tn_value *v, const tn_type *t, tn_text *out) {
    tn_text_printf(out, "  %-28s ", tn_shown(v->name));
    tn_type_print(m->syms, t, out);
    tn_text_puts(out, v->fallback ? "  (optional)\n" : "\n");
}

static void put_ops(const facts *f, tn_text *out) {
    char b[32], c[32];
    tn_text_printf(out, "\noperators\n  %-30s %6s %10s %7s %10s\n", "", "count", "FLOPs", "share", "bytes");
    for (int i = 0; i < f->a->n_ops && i < top; i++) {
        const tn_op_facts *o = &f->a->ops[i];
        char name[96];
        snprintf(name, sizeof name, "%s%s%s", tn_shown(o->domain), o->domain[0] ? "." : "", tn_shown(o->type));
        tn_text_printf(out, "  %-30s %6d %10s %6.1f%% %10s\n", name, o->count,
                       tn_human_count(o->cost.flops, b, sizeof b),
                       f->a->total.flops > 0 ? 100 * o->cost.flops / f->a->total.flops : 0,
                       tn_human_bytes(o->cost.bytes_read + o->cost.bytes_written, c, sizeof c));
    }
    int rest = f->a->n_ops - top;
    if (rest > 0) tn_text_printf(out, "  and %d more kind%s (--top %d)\n", rest, rest > 1 ? "s" : "", f->a->n_ops);
}

/* What the node computes in, where that is not what its tensors say, and what its weights are kept in. */
static void put_precision(const tn_node *n, tn_text *out) {
    tn_dtype weights = tn_precision_weights(precision, n, n->mark == 1);
    if (tn_precision_widens(n)) tn_text_puts(out, "  in float32");
    if (weights != TN_NONE) tn_text_printf(out, "  weights %s", tn_dtype_name(weights));
}

/* Nodes that compute in float32 though their tensors are of 16 bits, and the weights that are kept in 16. */
typedef struct {
    int widened, narrowed;
    double kept;
} precisions;

static precisions count_precisions(const tn_graph *g) {
    precisions p = { 0 };
    for (const tn_node *n = g->first; n; n = n->next) {
        tn_dtype t = tn_precision_weights(precision, n, n->mark == 1);
        p.widened += tn_precision_widens(n);
        if (t != TN_F16 && t != TN_BF16) continue;
        p.narrowed++;
        p.kept += (double)tn_count(n->inputs[1]->constant) * tn_dtypes[t].bytes;
    }
    return p;
}

static void put_precisions(const tn_graph *g, tn_text *out) {
    char a[32];
    precisions p = count_precisions(g);
    if (!precision && !p.widened && !p.narrowed) return;
    tn_text_printf(out,
                   "precision   %d nodes of 16-bit floats compute in float32; %d may keep weights in 16 bits (%s)\n",
                   p.widened, p.narrowed, tn_human_bytes(p.kept, a, sizeof a));
}

static void put_nodes(const facts *f, tn_text *out) {
    char b[32], c[32];
    tn_text_printf(out, "\nnodes\n");
    for (int i = 0; i < f->a->n_nodes; i++) {
        const tn_node_facts *n = &f->a->nodes[i];
        tn_text_printf(out, "  %-40s %-20s %10s FLOPs %10s", tn_shown(n->node->name), tn_shown(n->node->type),
                       tn_human_count(n->cost.flops, b, sizeof b),
                       tn_human_bytes(n->cost.bytes_read + n->cost.bytes_written, c, sizeof c));
        for (int k = 0; k < n->node->n_outputs; k++) {
            tn_text_puts(out, "  ");
            if (n->node->outputs[k]) tn_type_print(f->m->syms, &n->node->outputs[k]->type, out);
        }
        put_precision(n->node, out);
        tn_text_puts(out, n->known ? "\n" : "  (lower bound)\n");
    }
}

/* What would run on the device; with --nodes which node runs where, as the optimised model has them. */
static void put_device(const facts *f, tn_text *out) {
    const tn_forecast_device *d = f->memory.device;
    char a[32], b[32], c[32];
    if (device && !f->planned) tn_text_puts(out, "device      what runs there is known once every shape is\n");
    if (!d) return;
    tn_text_printf(out,
                   "device      %s: %d of %d nodes in %d segment%s; copied in a run: %d up (%s), %d down (%s); "
                   "%s of its memory beside constants\n",
                   d->name, d->n_placed, d->n_nodes, d->n_segments, d->n_segments == 1 ? "" : "s", d->uploads,
                   tn_human_bytes((double)d->up_bytes, a, sizeof a), d->downloads,
                   tn_human_bytes((double)d->down_bytes, b, sizeof b), tn_human_bytes((double)d->bytes, c, sizeof c));
}

static void put_places(const facts *f, tn_text *out) {
    const tn_forecast_device *d = f->memory.device;
    if (d) tn_text_puts(out, "\nwhere the optimised model's nodes run, in order\n");
    for (int i = 0; d && i < d->n_nodes; i++) {
        const tn_forecast_node *n = &d->nodes[i];
        tn_text_printf(out, "  %-40s %-20s ", tn_shown(n->name), tn_shown(n->type));
        if (n->segment < 0)
            tn_text_puts(out, "cpu\n");
        else
            tn_text_printf(out, "%s, segment %d\n", d->name, n->segment);
    }
}

static const char *const finding_words[] = {
    [TN_FINDING_REPAIR] = "repaired", [TN_FINDING_WARNING] = "warning", [TN_FINDING_ERROR] = "error"
};

static void put_findings(const tn_model *m, tn_text *out) {
    tn_finding f;
    if (tn_model_findings(m)) tn_text_puts(out, "\nfindings\n");
    for (size_t i = 0; i < tn_model_findings(m) && tn_model_finding(m, i, &f) == TN_OK; i++) {
        tn_text_printf(out, "  %-9s %s", finding_words[f.kind], tn_shown(f.text));
        if (f.more) tn_text_printf(out, " (and %d more like it)", f.more);
        tn_text_puts(out, "\n");
    }
    if (m->broken) tn_text_puts(out, "  this model cannot be run\n");
}

static void put_json_findings(const tn_model *m, tn_text *out) {
    tn_finding f;
    tn_text_printf(out, ", \"runnable\": %s, \"findings\": [", m->broken ? "false" : "true");
    for (size_t i = 0; i < tn_model_findings(m) && tn_model_finding(m, i, &f) == TN_OK; i++) {
        tn_text_printf(out, "%s{\"kind\": \"%s\", \"text\": ", i ? ", " : "", finding_words[f.kind]);
        tn_text_json(out, f.text, strlen(f.text));
        tn_text_printf(out, ", \"more\": %d}", f.more);
    }
    tn_text_puts(out, "]");
}

static double packed_bytes(const tn_compiled *c) {
    double bytes = 0;
    for (size_t i = 0; i < c->n_forms; i++) bytes += (double)c->forms[i].bytes;
    return bytes;
}

/* It opened, so it is for this library and these instructions, and every checksum is right. */
static void put_compiled(const tn_compiled *c, tn_text *out) {
    char cpu[64], bytes[32];
    tn_text_printf(out,
                   "compiled    for tenon %s on %s, precision %s; %zu packed weights of %s; all checksums are right\n",
                   tn_version(), tn_cpu_name(tn_cpu_flags(), cpu, sizeof cpu),
                   *c->precision ? tn_shown(c->precision) : "file", c->n_forms,
                   tn_human_bytes(packed_bytes(c), bytes, sizeof bytes));
}

static void put_text(const facts *f, tn_text *out) {
    const tn_model *m = f->m;
    const bool color = tn_stream_is_terminal(STDOUT_FILENO);
    char a[32], b[32], c[32];
    tn_text_printf(out, "%s%s%s  %s, IR %lld, %s\n", color ? "\033[1m" : "", f->path, color ? "\033[0m" : "",
                   m->compiled ? "compiled from ONNX" : "ONNX", (long long)m->ir_version,
                   tn_human_bytes((double)f->file_bytes, a, sizeof a));
    if (m->compiled) put_compiled(m->compiled, out);
    tn_text_puts(out, "opsets      ");
    for (int i = 0; i < m->n_opsets; i++)
        tn_text_printf(out, "%s%s %lld", i ? ", " : "",
                       m->opsets[i].domain[0] ? tn_shown(m->opsets[i].domain) : "ai.onnx",
                       (long long)m->opsets[i].version);
    tn_text_puts(out, "\n");
    if (m->producer_name && m->producer_name[0])
        tn_text_printf(out, "producer    %s %s\n", tn_shown(m->producer_name), tn_shown(m->producer_version));
    for (int i = 0; i < m->n_meta; i++)
        tn_text_printf(out, "%s%s = %.400s\n", i ? "            " : "metadata    ", tn_shown(m->meta[i].key),
                       tn_shown(m->meta[i].value));
    tn_text_printf(out, "parameters  %s in %s of weights (", tn_human_count((double)f->a->parameters, a, sizeof a),
                   tn_human_bytes(f->a->weight_bytes, b, sizeof b));
    const char *between = "";
    for (int t = 0; t < TN_DTYPE_COUNT; t++) {
        if (!f->a->weights[t].tensors) continue;
        tn_text_printf(out, "%s%s %s", between, tn_dtype_name((tn_dtype)t),
                       tn_human_bytes(f->a->weights[t].bytes, c, sizeof c));
        between = ", ";
    }
    for (int e = 0; e < TN_ENC_COUNT; e++) {
        if (!f->a->encoded[e].tensors) continue;
        tn_text_printf(out, "%s%s (%.4g bits) %s", between, tn_encodings[e].name, tn_encoding_bits(&tn_encodings[e]),
                       tn_human_bytes(f->a->encoded[e].bytes, c, sizeof c));
        between = ", ";
    }
    tn_text_printf(out, ")\nwork        %s FLOPs, %s MACs per run%s\n", tn_human_count(f->a->total.flops, a, sizeof a),
                   tn_human_count(f->a->total.flops / 2, b, sizeof b),
                   f->a->unknown ? ", at least: some shapes are open" : "");
    if (f->planned)
        tn_text_printf(out, "memory      %s: activations and scratch %s, packed weights %s%s\n",
                       tn_human_bytes((double)f->memory.peak, a, sizeof a),
                       tn_human_bytes((double)f->memory.activations, b, sizeof b),
                       tn_human_bytes((double)f->memory.packed, c, sizeof c),
                       f->memory.open ? ", and what depends on the data" : "");
    else if (!m->broken)
        tn_text_puts(out, "memory      known once every shape is: give --shape or --dimension\n");
    put_device(f, out);
    put_precisions(m->graph, out);
    if (f->a->shapes != TN_OK) tn_text_printf(out, "shapes      %s\n", f->a->why);
    tn_text_puts(out, "\ninputs\n");
    for (int i = 0; i < m->graph->n_inputs; i++) put_value(m, m->graph->inputs[i], &f->types[i], out);
    tn_text_puts(out, "outputs\n");
    for (int i = 0; i < m->graph->n_outputs; i++) {
        tn_type t = tn_value_shown(m->graph->outputs[i]);
        put_value(m, m->graph->outputs[i], &t, out);
    }
    tn_states_put(m, precision, false, out);
    put_ops(f, out);
    if (nodes) put_nodes(f, out);
    if (nodes) put_places(f, out);
    put_findings(m, out);
}

/* ------------------------------------------------------------------------------------------------------------ JSON */

static void put_string(tn_text *out, const char *key, const char *s) {
    tn_text_printf(out, "\"%s\": ", key);
    tn_text_json(out, s ? s : "", s ? strlen(s) : 0);
}

static void put_json_value(const tn_model *m, const tn_value *v, const tn_type *t, tn_text *out) {
    tn_text_puts(out, "{");
    put_string(out, "name", v->name);
    tn_text_printf(out, ", \"dtype\": \"%s\", \"shape\": ", tn_dtype_name(t->dtype));
    if (t->rank < 0) tn_text_puts(out, "null");
    for (int d = 0; d < t->rank; d++) {
        tn_text dim = { 0 };
        tn_text_puts(out, d ? ", " : "[");
        tn_dim_print(m->syms, t->dims[d], &dim);
        if (tn_dim_known(t->dims[d]))
            tn_text_puts(out, dim.s);
        else
            tn_text_json(out, dim.s ? dim.s : "?", dim.s ? dim.n : 1);
        tn_text_free(&dim);
    }
    tn_text_puts(out, t->rank == 0 ? "[]}" : t->rank < 0 ? "}" : "]}");
}

static void put_json_device(const tn_forecast_device *d, tn_text *out) {
    if (!d) return;
    tn_text_puts(out, ", \"device\": {");
    put_string(out, "name", d->name);
    tn_text_printf(out,
                   ", \"segments\": %d, \"uploads\": %d, \"uploaded_bytes\": %zu, \"downloads\": %d, "
                   "\"downloaded_bytes\": %zu, \"bytes\": %zu, \"nodes\": [",
                   d->n_segments, d->uploads, d->up_bytes, d->downloads, d->down_bytes, d->bytes);
    for (int i = 0; i < d->n_nodes; i++) {
        tn_text_puts(out, i ? ", {" : "{");
        put_string(out, "name", d->nodes[i].name);
        tn_text_puts(out, ", ");
        put_string(out, "type", d->nodes[i].type);
        tn_text_printf(out, ", \"segment\": %d}", d->nodes[i].segment);
    }
    tn_text_puts(out, "]}");
}

static void put_json(const facts *f, tn_text *out) {
    const tn_model *m = f->m;
    tn_text_puts(out, "{");
    put_string(out, "model", f->path);
    tn_text_printf(out, ", \"format\": \"%s\", ", m->compiled ? "tnplan" : "onnx");
    if (m->compiled) {
        put_string(out, "precision", m->compiled->precision);
        tn_text_printf(out, ", \"packed\": %zu, \"packed_bytes\": %.0f, ", m->compiled->n_forms,
                       packed_bytes(m->compiled));
    }
    tn_text_printf(out, "\"ir_version\": %lld, \"opsets\": {", (long long)m->ir_version);
    for (int i = 0; i < m->n_opsets; i++) {
        tn_text_puts(out, i ? ", " : "");
        tn_text_json(out, m->opsets[i].domain, strlen(m->opsets[i].domain));
        tn_text_printf(out, ": %lld", (long long)m->opsets[i].version);
    }
    tn_text_puts(out, "}, ");
    put_string(out, "producer", m->producer_name);
    tn_text_puts(out, ", ");
    put_string(out, "producer_version", m->producer_version);
    tn_text_puts(out, ", \"metadata\": {");
    for (int i = 0; i < m->n_meta; i++) {
        tn_text_puts(out, i ? ", " : "");
        tn_text_json(out, m->meta[i].key, strlen(m->meta[i].key));
        tn_text_puts(out, ": ");
        tn_text_json(out, m->meta[i].value, strlen(m->meta[i].value));
    }
    tn_text_printf(
        out, "}, \"parameters\": %lld, \"weight_bytes\": %.0f, \"flops\": %.0f, \"macs\": %.0f, \"lower_bound\": %s",
        (long long)f->a->parameters, f->a->weight_bytes, f->a->total.flops, f->a->total.flops / 2,
        f->a->unknown ? "true" : "false");
    if (f->planned)
        tn_text_printf(out, ", \"memory\": {\"activations\": %zu, \"packed_weights\": %zu, \"inputs_outputs\": %zu}",
                       f->memory.activations, f->memory.packed, f->memory.inputs + f->memory.outputs);
    precisions p = count_precisions(m->graph);
    put_json_device(f->memory.device, out);
    tn_text_printf(out, ", \"in_float32\": %d, \"narrow_weights\": %d, \"narrow_weight_bytes\": %.0f", p.widened,
                   p.narrowed, p.kept);
    for (int side = 0; side < 2; side++) {
        int n = side ? m->graph->n_outputs : m->graph->n_inputs;
        tn_text_puts(out, side ? ", \"outputs\": [" : ", \"inputs\": [");
        for (int i = 0; i < n; i++) {
            const tn_value *v = side ? m->graph->outputs[i] : m->graph->inputs[i];
            tn_text_puts(out, i ? ", " : "");
            tn_type shown = tn_value_shown(v);
            put_json_value(m, v, side ? &shown : &f->types[i], out);
        }
        tn_text_puts(out, "]");
    }
    tn_states_put(m, precision, true, out);
    tn_text_puts(out, ", \"operators\": [");
    for (int i = 0; i < f->a->n_ops; i++) {
        const tn_op_facts *o = &f->a->ops[i];
        tn_text_puts(out, i ? ", {" : "{");
        put_string(out, "domain", o->domain);
        tn_text_puts(out, ", ");
        put_string(out, "type", o->type);
        tn_text_printf(out, ", \"count\": %d, \"flops\": %.0f, \"bytes\": %.0f}", o->count, o->cost.flops,
                       o->cost.bytes_read + o->cost.bytes_written);
    }
    tn_text_puts(out, "]");
    put_json_findings(m, out);
    tn_text_puts(out, "}\n");
}

/* ------------------------------------------------------------------------------------------------------------ main */

static size_t mapped_bytes(const tn_model *m) {
    size_t n = 0;
    for (int i = 0; i < m->n_files; i++) n += m->files[i]->blank ? 0 : m->files[i]->size;
    return n;
}

/* Inputs with a default keep it: old files list all their weights as inputs. */
static tn_status forecast(const tn_model *m, const tn_type *types, int threads, tn_forecast *out) {
    size_t n = (size_t)m->graph->n_inputs;
    tn_type *own = calloc(n + 1, sizeof *own);
    if (!own) return tn_fail(TN_E_NOMEM, "no memory");
    for (size_t i = 0; i < n; i++)
        if (!m->graph->inputs[i]->fallback) own[i] = types[i];
    tn_session_opts opts = { .size = sizeof opts,
                             .threads = threads,
                             .precision = precision,
                             .device = device,
                             .require_device = require_device };
    tn_status st = tn_forecast_run_with(m, own, &opts, out);
    free(own);
    return st;
}

int tn_cmd_inspect(int argc, char **argv) {
    tn_common_options common = { 0 };
    char **args;
    int n_args;
    tn_model *m = NULL;
    tn_analysis *a = NULL;
    tn_type *types = NULL;
    tn_text out = { 0 };
    facts f = { 0 };
    int code = tn_options_parse(&usage, &common, argc, argv, &args, &n_args);
    if (code >= 0) goto done;
    tn_status st = tn_model_open_with(args[0], &(tn_model_opts){ .size = sizeof(tn_model_opts), .inspect = 1 }, &m);
    if (st == TN_OK && !(types = calloc((size_t)m->graph->n_inputs + 1, sizeof *types)))
        st = tn_fail(TN_E_NOMEM, "no memory");
    if (st == TN_OK) st = tn_precision_check(precision);
    if (st == TN_OK) tn_precision_mark_last(m->graph);
    if (st == TN_OK) st = tn_feed_types(m, &feed, true, types);
    if (st == TN_OK) st = tn_analyse(m, types, &a);
    f = (facts){ .m = m, .path = args[0], .a = a, .types = types, .planned = st == TN_OK && !m->broken };
    for (int i = 0; st == TN_OK && i < m->graph->n_inputs; i++) f.planned &= tn_type_static(&types[i]);
    if (st == TN_OK && f.planned) st = forecast(m, types, common.threads, &f.memory);
    if (st == TN_OK) {
        f.file_bytes = mapped_bytes(m);
        if (json)
            put_json(&f, &out);
        else
            put_text(&f, &out);
        fwrite(out.s, 1, out.n, stdout);
    }
    code = st != TN_OK ? tn_command_failed(usage.name) : m->broken ? TN_EXIT_FAILED : TN_EXIT_OK;
done:
    tn_forecast_free(&f.memory);
    tn_text_free(&out);
    tn_analysis_free(&a);
    tn_model_close(&m);
    free(types);
    tn_feed_opts_free(&feed);
    return code;
}
