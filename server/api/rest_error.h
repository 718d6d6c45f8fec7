// Errors as the REST door tells them: {"error": {"code": 400, "status": "INVALID_ARGUMENT",
// "message": "..."}}.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/api/rest_message.h"

namespace loadtest {

// The HTTP code of a canonical code: INVALID_ARGUMENT 400, NOT_FOUND 404, UNAVAILABLE 503 ...; 500
// for what has none.
int HttpCodeOf(absl::StatusCode code);

// The error object on one line.
std::string ErrorJson(int http_code, const absl::Status& status);

// With HttpCodeOf its status.
RestResponse ErrorResponse(const absl::Status& status);

// For refusals that HTTP has a code of its own for (403, 405, 413 ...). `status` is the canonical
// code beside it.
RestResponse ErrorResponse(int http_code, absl::StatusCode status, std::string_view message);

}  // namespace loadtest
