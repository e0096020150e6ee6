/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* device.h - what computes segments of a plan besides the CPU: the functions a device has, and the registry.
 *
 * A device has memory of its own, streams and programs. docs/devices.md says how to write one; the rules in short:
 *
 *   - A *place* is bytes of a device's memory, named by a handle and an offset. The engine plans where values lie
 *     (multiples of TN_ARENA_ALIGN); it never looks inside.
 *   - A *stream* does its commands one after the other. Each function that gives it one returns at once, with a
 *     *ticket*: the number of the command, larger than those before. When a ticket is done, so are all before it. The
 *     memory that a command names stays as it is until then. One run uses a stream at a time; different streams are
 *     used by different threads at once.
 *   - A command that fails stops its stream: what comes later is not done, and wait returns the failure with its
 *     sentence until `reset`.
 *   - A *program* is a compiled segment. It keeps nothing of a run: several streams run it at once.
 *   - Every function may fail. What fails on a device is done by the CPU instead, unless the user requires the device.
 *   - After `fork` a device of the parent is lost to the child: its functions fail there, without waiting for anything.
 *
 * All functions may be called from several threads at once, but for a stream's. */
#ifndef TN_ENGINE_DEVICE_H
#define TN_ENGINE_DEVICE_H

#include "op/core/op.h"

typedef struct tn_device tn_device;
typedef uint64_t tn_device_ticket; /* 0: no command */

typedef struct {
    void *memory; /* from tn_device_ops.alloc */
    size_t offset, bytes;
} tn_device_place;

/* --------------------------------------------------------------------------------------------------------- segments */

/** What a value is to a segment. Inputs and outputs cross its border and have places that the engine chooses; where
 *  inner ones lie is the program's business. */
typedef enum { TN_ROLE_INNER, TN_ROLE_INPUT, TN_ROLE_OUTPUT, TN_ROLE_CONSTANT } tn_role;

typedef struct {
    const tn_value *value;
    tn_role role;
    tn_type type; /* a tensor; every size is a number */
    size_t bytes;
    const tn_tensor *constant; /* of a constant, in host memory; it may hold blocks (tensor/encoding.h) where `fits`
                                  accepted that */
    int first, last;           /* the nodes, by number, that make it (-1: none) and read it last (-1: nobody does) */
} tn_segment_value;

typedef struct {
    const tn_node *node;
    tn_infer types;      /* types, constants and attributes (types.attrs) as the row's prepare gets them */
    const int *in, *out; /* [types.n_in], [types.n_out]: values of the segment; -1: omitted, not wanted */
} tn_segment_node;

/** What is compiled. It lives as long as the call does, but for graph nodes, attributes and constants, which live as
 *  long as the program. A node whose row has TN_OP_ALIAS only gives input 0 another shape. */
typedef struct {
    const tn_segment_node *nodes; /* in an order they can run in */
    int n_nodes;
    const tn_segment_value *values;
    int n_values;
    const int *inputs, *outputs; /* in the order in which `run` gets their places */
    int n_inputs, n_outputs;
} tn_segment;

/** Places for all inner values in one block, by lifetimes (engine/memory.h): for devices that run node by node.
 *
 *      same    [n_values] the value in whose memory v lies: v itself, or what v is another shape of (then v is inner)
 *      at      [n_values] offsets of inner values with memory of their own; 0 for all others
 *      bytes   the block's size
 *
 *  errors   TN_E_NOMEM, TN_E_LIMIT */
tn_status tn_segment_lay_out(const tn_segment *s, int *same, size_t *at, size_t *bytes);

/* ---------------------------------------------------------------------------------------------------------- devices */

/** What the engine reckons with. */
typedef struct {
    double copy_ns;   /* of one copy between host and device, however small */
    double byte_ns;   /* of each byte of it */
    double launch_ns; /* of one program's run */
    size_t memory;    /* the most that one block may have; 0: not known */
    bool plain_graph; /* the model is not brought into forms that suit the CPU alone (blocked channels, codes) */
} tn_device_traits;

typedef struct {
    const char *name; /* "opencl" */
    const char *doc;  /* one line */

    /** Opens the device; options: what stood behind "NAME:", or "". errors TN_E_INVALID (the options), TN_E_DEVICE
     *  (there is none) */
    tn_status (*open)(const char *options, void **self);
    void (*close)(void *self); /* nothing of it is in use any more */
    tn_device_traits (*traits)(void *self);
    bool (*lost)(void *self); /* it will not come back: nobody tries it again */

    /** Memory of the device, aligned to TN_ARENA_ALIGN at least. errors TN_E_NOMEM, TN_E_DEVICE */
    tn_status (*alloc)(void *self, size_t bytes, void **memory);
    void (*free)(void *self, void *memory);
    /** Memory of the host that copies are fast from and to (pinned), made with tn_mem_alloc where the device can use
     *  that, so that it is counted; NULL: there is none. Copies take any other memory, too. */
    void *(*host_alloc)(void *self, size_t bytes);
    void (*host_free)(void *self, void *p);

    tn_status (*stream_open)(void *self, void **stream);
    void (*stream_close)(void *stream);
    tn_status (*upload)(void *stream, tn_device_place to, const void *from, tn_device_ticket *t);
    tn_status (*download)(void *stream, void *to, tn_device_place from, tn_device_ticket *t);
    tn_status (*run)(void *stream, void *program, const tn_device_place *in, const tn_device_place *out,
                     tn_device_place work, tn_device_ticket *t);
    /** Waits for t, at most `ns` (0: asks only). *done: it is, or never will be. errors what made a command fail */
    tn_status (*wait)(void *stream, tn_device_ticket t, uint64_t ns, bool *done);
    /** Drops commands that have not begun, waits for the one that has, and forgets the failure: then no command names
     *  any memory, and the stream is as new. */
    void (*reset)(void *stream);

    /** Whether the device computes a node whose types are known tensors, by its row, types, attributes and constants (c
     *  is as for prepare), and the time it will take. cpu_ns: what the engine reckons for the CPU. */
    bool (*fits)(void *self, const tn_infer *c, double cpu_ns, double *ns);
    /** Compiles a segment of nodes that fit. *work: bytes of device memory that each run wants for itself. Constants
     *  are kept with tn_device_constant_get. errors any: the segment's nodes stay on the CPU */
    tn_status (*compile)(void *self, tn_device *d, const tn_segment *s, void **program, size_t *work);
    void (*release)(void *self, void *program);
} tn_device_ops;

/** All devices but the CPU; ends with NULL. */
extern const tn_device_ops *const tn_device_rows[];

/** A device that is open: one for everybody who asks for the same name and options. */
struct tn_device {
    const tn_device_ops *ops;
    void *self;
    char *spec; /* "NAME:OPTIONS" */
    int refs;
    tn_device *next;
    struct tn_device_constant *constants;
    void *stream; /* for constants */
};

/** spec: as tn_session_opts.device; for NULL, "" and "cpu" *out is NULL: the engine itself.
 *  errors   TN_E_NOT_FOUND (no such name; the message lists them), those of the device's open */
tn_status tn_device_open(const char *spec, tn_device **out);
void tn_device_close(tn_device **d); /* NULL is fine */

/** A constant in the device's memory, there once for all programs of all sessions: found by the constant's id and
 *  `key`, which says in what form and who made it. fill writes `bytes` bytes for the upload; NULL: the tensor's own.
 *  Constants without an id (of one plan) are this program's alone.
 *  owns     give it back with tn_device_constant_drop when the program is released
 *  errors   fill's, TN_E_NOMEM, the device's */
typedef struct tn_device_constant tn_device_constant;
tn_status tn_device_constant_get(tn_device *d, const tn_tensor *t, const char *key, size_t bytes, tn_pack_fill fill,
                                 const void *user, tn_device_constant **out);
tn_device_place tn_device_constant_place(const tn_device_constant *c);
void tn_device_constant_drop(tn_device *d, tn_device_constant **c);

/** Waits for a stream's ticket as long as the thread's budget lasts. errors TN_E_DEVICE; TN_E_CANCELLED: the budget was
 *  stopped. After an error the caller resets the stream before it touches what commands name. */
tn_status tn_device_wait(const tn_device *d, void *stream, tn_device_ticket t);

/** What a device's function returned, as the engine hands it on: TN_E_DEVICE, with the device's name before the
 *  sentence. */
tn_status tn_device_failed(const tn_device *d, tn_status st);

#endif
