/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tnplan.h - compiled files: an optimized graph, its constants and packed weights, to be mapped and run at once.
 *
 *   header | table of blobs | graph | blob | blob | ...        all numbers are little endian
 *
 *   header   tn_plan_header
 *   table    for every blob where it lies, its bytes and its checksum
 *   graph    a stream of varints and texts (stream.h): what the model says of itself, tensors (shapes; their elements
 * are blobs), graphs with nodes, and which blobs are packed forms of which tensors blobs    at multiples of 64 bytes:
 * they are used where they lie, so that processes share the pages
 *
 * Checksums (sum.c) of header, table and graph are verified when a file is opened. Those of blobs are not: that would
 * read all weights before anything runs, and what they hold is data of which nothing has to be believed - a damaged
 * weight is a wrong number, as in any model file. Opening with tn_model_opts.inspect verifies them, too.
 *
 * A checksum is no signature, so nothing in a file is believed: places and sizes are checked before use, the graph
 * against the operators' rows and rules (types are inferred anew), and forms that tell kernels where to read are never
 * taken from a file (tn_form_portable). A form serves only where an operator asks for one of its very name and size. */
#ifndef TN_FORMAT_TNPLAN_TNPLAN_H
#define TN_FORMAT_TNPLAN_TNPLAN_H

#include "graph/compiled.h"

#define TN_PLAN_MAGIC  "\x93TNPLAN\n" /* 8 bytes without the zero */
#define TN_PLAN_FORMAT 3              /* raised with every change of what follows */
#define TN_PLAN_ALIGN  64

typedef struct {
    char magic[8];
    uint32_t format, features; /* features: tn_cpu_flags of the process that packed */
    char version[32];          /* tn_version, padded with zeros */
    uint64_t size;             /* of the file */
    uint64_t table_at, n_blobs;
    uint64_t graph_at, graph_bytes;
    uint64_t table_sum, graph_sum;
    uint64_t sum; /* of all before it */
    uint64_t zero;
} tn_plan_header;

_Static_assert(sizeof(tn_plan_header) == 120, "what is mapped is what is declared");

typedef struct {
    uint64_t at, bytes, sum;
} tn_plan_blob;

/** A checksum that every flipped bit changes. Not for adversaries. */
uint64_t tn_plan_sum(const void *data, size_t bytes);

/** Whether a file begins like a compiled one. */
bool tn_plan_is(const uint8_t *data, size_t size);

/** Whether a file may hold a node of that row: all but the internal ones that no pass makes (of gradients), whose rules
 *  count on who made them. */
bool tn_plan_may_hold(const struct tn_op *op);

/** Fills the empty model m, m->compiled too, from a file of which everything is used where it lies: it must outlive m
 *  and begin at a multiple of 64 bytes. The caller checks the graph and infers its types. `m->lenient`: verifies all
 *  checksums. errors TN_E_FORMAT (truncated, corrupt), TN_E_UNSUPPORTED (of another version, for other instructions),
 *  TN_E_INVALID (where it begins), TN_E_NOMEM */
tn_status tn_plan_read(tn_model *m, const uint8_t *data, size_t size);

/** Writes a model that was through the passes with packed forms of its constants, as a file that appears at once.
 *  c      what m->compiled is to be when the file is read; of[] are constants of m (or share their ids); those of a key
 * that is not portable are left out errors TN_E_IO, TN_E_NOMEM, TN_E_UNSUPPORTED (an operator of gradients that is
 * internal) */
tn_status tn_plan_write(const tn_model *m, const tn_compiled *c, const char *path);

#endif
