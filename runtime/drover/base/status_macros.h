// Early return on a bad absl::Status, with the semantics of the macros of the same purpose that
// later Abseil-based projects share.
//
//   DROVER_RETURN_IF_ERROR(Send(frame));
//   DROVER_ASSIGN_OR_RETURN(Endpoint endpoint, Endpoint::Parse(text));
#ifndef DROVER_BASE_STATUS_MACROS_H_
#define DROVER_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define DROVER_RETURN_IF_ERROR(expr)                                                       \
  do {                                                                                     \
    if (absl::Status drover_status_ = (expr); !drover_status_.ok()) return drover_status_; \
  } while (false)

#define DROVER_ASSIGN_OR_RETURN(lhs, expr) \
  DROVER_ASSIGN_OR_RETURN_IMPL_(DROVER_MACRO_CAT_(drover_statusor_, __LINE__), lhs, expr)

#define DROVER_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                  \
  if (!tmp.ok()) return std::move(tmp).status();      \
  lhs = *std::move(tmp)

#define DROVER_MACRO_CAT_INNER_(a, b) a##b
#define DROVER_MACRO_CAT_(a, b) DROVER_MACRO_CAT_INNER_(a, b)

#endif  // DROVER_BASE_STATUS_MACROS_H_
