/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* segment.h - cutting nodes into segments for a device: a pure function over numbers, which knows neither operators nor
 * devices.
 *
 * A segment is a connected set of nodes that the device computes in one go. Replacing every segment by one node must
 * leave a graph without cycles; then there is an order in which each runs once, with all it reads. Regions are found in
 * two steps:
 *
 *   phases   a node's phase is how often a path to it changes between what fits the device and what does not, at most.
 *            Connected nodes that fit, of one phase, are a region: whatever lies between two regions has a phase
 * between theirs, so there can be no cycle. joining  two regions with an edge between them become one when no other
 * path leads from the first to the second. In the end no two can be joined.
 *
 * What a region is worth: the time that its nodes save on the device, less one launch, less the copies of what crosses
 * its border from and to the host. A value that several segments take from the host is copied once, and each pays its
 * part. Regions that are worth nothing stay on the CPU; since that gives their neighbours copies to pay, it is asked
 * again until nothing changes. */
#ifndef TN_ENGINE_SEGMENT_H
#define TN_ENGINE_SEGMENT_H

#include "base/arena.h"
#include "base/status.h"

/** A value of the graph that is cut. */
typedef struct {
    int maker; /* the node that makes it; -1: it comes from outside */
    const int *readers;
    int n_readers;
    bool wanted;    /* the host needs it whoever reads it: an output */
    double copy_ns; /* of one copy between host and device */
} tn_cut_value;

/** A node of it. */
typedef struct {
    bool fits; /* the device can compute it */
    bool free; /* it takes no time anywhere (another shape of the same memory): it fits, and does not end a region */
    double gain_ns; /* what running it on the device saves; below 0: the CPU is faster */
} tn_cut_node;

typedef struct {
    const tn_cut_node *nodes; /* in a topological order */
    int n_nodes;
    const tn_cut_value *values;
    int n_values;
    double launch_ns; /* of one segment */
    bool all;         /* what fits goes to the device, whatever it is worth */
} tn_cut;

/** Segments are numbered in the order they run in. */
typedef struct {
    int *segment; /* by node: its segment; -1: the CPU's */
    int *order;   /* [n_nodes] a topological order in which the nodes of a segment follow each other; segments come as
                     early as they can, and nodes of the CPU that wait for less of them before those that wait for more */
    int n_segments;
    int fitting; /* nodes that fit, free ones not counted */
} tn_segments;

/** Cuts. *out lies in arena a.
 *  errors TN_E_NOMEM */
tn_status tn_segments_find(const tn_cut *c, tn_arena *a, tn_segments *out);

#endif
