/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* device_sim.h - the device "sim": another memory, a thread per stream, and the CPU's own operators. It is no faster
 * than the CPU; it proves that plans are cut, copied and run rightly, and lets faults and delays be tried where there
 * is no accelerator.
 *
 * Its memory is mapped apart and may be touched while a command runs that names it, and only then: anything else ends
 * the process. Constants are read-only once they are there. Fresh memory holds garbage.
 *
 * Options, with commas between:
 *   ops=Conv|Mat*    computes nodes whose types fit one of these patterns (default: all that have a kernel)
 *   some=SEED        of these, half, chosen by the seed and what the node is called
 *   memory=BYTES     has no more memory than this
 *   copy_us=N        every copy takes so long, at least
 *   run_us=N         every run of a segment takes so long, at least
 *   cheap            copies and launches count nothing when the engine decides what is worth them
 *   plain            asks for a model without forms that suit the CPU alone
 *   fail=WHAT:N      the N-th WHAT fails: one of open, alloc, host, stream, compile, enqueue (a command is refused),
 *                    upload, download, run (a command fails when its turn comes); N+: and all later ones
 *   lost             and the device is lost then */
#ifndef TN_ENGINE_DEVICE_SIM_H
#define TN_ENGINE_DEVICE_SIM_H

#include "engine/device.h"

#define TN_SIM_EVENTS(X)    \
    X(OPEN, "open")         \
    X(ALLOC, "alloc")       \
    X(HOST, "host")         \
    X(STREAM, "stream")     \
    X(COMPILE, "compile")   \
    X(ENQUEUE, "enqueue")   \
    X(UPLOAD, "upload")     \
    X(DOWNLOAD, "download") \
    X(RUN, "run")

typedef enum {
#define X(id, name) TN_SIM_##id,
    TN_SIM_EVENTS(X)
#undef X
        TN_SIM_EVENT_COUNT
} tn_sim_event;

/** What a sim has done since it was opened, and what is not given back. */
typedef struct {
    unsigned long events[TN_SIM_EVENT_COUNT];
    size_t up_bytes, down_bytes;
    unsigned long pinned;                             /* copies from and to memory of its host_alloc */
    unsigned long memories, hosts, streams, programs; /* that are there now */
    size_t bytes;                                     /* of memory, now */
} tn_sim_counts;

extern const tn_device_ops tn_device_sim;

tn_sim_counts tn_sim_counts_of(const tn_device *d);

#endif
