/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* offload.h - the part of a plan that runs on a device: which segments, what is copied when, and who waits for what.
 *
 *   graph ──fits──▶ segments (segment.h) ──compile──▶ programs; a segment is one step of the plan
 *
 * A *remote* is a value that lies in the device's memory between steps: what a segment takes or gives. It is uploaded
 * once, as soon as the host has made it, however many segments read it; and downloaded once, right behind the segment
 * that makes it, if the host needs it. The host goes on meanwhile and waits before the first step that reads it.
 * Remotes and the segments' work places lie in one block of device memory, laid out from lifetimes as the host's is. A
 * stream does all this in the order of the steps, so that order alone keeps memory from being used too early; host
 * memory that is being uploaded stays as it is until a wait has shown that the copy is done.
 *
 * What fails on the device makes the run fail with TN_E_DEVICE; the session then does it on the CPU (session.c). */
#ifndef TN_ENGINE_OFFLOAD_H
#define TN_ENGINE_OFFLOAD_H

#include "engine/device.h"
#include <stdatomic.h>

/** A session's dealings with its device. */
typedef struct tn_device_use {
    tn_device *device;
    bool require;
    atomic_bool warned; /* the first fault was told */
    atomic_bool off;    /* too much failed: the CPU does everything from now on */
    atomic_int in_row;  /* runs that failed one after the other */
    atomic_ullong faults, runs, uploads, up_bytes, downloads, down_bytes;
} tn_device_use;

typedef struct {
    int slot; /* of the plan */
    size_t bytes, offset;
    int first, last; /* steps between which it lies on the device */
    int up;          /* uploaded before this step; -1: a segment makes it */
    int held;        /* uploaded: its host memory stays until this step */
    bool down;
} tn_remote;

typedef struct {
    void *program;
    const tn_node **nodes;
    int n_nodes;
    int step;
    int *in, *out, n_in, n_out; /* remotes */
    size_t work, work_offset;
} tn_offload_segment;

typedef struct tn_offload {
    tn_device *device;
    tn_device_use *use;
    tn_offload_segment *segments;
    tn_remote *remotes;
    int n_segments, n_remotes, n_programs; /* a segment that could not be compiled has no nodes */
    int *up, *up_at;                       /* remotes to upload before step i: up[up_at[i] .. up_at[i + 1]) */
    int *waits;                            /* by step: 1 + the segment whose results the host must have then; 0: none */
    size_t bytes;                          /* of the block */
    int most_places;                       /* that a segment takes and gives */
} tn_offload;

struct tn_planner;
struct tn_frame;
struct tn_session;

/* --------------------------------------------------------------------------------------------------------- planning */

/** Chooses segments among the live nodes and compiles them. Where there are any, b->order and b->segment say in which
 *  order nodes run then, and where. What cannot be compiled stays on the CPU, with a warning.
 *  errors   TN_E_NOMEM; where the device is required TN_E_DEVICE: a segment cannot be compiled, or no node runs there
 */
tn_status tn_offload_cut(struct tn_planner *b);

/** The values that segment k takes and gives, and whether the host needs what it gives. */
typedef struct {
    const tn_value **in, **out;
    const bool *host; /* by output */
    int n_in, n_out;
    tn_cost cost;
} tn_offload_border;
const tn_offload_border *tn_offload_border_of(const struct tn_planner *b, int k);

/** The step of a segment, which stands for all its nodes; what crosses its border alone has slots. errors TN_E_NOMEM */
tn_status tn_offload_add_step(struct tn_planner *b, int segment);

/** Once the steps are there: remotes, uploads, waits. errors TN_E_NOMEM */
tn_status tn_offload_schedule(struct tn_planner *b, int (*joined)[2], int n_joined);
/** Offsets in the device's block. errors TN_E_NOMEM, TN_E_LIMIT; TN_E_DEVICE: it is larger than the device has */
tn_status tn_offload_lay_out(struct tn_planner *b);

void tn_offload_free(tn_offload *o); /* NULL is fine; what lies in the plan's arena goes with that */

/* ---------------------------------------------------------------------------------------------------------- running */

/** A stream and a block of device memory, lent to a running frame. */
typedef struct tn_lane {
    struct tn_lane *next;
    tn_device *device;
    void *stream, *memory;
    size_t bytes;
} tn_lane;

/** An idle lane of the session, or a new one, with at least that much memory. errors TN_E_DEVICE, TN_E_NOMEM */
tn_status tn_lane_take(struct tn_session *s, const tn_offload *o, tn_lane **out);
size_t tn_lanes_free(tn_lane *list); /* how many bytes of device memory */

/** Before step i: uploads begin, and the host waits for what the step reads. i == n_steps: for everything.
 *  errors   TN_E_DEVICE; TN_E_CANCELLED: the budget was stopped */
tn_status tn_offload_before(struct tn_frame *f, int i);
/** A step that is a segment: it and the downloads of its results begin. With `wait` they are also waited for. */
tn_status tn_offload_step(struct tn_frame *f, int i, bool wait);
/** After a failure: nothing of the run goes on on the device. */
void tn_offload_abandon(struct tn_frame *f);

/* --------------------------------------------------------------------------------------------------------- sessions */

/** u, unless it is off or NULL. */
tn_device_use *tn_device_use_now(tn_device_use *u);
/** A run ended with st. true: it failed on the device, and is to be done on the CPU; why[n] then has the reason. */
bool tn_device_use_falls_back(tn_device_use *u, tn_status st, char *why, size_t n);
/** Counts a fault of the device, warns of the first, and gives the device up when it is lost or run after run fails.
 *  ran  a run failed; else what it needs could not be had, which other shapes may be luckier with
 *  what  what is done instead: "the run is done on the CPU" */
void tn_device_use_fault(tn_device_use *u, bool ran, const char *why, const char *what);

struct tn_range;
/** What a session with a device makes ready where the user gave ranges: a plan for the usual sizes, since segments are
 *  compiled for exact ones. What fails on the device then is the first run's business, unless the device is required.
 *  errors   of planning */
tn_status tn_offload_plan_usual(struct tn_session *s, const struct tn_range *r);

#endif
