/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* graph.h - the one intermediate representation: every model, whatever file it came from, is a tn_graph.
 *
 *   model ── graph ── nodes (doubly linked, in topological order) ── inputs/outputs: values ── uses
 *                └─ subgraphs hang on node attributes (If, Loop, Scan); they refer to outer values by pointer.
 *
 * A value is defined once: by a node, as a graph input, or as a constant (initializer). Everything lives in the
 * model's arena, so removing a node frees nothing until the model closes; constants' tensors are reference-counted. */
#ifndef TN_GRAPH_GRAPH_H
#define TN_GRAPH_GRAPH_H

#include "base/map.h"
#include "graph/type.h"

typedef struct tn_graph tn_graph;
typedef struct tn_node tn_node;
typedef struct tn_value tn_value;
struct tn_op;

typedef enum {
    TN_ATTR_NONE,
    TN_ATTR_FLOAT,
    TN_ATTR_INT,
    TN_ATTR_STRING,
    TN_ATTR_TENSOR,
    TN_ATTR_GRAPH,
    TN_ATTR_FLOATS,
    TN_ATTR_INTS,
    TN_ATTR_STRINGS,
    TN_ATTR_TENSORS,
    TN_ATTR_GRAPHS,
    TN_ATTR_TYPE,
} tn_attr_kind;

typedef struct tn_attr {
    const char *name;
    tn_attr_kind kind;
    size_t n; /* of the plural kinds */
    union {
        float f;
        int64_t i;
        tn_string s;
        tn_tensor *tensor;
        tn_graph *graph;
        const float *floats;
        const int64_t *ints;
        const tn_string *strings;
        tn_tensor *const *tensors;
        tn_graph *const *graphs;
        const tn_type *type;
    };
} tn_attr;

typedef struct tn_use {
    tn_node *node; /* the user; NULL: an output of `graph` */
    tn_graph *graph;
    int index; /* which input (or which graph output) */
} tn_use;

struct tn_value {
    const char *name;  /* unique in its model after loading; never NULL */
    int id;            /* dense, unique in the model: plans keep arrays by id */
    tn_graph *graph;   /* where it is defined */
    tn_node *producer; /* NULL: graph input or constant */
    int producer_index;
    bool is_input;
    tn_type type;              /* declared, then narrowed by inference */
    const tn_content *content; /* known contents, or NULL */
    tn_tensor *constant;       /* initializer or folded; NULL otherwise */
    tn_tensor *fallback;       /* of a main graph's input: its value when the caller gives none; NULL: required */
    tn_use *uses;
    int n_uses, cap_uses;
    int use_hint;            /* where the last use was taken out: the next one is mostly near */
    const tn_type *declared; /* of an output whose type inference leaves open: what the file says of it, which nothing
                                may rely on; for showing (tn_value_shown). NULL elsewhere */
    struct tn_value *twin;   /* scratch of copying; NULL outside */
};

struct tn_node {
    const char *name;       /* never NULL; made up from op and output when the file gives none */
    const char *domain;     /* "" is ai.onnx; "tenon" is ours (fused forms) */
    const char *type;       /* "Conv" */
    int version;            /* opset version the node's meaning is of; after upgrading: the operator row's */
    const struct tn_op *op; /* NULL until resolved */
    tn_value **inputs;      /* NULL entries: omitted */
    tn_value **outputs;
    int n_inputs, n_outputs;
    tn_attr *attrs;
    int n_attrs;
    int cap_inputs, cap_outputs, cap_attrs; /* room in the arrays; 0 when they were set from outside */
    tn_graph *graph;                        /* NULL once removed */
    tn_node *prev, *next;
    int mark; /* scratch for passes */
};

struct tn_graph {
    struct tn_model *model;
    tn_graph *parent;     /* of a subgraph */
    tn_node *parent_node; /* the node whose attribute it is */
    int depth;            /* 0: the main graph */
    const char *name, *doc;
    tn_node *first, *last;
    int n_nodes;
    tn_value **inputs;
    int n_inputs;
    tn_value **outputs;
    int n_outputs;
    int cap_inputs, cap_outputs;
};

typedef struct {
    const char *key, *value;
} tn_meta;

typedef struct {
    const char *domain;
    int64_t version;
} tn_opset;

/** Something that opening the file found: format/findings.h. */
typedef struct {
    tn_finding_kind kind;
    tn_status status;
    const char *key, *text;
    int more; /* how many more of its kind */
} tn_found;

/** What a floor above keeps with a model (engine/store.h): close is called when the model closes. */
typedef struct tn_kept {
    void (*close)(struct tn_kept *k);
} tn_kept;

struct tn_model {
    tn_arena *arena;
    tn_syms *syms;
    tn_graph *graph;
    tn_value **values; /* by id, with gaps (NULL) in a clone: walk them with tn_value_each */
    int n_values, cap_values;
    const char *path; /* NULL from memory */
    int64_t ir_version, model_version;
    const char *producer_name, *producer_version, *domain, *doc;
    tn_opset *opsets;
    int n_opsets;
    tn_meta *meta;
    int n_meta;
    struct tn_file **files; /* open: the model itself and external data */
    int n_files;
    bool files_lent; /* a clone: they are its source's, which closes them */
    tn_map *names;   /* value names in use, so that new ones stay unique */
    int next_name;
    struct tn_owned *owned; /* tensors to release on closing: see tn_model_tensor */
    tn_found *findings;
    int n_findings, cap_findings;
    bool lenient, broken;               /* opened to be looked at; and has an error, so that it cannot run */
    const struct tn_compiled *compiled; /* graph/compiled.h: it was through the passes; NULL: as any file has it */
    tn_kept *kept;                      /* atomic; NULL: nothing yet */
};

#define TN_MAX_DEPTH 64   /* subgraphs within subgraphs */
#define TN_MAX_ATTRS 1024 /* of one node: lookups are linear */

/* ------------------------------------------------------------------------------------------------ building, editing */

tn_status tn_model_new(struct tn_model **out); /* empty, with an empty main graph; tn_model_close frees it */
/** To be asked before constants are read: whether the files they lie in are what they were. errors TN_E_IO. */
tn_status tn_model_check_files(const struct tn_model *m);
/** An empty graph; parent is the graph it nests in (NULL: a function body or the like). NULL when out of memory or
 *  nested deeper than TN_MAX_DEPTH, with the sentence set. Its parent_node is set by tn_attr_set. */
tn_graph *tn_graph_new(struct tn_model *m, tn_graph *parent, const char *name);
/** A zeroed tensor in the model's arena whose buffer is released when the model closes: attributes' and constants'
 *  tensors are made so. NULL when out of memory. */
tn_tensor *tn_model_tensor(struct tn_model *m);
/** errors  the status of its first error finding: the model was opened to be looked at, and cannot run. */
tn_status tn_model_whole(const struct tn_model *m);
/** A deep copy of the whole model: own nodes and values (same ids), shared tensors. For passes that must not touch
 *  the caller's model. The source must outlive the copy (files stay mapped there). */
tn_status tn_model_clone(const struct tn_model *m, struct tn_model **out);
/** Copies graph g's nodes (sorted, of the same model) into `into` before `before` (NULL: at the end); bind[i] replaces
 *  g's i-th input (NULL: omitted); outs receives the values that stand for g's outputs. g itself stays as it is.
 *  Inlining functions and constant If branches is this call. */
tn_status tn_graph_inline(tn_graph *into, tn_node *before, const tn_graph *g, tn_value *const *bind, const char *prefix,
                          tn_value **outs);

/** A fresh value in g; name NULL or taken: made unique from it. NULL when out of memory. */
tn_value *tn_value_new(tn_graph *g, const char *name);
tn_value *tn_value_input(tn_graph *g, const char *name, const tn_type *type); /* appends a graph input */
/** A constant; takes over the content of *t (t is reset). */
tn_value *tn_value_constant(tn_graph *g, const char *name, tn_tensor *t);
tn_value *tn_value_ints(tn_graph *g, const char *name, const int64_t *v, int n); /* int64 [n] constant */
tn_value *tn_value_scalar_f32(tn_graph *g, const char *name, float v);
tn_status tn_graph_add_output(tn_graph *g, tn_value *v);
void tn_graph_remove_output(tn_graph *g, int i); /* those behind it move up */

/** A new node before `before` (NULL: at the end) with the given inputs; n_outputs fresh output values are made, named
 *  after the node. Its operator is resolved. NULL when out of memory. */
tn_node *tn_node_new(tn_graph *g, tn_node *before, const char *domain, const char *type, tn_value *const *inputs,
                     int n_inputs, int n_outputs);
tn_status tn_node_set_input(tn_node *n, int i, tn_value *v); /* grows the list; v NULL omits it; uses are kept */
/** v, which has no producer, becomes produced by n; the old output value is orphaned. v NULL: nobody wants it. */
tn_status tn_node_set_output(tn_node *n, int i, tn_value *v);
void tn_node_remove(tn_node *n); /* with its subgraphs; its outputs must have no uses left */
void tn_node_move_before(tn_node *n, tn_node *before);
/** Every use of `from` (also as a graph output) becomes a use of `to`. The name of an output of the main graph is kept:
 *  `to` takes it over, or, where it cannot (an input, already an output), an Identity node now gives `from`. */
tn_status tn_value_replace(tn_value *from, tn_value *to);
/** Takes a graph and its subgraphs out of the use lists of outer values: for a subgraph that is dropped. */
void tn_graph_detach(tn_graph *g);
/** Finds a new node's operator and sets its row and version: the floor above puts its function here when the program
 *  starts (op/core/op.c). NULL: nodes have no rows. */
extern void (*tn_node_resolve)(tn_node *n);
/** Calls the body with v on every value there is, in the order of ids: those of subgraphs, too, and removed ones. */
#define tn_value_each(m, v) for (tn_value **v##_at = (m)->values, *v; (v = tn_value_after((m), &v##_at)) != NULL;)
static inline tn_value *tn_value_after(const struct tn_model *m, tn_value ***at) {
    for (tn_value **end = m->values ? m->values + m->n_values : NULL; *at != end;)
        if (*(*at)++) return (*at)[-1];
    return NULL;
}
/** All constants and defaults of a model, those of one graph side by side in the order of ids. */
typedef struct {
    tn_value **v;
    size_t n;
} tn_constants;
tn_status tn_constants_of(const struct tn_model *m, tn_constants *out); /* errors TN_E_NOMEM */
tn_value *const *tn_constants_in(const tn_constants *c, const tn_graph *g, size_t *n);
void tn_constants_free(tn_constants *c);
/** The type to show to people: the verified one, its gaps filled with what the file declares. */
tn_type tn_value_shown(const tn_value *v);
bool tn_value_is_output(const tn_value *v); /* of its graph or of any subgraph */
/** The one node that uses v, when v has exactly one use and that is by a node of the same graph; else NULL. */
tn_node *tn_value_only_user(const tn_value *v);

/* ---------------------------------------------------------------------------------------------------- attributes */

const tn_attr *tn_attr_find(const tn_node *n, const char *name);
/* The value, or the default when the attribute is absent. A present attribute of the wrong kind cannot happen: nodes
 * are checked against their operator's row when the model is loaded. */
int64_t tn_attr_int(const tn_node *n, const char *name, int64_t dflt);
float tn_attr_float(const tn_node *n, const char *name, float dflt);
tn_string tn_attr_string(const tn_node *n, const char *name, const char *dflt);
bool tn_attr_is(const tn_node *n, const char *name, const char *word, const char *dflt); /* string equals word */
const int64_t *tn_attr_ints(const tn_node *n, const char *name, int *count);             /* NULL, 0 when absent */
const float *tn_attr_floats(const tn_node *n, const char *name, int *count);
tn_graph *tn_attr_graph(const tn_node *n, const char *name);
const tn_tensor *tn_attr_tensor(const tn_node *n, const char *name);
tn_status tn_attr_set_int(tn_node *n, const char *name, int64_t v);
tn_status tn_attr_set_float(tn_node *n, const char *name, float v);
tn_status tn_attr_set_string(tn_node *n, const char *name, const char *v);
tn_status tn_attr_set_ints(tn_node *n, const char *name, const int64_t *v, int count);
tn_status tn_attr_set_floats(tn_node *n, const char *name, const float *v, int count);
tn_status tn_attr_set(tn_node *n, const tn_attr *a);    /* by value; pointers must live in the model's arena */
tn_status tn_attr_append(tn_node *n, const tn_attr *a); /* the same for a name that n is known not to have */
void tn_attr_remove(tn_node *n, const char *name);

/* ------------------------------------------------------------------------------------------------- checking, order */

/** Puts the nodes of g (and subgraphs) in topological order. errors TN_E_GRAPH: a cycle, naming nodes on it. */
tn_status tn_graph_sort(tn_graph *g);
#define tn_graph_each(g, n) \
    for (tn_node *n = (g)->first, *n##_next = n ? n->next : NULL; n; n = n##_next, n##_next = n ? n->next : NULL)

/** "node 'conv1' (Conv)" for messages, in one of four thread-local buffers used in turn. */
const char *tn_node_where(const tn_node *n);

#endif
