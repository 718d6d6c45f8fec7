// The two macros of this code base: leave a function early with the error of a call.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define LOADTEST_CONCAT_INNER(a, b) a##b
#define LOADTEST_CONCAT(a, b) LOADTEST_CONCAT_INNER(a, b)

// RETURN_IF_ERROR(expression of type absl::Status)
#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

// ASSIGN_OR_RETURN(declaration or variable, expression of type absl::StatusOr<T>)
#define ASSIGN_OR_RETURN(lhs, expression) \
  ASSIGN_OR_RETURN_INNER(LOADTEST_CONCAT(status_or_, __LINE__), lhs, expression)
#define ASSIGN_OR_RETURN_INNER(name, lhs, expression) \
  auto name = (expression);                           \
  if (!name.ok()) return std::move(name).status();    \
  lhs = *std::move(name)
