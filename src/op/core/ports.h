/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ports.h - input and output lists that many operator rows share. */
#ifndef TN_OP_CORE_PORTS_H
#define TN_OP_CORE_PORTS_H

#include "op/core/op.h"

extern const tn_port tn_ports_any_t[];    /* one tensor of any type T */
extern const tn_port tn_ports_any_x2[];   /* two of one type T */
extern const tn_port tn_ports_any_many[]; /* one or more of one type T */
extern const tn_port tn_ports_float_t[];  /* float types T */
extern const tn_port tn_ports_real_t[];   /* float and integer types T */
extern const tn_port tn_ports_real_x2[];
extern const tn_port tn_ports_real_many[];
extern const tn_port tn_ports_bool[];     /* bool, not bound to T */
extern const tn_port tn_ports_i64[];      /* int64, not bound to T */
extern const tn_port tn_ports_any_free[]; /* any type, not bound to T */

#endif
