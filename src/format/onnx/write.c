/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* write.c - a model as an ONNX file. Everything but the main graph's weights is put together in memory; the
 * weights are streamed from where they are. Equal models give equal bytes. Source: onnx.proto; docs/IR.md. */
#include "base/file.h"
#include "base/wire.h"
#include "format/format.h"
#include "format/onnx/fields.h"
#include "op/core/past.h"
#include "tensor/proto.h"
#include <stdio.h>

#define OPSET_MIN 13 /* older sets differ in details (negative axes and indices) that have no visible form */

static void put_text(tn_wire_out *o, uint32_t field, const char *s) {
    if (s && *s) tn_wire_put_bytes(o, field, s, strlen(s));
}

/* --------------------------------------------------------------------------------------------------------- types */

static void put_type(tn_wire_out *o, const tn_syms *syms, const tn_type *t);

static void put_dim(tn_wire_out *o, const tn_syms *syms, tn_dim d) {
    size_t m = tn_wire_begin(o, SHAPE_DIM);
    if (tn_dim_known(d)) {
        if (d >= 0) tn_wire_put_varint(o, DIM_VALUE, (uint64_t)d);
    } else if (d != TN_DIM_UNKNOWN) {
        tn_text s = { 0 };
        tn_dim_print(syms, d, &s);
        put_text(o, DIM_PARAM, s.s);
        o->failed |= s.failed;
        tn_text_free(&s);
    }
    tn_wire_end(o, m);
}

static void put_tensor_type(tn_wire_out *o, const tn_syms *syms, const tn_type *t) {
    size_t m = tn_wire_begin(o, TYPE_TENSOR);
    tn_wire_put_varint(o, TYPE_TENSOR_ELEMENT, (uint64_t)tn_dtypes[t->dtype].onnx);
    if (t->rank >= 0) {
        size_t shape = tn_wire_begin(o, TYPE_TENSOR_SHAPE);
        for (int i = 0; i < t->rank; i++) put_dim(o, syms, t->dims[i]);
        tn_wire_end(o, shape);
    }
    tn_wire_end(o, m);
}

static void put_type(tn_wire_out *o, const tn_syms *syms, const tn_type *t) {
    static const uint32_t fields[] = {
        [TN_KIND_SEQUENCE] = TYPE_SEQUENCE, [TN_KIND_OPTIONAL] = TYPE_OPTIONAL, [TN_KIND_MAP] = TYPE_MAP
    };
    if (t->kind == TN_KIND_TENSOR) put_tensor_type(o, syms, t);
    if (t->kind == TN_KIND_TENSOR || t->kind == TN_KIND_NONE) return;
    size_t m = tn_wire_begin(o, fields[t->kind]);
    if (t->kind == TN_KIND_MAP) tn_wire_put_varint(o, TYPE_MAP_KEY, (uint64_t)tn_dtypes[t->dtype].onnx);
    if (t->elem) {
        size_t elem = tn_wire_begin(o, t->kind == TN_KIND_MAP ? TYPE_MAP_VALUE : TYPE_LIST_ELEMENT);
        put_type(o, syms, t->elem);
        tn_wire_end(o, elem);
    }
    tn_wire_end(o, m);
}

static bool complete(const tn_type *t) {
    if (t->kind == TN_KIND_TENSOR) return t->dtype != TN_NONE;
    return t->kind != TN_KIND_NONE && t->elem && complete(t->elem) && (t->kind != TN_KIND_MAP || t->dtype != TN_NONE);
}

static void put_value_info(tn_wire_out *o, uint32_t field, const tn_value *v, const char *name) {
    size_t m = tn_wire_begin(o, field);
    tn_type t = tn_value_shown(v);
    put_text(o, INFO_NAME, name);
    if (complete(&t)) {
        size_t type = tn_wire_begin(o, INFO_TYPE);
        put_type(o, v->graph->model->syms, &t);
        tn_wire_end(o, type);
    }
    tn_wire_end(o, m);
}

/* --------------------------------------------------------------------------------------------------- attributes */

/* What one file is put together from. */
typedef struct {
    const tn_model *m;
    tn_constants constants;
} writing;

static tn_status put_graph(tn_wire_out *o, const writing *w, const tn_graph *g);

static tn_status put_list(tn_wire_out *o, const writing *w, const tn_attr *a) {
    for (size_t i = 0; i < a->n; i++) switch (a->kind) {
        case TN_ATTR_FLOATS: tn_wire_put_f32(o, ATTR_FLOATS, a->floats[i]); break;
        case TN_ATTR_INTS: tn_wire_put_varint(o, ATTR_INTS, (uint64_t)a->ints[i]); break;
        case TN_ATTR_STRINGS: tn_wire_put_bytes(o, ATTR_STRINGS, a->strings[i].ptr, a->strings[i].len); break;
        case TN_ATTR_TENSORS:
        case TN_ATTR_GRAPHS: {
            size_t m = tn_wire_begin(o, a->kind == TN_ATTR_GRAPHS ? ATTR_GRAPHS : ATTR_TENSORS);
            if (a->kind == TN_ATTR_TENSORS)
                tn_tensor_to_proto(o, a->tensors[i], "");
            else
                TN_TRY(put_graph(o, w, a->graphs[i]));
            tn_wire_end(o, m);
            break;
        }
        default: break;
        }
    return TN_OK;
}

static tn_status put_attr(tn_wire_out *o, const writing *w, const tn_attr *a) {
    static const uint8_t codes[] = {
        [TN_ATTR_FLOAT] = ATTR_IS_FLOAT,   [TN_ATTR_INT] = ATTR_IS_INT,         [TN_ATTR_STRING] = ATTR_IS_STRING,
        [TN_ATTR_TENSOR] = ATTR_IS_TENSOR, [TN_ATTR_GRAPH] = ATTR_IS_GRAPH,     [TN_ATTR_FLOATS] = ATTR_IS_FLOATS,
        [TN_ATTR_INTS] = ATTR_IS_INTS,     [TN_ATTR_STRINGS] = ATTR_IS_STRINGS, [TN_ATTR_TENSORS] = ATTR_IS_TENSORS,
        [TN_ATTR_GRAPHS] = ATTR_IS_GRAPHS, [TN_ATTR_TYPE] = ATTR_IS_TYPE,
    };
    size_t m = tn_wire_begin(o, NODE_ATTRIBUTE), sub;
    put_text(o, ATTR_NAME, a->name);
    tn_wire_put_varint(o, ATTR_TYPE, codes[a->kind]);
    switch (a->kind) {
    case TN_ATTR_FLOAT: tn_wire_put_f32(o, ATTR_F, a->f); break;
    case TN_ATTR_INT: tn_wire_put_varint(o, ATTR_I, (uint64_t)a->i); break;
    case TN_ATTR_STRING: tn_wire_put_bytes(o, ATTR_S, a->s.ptr, a->s.len); break;
    case TN_ATTR_TENSOR:
        sub = tn_wire_begin(o, ATTR_T);
        tn_tensor_to_proto(o, a->tensor, "");
        tn_wire_end(o, sub);
        break;
    case TN_ATTR_GRAPH:
        sub = tn_wire_begin(o, ATTR_G);
        TN_TRY(put_graph(o, w, a->graph));
        tn_wire_end(o, sub);
        break;
    case TN_ATTR_TYPE:
        sub = tn_wire_begin(o, ATTR_TP);
        put_type(o, w->m->syms, a->type);
        tn_wire_end(o, sub);
        break;
    default: TN_TRY(put_list(o, w, a)); break;
    }
    tn_wire_end(o, m);
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- graphs */

/* What the reader calls a node without a name. */
static const char *made_name(const tn_node *n) {
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i]) return n->outputs[i]->name;
    return n->type;
}

static tn_status put_node(tn_wire_out *o, const writing *w, const tn_node *n) {
    if (n->op && (n->op->flags & TN_OP_INTERNAL))
        return tn_fail(TN_E_UNSUPPORTED, "%s is an internal operator, which ONNX cannot express", tn_node_where(n));
    if (!*n->domain && !strcmp(n->type, "Resize") &&
        tn_attr_is(n, "coordinate_transformation_mode", "tf_half_pixel_for_nn", ""))
        return tn_fail(TN_E_UNSUPPORTED, "%s: no operator set since 13 has tf_half_pixel_for_nn", tn_node_where(n));
    size_t m = tn_wire_begin(o, GRAPH_NODE);
    for (int i = 0; i < n->n_inputs; i++) {
        const char *name = n->inputs[i] ? n->inputs[i]->name : "";
        tn_wire_put_bytes(o, NODE_INPUT, name, strlen(name));
    }
    for (int i = 0; i < n->n_outputs; i++) {
        const char *name = n->outputs[i] ? n->outputs[i]->name : "";
        tn_wire_put_bytes(o, NODE_OUTPUT, name, strlen(name));
    }
    if (strcmp(n->name, made_name(n))) put_text(o, NODE_NAME, n->name);
    put_text(o, NODE_TYPE, n->type);
    for (int i = 0; i < n->n_attrs; i++) TN_TRY(put_attr(o, w, &n->attrs[i]));
    put_text(o, NODE_DOMAIN, n->domain);
    tn_wire_end(o, m);
    return TN_OK;
}

/* A constant that is an output of a graph: initializers must not be outputs of subgraphs, so it is a Constant node. */
static void put_constant_node(tn_wire_out *o, const tn_value *v) {
    size_t m = tn_wire_begin(o, GRAPH_NODE);
    put_text(o, NODE_OUTPUT, v->name);
    put_text(o, NODE_NAME, v->name);
    put_text(o, NODE_TYPE, "Constant");
    size_t attr = tn_wire_begin(o, NODE_ATTRIBUTE);
    put_text(o, ATTR_NAME, "value");
    tn_wire_put_varint(o, ATTR_TYPE, ATTR_IS_TENSOR);
    size_t t = tn_wire_begin(o, ATTR_T);
    tn_tensor_to_proto(o, v->constant, "");
    tn_wire_end(o, t);
    tn_wire_end(o, attr);
    tn_wire_end(o, m);
}

static bool is_weight(const tn_value *v) {
    return v->fallback || (v->constant && v->n_uses && !tn_value_is_output(v)); /* a default, also of an idle input */
}

/* A subgraph must not hand out a value of the graph around it: an Identity node stands between. */
static const char *output_name(const tn_graph *g, int i, tn_text *made) {
    const tn_value *v = g->outputs[i];
    if (v->graph == g) return v->name;
    made->n = 0;
    do tn_text_printf(made, made->n ? "_" : "%s/%d", v->name, i);
    while (made->s && tn_map_gets(g->model->names, made->s));
    return made->s ? made->s : v->name;
}

static void put_identity(tn_wire_out *o, const char *from, const char *to) {
    size_t m = tn_wire_begin(o, GRAPH_NODE);
    put_text(o, NODE_INPUT, from);
    put_text(o, NODE_OUTPUT, to);
    put_text(o, NODE_NAME, to);
    put_text(o, NODE_TYPE, "Identity");
    tn_wire_end(o, m);
}

/* All of a graph except its initializers. */
static tn_status put_body(tn_wire_out *o, const writing *w, const tn_graph *g) {
    tn_text made = { 0 };
    size_t n_constants;
    tn_value *const *constants = tn_constants_in(&w->constants, g, &n_constants);
    for (size_t i = 0; i < n_constants; i++)
        if (constants[i]->constant && tn_value_is_output(constants[i])) put_constant_node(o, constants[i]);
    for (const tn_node *n = g->first; n; n = n->next) TN_TRY(put_node(o, w, n));
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i]->graph != g) put_identity(o, g->outputs[i]->name, output_name(g, i, &made));
    tn_wire_put_bytes(o, GRAPH_NAME, *g->name ? g->name : "graph", strlen(*g->name ? g->name : "graph"));
    put_text(o, GRAPH_DOC, g->doc);
    for (int i = 0; i < g->n_inputs; i++) put_value_info(o, GRAPH_INPUT, g->inputs[i], g->inputs[i]->name);
    for (int i = 0; i < g->n_outputs; i++) put_value_info(o, GRAPH_OUTPUT, g->outputs[i], output_name(g, i, &made));
    o->failed |= made.failed;
    tn_text_free(&made);
    return TN_OK;
}

static tn_status put_graph(tn_wire_out *o, const writing *w, const tn_graph *g) {
    size_t n;
    tn_value *const *constants = tn_constants_in(&w->constants, g, &n);
    TN_TRY(put_body(o, w, g));
    for (size_t i = 0; i < n; i++) {
        const tn_value *v = constants[i];
        if (!is_weight(v)) continue;
        size_t m = tn_wire_begin(o, GRAPH_INITIALIZER);
        tn_tensor_to_proto(o, v->constant ? v->constant : v->fallback, v->name);
        tn_wire_end(o, m);
    }
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- opsets */

typedef struct {
    tn_opset sets[64];
    int n;
} opset_list;

static tn_status need_opset(opset_list *l, const char *domain, int64_t version) {
    int i = 0;
    while (i < l->n && strcmp(l->sets[i].domain, domain)) i++;
    if (i == (int)TN_COUNT(l->sets)) return tn_fail(TN_E_LIMIT, "more than %d operator sets", i);
    if (i == l->n) l->sets[l->n++] = (tn_opset){ domain, 0 };
    if (l->sets[i].version < version) l->sets[i].version = version;
    return TN_OK;
}

static int64_t imported(const tn_model *m, const char *domain) {
    for (int i = 0; i < m->n_opsets; i++)
        if (!strcmp(m->opsets[i].domain, domain)) return m->opsets[i].version;
    return 1;
}

static tn_status collect_opsets(const tn_graph *g, opset_list *l) {
    for (const tn_node *n = g->first; n; n = n->next) {
        TN_TRY(need_opset(l, n->domain, *n->domain ? imported(g->model, n->domain) : tn_op_lowest_opset(n)));
        for (int i = 0; i < n->n_attrs; i++) {
            const tn_attr *a = &n->attrs[i];
            if (a->kind == TN_ATTR_GRAPH) TN_TRY(collect_opsets(a->graph, l));
            for (size_t k = 0; a->kind == TN_ATTR_GRAPHS && k < a->n; k++) TN_TRY(collect_opsets(a->graphs[k], l));
        }
    }
    return TN_OK;
}

/* The IR version that came with an operator set (docs/Versioning.md). 4 and later: initializers need not be inputs. */
static int ir_version(int64_t opset) {
    static const uint8_t first[][2] = { { 25, 13 }, { 24, 12 }, { 23, 11 }, { 21, 10 }, { 19, 9 }, { 15, 8 } };
    for (size_t i = 0; i < TN_COUNT(first); i++)
        if (opset >= first[i][0]) return first[i][1];
    return 7;
}

/* ------------------------------------------------------------------------------------------------ streamed weights */

typedef struct {
    tn_writer *file, *data; /* data: NULL unless weights go to a file of their own */
    const char *location;   /* its name beside the model */
    uint64_t offset;
} streams;

static bool goes_outside(const streams *s, const tn_tensor *t) {
    return s->location && t->dtype != TN_STRING && tn_tensor_bytes(t) >= 1024;
}

static uint64_t align_offset(uint64_t n) { return (n + 4095) / 4096 * 4096; } /* so that parts can be mapped */

/* A TensorProto up to its bytes: *tail of them follow from the tensor's memory. */
static void tensor_head(tn_wire_out *o, const streams *s, const tn_tensor *t, const char *name, size_t *tail) {
    *tail = 0;
    if (t->dtype == TN_STRING) {
        tn_tensor_to_proto(o, t, name);
        return;
    }
    for (int i = 0; i < t->rank; i++) tn_wire_put_varint(o, TENSOR_DIMS, (uint64_t)t->dims[i]);
    tn_wire_put_varint(o, TENSOR_TYPE, (uint64_t)tn_dtypes[t->dtype].onnx);
    put_text(o, TENSOR_NAME, name);
    if (!goes_outside(s, t)) {
        *tail = tn_tensor_bytes(t);
        tn_wire_put_raw_varint(o, (uint64_t)TENSOR_RAW << 3 | WIRE_BYTES);
        tn_wire_put_raw_varint(o, *tail);
        return;
    }
    char number[2][24];
    snprintf(number[0], sizeof number[0], "%llu", (unsigned long long)align_offset(s->offset));
    snprintf(number[1], sizeof number[1], "%zu", tn_tensor_bytes(t));
    const char *const pairs[][2] = { { "location", s->location }, { "offset", number[0] }, { "length", number[1] } };
    for (size_t i = 0; i < TN_COUNT(pairs); i++) {
        size_t m = tn_wire_begin(o, TENSOR_EXTERNAL);
        put_text(o, ENTRY_KEY, pairs[i][0]);
        put_text(o, ENTRY_VALUE, pairs[i][1]);
        tn_wire_end(o, m);
    }
    tn_wire_put_varint(o, TENSOR_LOCATION, 1);
}

static tn_status out_of_memory(const tn_wire_out *o) {
    return o->failed ? tn_fail(TN_E_NOMEM, "writing a model") : TN_OK;
}

/* One initializer field of the main graph: measured when s->file is NULL, else written. */
static tn_status weight(streams *s, const tn_tensor *t, const char *name, uint64_t *total) {
    tn_wire_out head = { 0 }, tag = { 0 };
    size_t tail;
    tn_status st;
    tensor_head(&head, s, t, name, &tail);
    tn_wire_put_raw_varint(&tag, (uint64_t)GRAPH_INITIALIZER << 3 | WIRE_BYTES);
    tn_wire_put_raw_varint(&tag, head.n + tail);
    *total += tag.n + head.n + tail;
    uint64_t padding = align_offset(s->offset) - s->offset;
    if ((st = out_of_memory(&head)) != TN_OK || (st = out_of_memory(&tag)) != TN_OK) goto done;
    if (s->file) {
        if ((st = tn_writer_put(s->file, tag.s, tag.n)) != TN_OK) goto done;
        if ((st = tn_writer_put(s->file, head.s, head.n)) != TN_OK) goto done;
        if (tail && (st = tn_writer_put(s->file, t->data, tail)) != TN_OK) goto done;
    }
    if (!goes_outside(s, t)) goto done;
    if (s->data) {
        static const char zeros[4096];
        if ((st = tn_writer_put(s->data, zeros, (size_t)padding)) != TN_OK) goto done;
        if ((st = tn_writer_put(s->data, t->data, tn_tensor_bytes(t))) != TN_OK) goto done;
    }
    s->offset += padding + tn_tensor_bytes(t);
done:
    tn_text_free(&head);
    tn_text_free(&tag);
    return st;
}

static tn_status weights(const writing *w, streams *s, uint64_t *total) {
    size_t n;
    tn_value *const *constants = tn_constants_in(&w->constants, w->m->graph, &n);
    for (size_t i = 0; i < n; i++) {
        const tn_value *v = constants[i];
        if (is_weight(v)) TN_TRY(weight(s, v->constant ? v->constant : v->fallback, v->name, total));
    }
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- models */

static tn_status put_model_head(tn_wire_out *o, const tn_model *m) {
    opset_list l = { .sets = { { "", OPSET_MIN } }, .n = 1 };
    TN_TRY(collect_opsets(m->graph, &l));
    tn_wire_put_varint(o, MODEL_IR, (uint64_t)ir_version(l.sets[0].version));
    put_text(o, MODEL_PRODUCER, m->producer_name);
    put_text(o, MODEL_PRODUCER_VERSION, m->producer_version);
    put_text(o, MODEL_DOMAIN, m->domain);
    if (m->model_version) tn_wire_put_varint(o, MODEL_VERSION, (uint64_t)m->model_version);
    put_text(o, MODEL_DOC, m->doc);
    for (int i = 0; i < l.n; i++) {
        size_t set = tn_wire_begin(o, MODEL_OPSET);
        tn_wire_put_bytes(o, OPSET_DOMAIN, l.sets[i].domain, strlen(l.sets[i].domain));
        tn_wire_put_varint(o, OPSET_VERSION, (uint64_t)l.sets[i].version);
        tn_wire_end(o, set);
    }
    for (int i = 0; i < m->n_meta; i++) {
        size_t meta = tn_wire_begin(o, MODEL_META);
        put_text(o, ENTRY_KEY, m->meta[i].key);
        put_text(o, ENTRY_VALUE, m->meta[i].value);
        tn_wire_end(o, meta);
    }
    return out_of_memory(o);
}

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static tn_status stream(const writing *w, streams *s, tn_wire_out *head, const tn_wire_out *body, uint64_t total) {
    tn_wire_put_raw_varint(head, (uint64_t)MODEL_GRAPH << 3 | WIRE_BYTES);
    tn_wire_put_raw_varint(head, total);
    uint64_t written = 0;
    TN_TRY(out_of_memory(head));
    TN_TRY(tn_writer_put(s->file, head->s, head->n));
    TN_TRY(tn_writer_put(s->file, body->s, body->n));
    s->offset = 0;
    return weights(w, s, &written);
}

/* ONNX has no tensors of blocks. */
static tn_status all_plain(const tn_model *m) {
    for (int i = 0; i < m->n_values; i++)
        if (m->values[i] && m->values[i]->constant) TN_TRY(tn_tensor_plain(m->values[i]->constant, m->values[i]->name));
    return TN_OK;
}

tn_status tn_onnx_write(const tn_model *m, const char *path, uint64_t inline_max) {
    tn_wire_out head = { 0 }, body = { 0 };
    streams s = { 0 };
    tn_text data_path = { 0 };
    uint64_t total = 0;
    writing w = { .m = m };
    tn_status st = tn_model_whole(m);
    if (m->compiled)
        st = tn_fail(TN_E_UNSUPPORTED, "a compiled file cannot become ONNX: save the model it was made from");
    if (st == TN_OK) st = all_plain(m);
    if (st == TN_OK) st = tn_constants_of(m, &w.constants);
    if (st == TN_OK) st = put_model_head(&head, m);
    if (st == TN_OK) st = put_body(&body, &w, m->graph);
    if (st == TN_OK) st = out_of_memory(&body);
    if (st == TN_OK) st = weights(&w, &s, &total);
    if (st != TN_OK) goto done;
    if (total + body.n > inline_max) {
        tn_text_printf(&data_path, "%s.data", path);
        if ((st = out_of_memory(&data_path)) != TN_OK) goto done;
        s.location = file_name(data_path.s);
        s.offset = total = 0;
        if ((st = weights(&w, &s, &total)) != TN_OK) goto done;
        if ((st = tn_writer_open(data_path.s, &s.data)) != TN_OK) goto done;
    }
    if ((st = tn_writer_open(path, &s.file)) != TN_OK) goto done;
    if ((st = stream(&w, &s, &head, &body, total + body.n)) != TN_OK) goto done;
    if (s.data && (st = tn_writer_commit(&s.data)) != TN_OK) goto done;
    st = tn_writer_commit(&s.file);
done:
    tn_writer_abort(&s.file);
    tn_writer_abort(&s.data);
    tn_text_free(&head);
    tn_text_free(&body);
    tn_text_free(&data_path);
    tn_constants_free(&w.constants);
    return st;
}

/* protobuf readers stop at 2 GiB. */
tn_status tn_model_save(const tn_model *m, const char *path) {
    TN_TRY(tn_model_check_files(m));
    return tn_onnx_write(m, path, (uint64_t)2000 << 20);
}
