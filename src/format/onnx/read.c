/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* read.c - ModelProto to a model, over a mapped file. Nothing here trusts the file: names are looked up, sizes are
 * checked, nesting is bounded. Source: ONNX IR specification (docs/IR.md), onnx.proto. */
#include "format/onnx/read.h"
#include "base/log.h"
#include "format/onnx/fields.h"
#include "op/core/op.h"
#include <stdlib.h>
#include <sys/stat.h>

tn_status tn_onnx_opset(tn_onnx_reader *r, tn_wire w, tn_opset *out) {
    tn_status st = TN_OK;
    tn_wire_field f;
    *out = (tn_opset){ "", 0 };
    TN_FIELDS(w, f, st) {
        if (f.number == OPSET_DOMAIN && f.type == WIRE_BYTES)
            TN_TRY(tn_onnx_text(r, f.bytes, "the domain of an operator set", &out->domain));
        if (f.number == OPSET_VERSION && f.type == WIRE_VARINT) out->version = (int64_t)f.u;
    }
    if (st != TN_OK) return st;
    if (!strcmp(out->domain, "ai.onnx")) out->domain = "";
    if (!*out->domain && out->version > TN_ONNX_OPSET_MAX)
        return tn_fail(TN_E_UNSUPPORTED, "operator set %lld of ai.onnx is newer than the newest known here, %d",
                       (long long)out->version, TN_ONNX_OPSET_MAX);
    if (out->version < 1)
        return tn_fail(TN_E_FORMAT, "operator set version %lld of domain '%s'", (long long)out->version, out->domain);
    return TN_OK;
}

/* "" and "ai.onnx" may both be there, for the same set. */
tn_status tn_onnx_opset_add(tn_onnx_reader *r, tn_opset **sets, int *n, tn_opset o) {
    int at = 0;
    while (at < *n && strcmp((*sets)[at].domain, o.domain)) at++;
    if (at < *n && (*sets)[at].version == o.version) return TN_OK;
    if (at < *n)
        return tn_fail(TN_E_GRAPH, "two versions of operator set '%s' are imported: %lld and %lld", o.domain,
                       (long long)(*sets)[at].version, (long long)o.version);
    if (at == TN_ONNX_MAX_SETS) return tn_fail(TN_E_LIMIT, "more than %d operator sets are imported", at);
    TN_TRY(tn_onnx_room(r, sets, at, sizeof **sets));
    (*sets)[(*n)++] = o;
    return TN_OK;
}

static tn_status read_meta(tn_onnx_reader *r, tn_wire w, tn_meta *out) {
    tn_status st = TN_OK;
    tn_wire_field f;
    *out = (tn_meta){ "", "" };
    TN_FIELDS(w, f, st) {
        if (f.number == ENTRY_KEY && f.type == WIRE_BYTES) TN_TRY(tn_onnx_long_text(r, f.bytes, &out->key));
        if (f.number == ENTRY_VALUE && f.type == WIRE_BYTES) TN_TRY(tn_onnx_long_text(r, f.bytes, &out->value));
    }
    return st;
}

typedef struct {
    tn_wire graph;
    tn_wire *opsets, *meta, *functions;
    int n_graphs, n_opsets, n_meta, n_functions;
    bool training, ir;
} model_fields;

static tn_status scan_model(tn_onnx_reader *r, tn_wire w, model_fields *mf) {
    tn_model *m = r->m;
    tn_status st = TN_OK;
    tn_wire_field f;
    TN_FIELDS(w, f, st) {
        if (f.type == WIRE_VARINT && f.number == MODEL_IR) m->ir_version = (int64_t)f.u, mf->ir = true;
        if (f.type == WIRE_VARINT && f.number == MODEL_VERSION) m->model_version = (int64_t)f.u;
        if (f.type != WIRE_BYTES) continue;
        tn_wire sub = tn_wire_sub(&w, &f);
        switch (f.number) {
        case MODEL_PRODUCER: TN_TRY(tn_onnx_long_text(r, f.bytes, &m->producer_name)); break;
        case MODEL_PRODUCER_VERSION: TN_TRY(tn_onnx_long_text(r, f.bytes, &m->producer_version)); break;
        case MODEL_DOMAIN: TN_TRY(tn_onnx_long_text(r, f.bytes, &m->domain)); break;
        case MODEL_DOC: TN_TRY(tn_onnx_long_text(r, f.bytes, &m->doc)); break;
        case MODEL_GRAPH: mf->graph = sub, mf->n_graphs++; break;
        case MODEL_OPSET: TN_TRY(tn_onnx_list_wire(r, &mf->opsets, &mf->n_opsets, sub)); break;
        case MODEL_META: TN_TRY(tn_onnx_list_wire(r, &mf->meta, &mf->n_meta, sub)); break;
        case MODEL_FUNCTION: TN_TRY(tn_onnx_list_wire(r, &mf->functions, &mf->n_functions, sub)); break;
        case MODEL_TRAINING: mf->training = true; break;
        default: break;
        }
    }
    return st;
}

static tn_status read_opsets(tn_onnx_reader *r, const model_fields *mf) {
    tn_model *m = r->m;
    tn_opset *sets = NULL;
    for (int i = 0; i < mf->n_opsets; i++) {
        tn_opset o;
        tn_status st = tn_onnx_opset(r, mf->opsets[i], &o);
        if (st == TN_OK) st = tn_onnx_opset_add(r, &sets, &m->n_opsets, o);
        if (st != TN_OK) return tn_fail_at(st, "opset_import %d", i);
    }
    m->opsets = tn_arena_array(m->arena, tn_opset, (size_t)m->n_opsets + 1);
    if (!m->opsets) return tn_fail(TN_E_NOMEM, "operator sets");
    if (m->n_opsets) memcpy(m->opsets, sets, sizeof *sets * (size_t)m->n_opsets);
    if (!m->n_opsets) m->opsets[m->n_opsets++] = (tn_opset){ "", 1 }; /* IR 1 and 2 have no imports */
    return TN_OK;
}

static tn_status read_model(tn_onnx_reader *r, const uint8_t *data, size_t size) {
    tn_model *m = r->m;
    model_fields mf = { 0 };
    const char *looks = tn_sniff(data, size);
    if (looks) return tn_fail(TN_E_FORMAT, "not an ONNX model: it looks like %s", looks);
    m->producer_name = m->producer_version = m->domain = m->doc = "";
    tn_status st = scan_model(r, tn_wire_of(data, size), &mf);
    if (st != TN_OK) return tn_fail_at(st, mf.ir ? "the ONNX model is damaged or cut off" : "not an ONNX model");
    if (mf.n_graphs != 1)
        return tn_fail(TN_E_FORMAT, "not an ONNX model: it has %d graphs where there must be one", mf.n_graphs);
    if (!mf.ir || m->ir_version < 1)
        return tn_fail(TN_E_FORMAT, "not an ONNX model: ir_version is %lld", (long long)m->ir_version);
    if (mf.training) tn_log(TN_LOG_INFO, "the model's training information is not used");
    TN_TRY(read_opsets(r, &mf));
    m->meta = tn_arena_array(m->arena, tn_meta, (size_t)mf.n_meta + 1);
    if (!m->meta) return tn_fail(TN_E_NOMEM, "metadata");
    for (int i = 0; i < mf.n_meta; i++) TN_TRY(read_meta(r, mf.meta[i], &m->meta[m->n_meta++]));
    for (int i = 0; i < mf.n_functions; i++) {
        st = tn_onnx_function_read(r, mf.functions[i]);
        if (st != TN_OK) return tn_fail_at(st, "function %d", i);
    }
    return tn_onnx_graph(r, NULL, NULL, mf.graph, m->graph);
}

/* The folder of the model as it is named, and the folder of the file a link leads to: caches of downloaded models link
 * both the model and its data into one store. */
static tn_status find_folders(tn_onnx_reader *r) {
    if (!r->m->path) return TN_OK;
    const char *slash = strrchr(r->m->path, '/');
    char *named =
        slash ? tn_arena_strndup(r->tmp, r->m->path, (size_t)(slash - r->m->path) + 1) : tn_arena_strdup(r->tmp, ".");
    if (!named) return tn_fail(TN_E_NOMEM, "a path");
    char *real = realpath(named, NULL);
    r->folder = real ? tn_arena_strdup(r->tmp, real) : NULL;
    free(real);
    real = realpath(r->m->path, NULL);
    if (real) {
        char *end = strrchr(real, '/');
        r->real_folder = end ? tn_arena_strndup(r->tmp, real, (size_t)(end - real)) : NULL;
        free(real);
    }
    return TN_OK;
}

tn_status tn_onnx_read(tn_model *m, const uint8_t *data, size_t size, tn_declared_list *declared) {
    tn_onnx_reader r = { .m = m, .size = size, .tmp = tn_arena_new((size_t)64 << 10, TN_MEM_GRAPH) };
    tn_status st = TN_OK;
    r.functions = tn_map_new(0);
    r.files = tn_map_new(0);
    r.symbols = tn_map_new(0);
    if (!r.tmp || !r.functions || !r.files || !r.symbols) st = tn_fail(TN_E_NOMEM, "reading a model");
    if (st == TN_OK) st = find_folders(&r);
    if (st == TN_OK) st = read_model(&r, data, size);
    *declared = r.declared;
    tn_map_free(&r.functions);
    tn_map_free(&r.files);
    tn_map_free(&r.symbols);
    tn_arena_free(&r.tmp);
    return st;
}
