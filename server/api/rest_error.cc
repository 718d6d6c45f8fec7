#include "server/api/rest_error.h"

#include "nlohmann/json.hpp"

namespace loadtest {

int HttpCodeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

std::string ErrorJson(int http_code, const absl::Status& status) {
  nlohmann::ordered_json error;
  error["error"]["code"] = http_code;
  error["error"]["status"] = absl::StatusCodeToString(status.code());
  error["error"]["message"] = std::string(status.message());
  // Messages quote what a client sent, which need not be UTF-8.
  return error.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

RestResponse ErrorResponse(const absl::Status& status) {
  RestResponse response;
  response.code = HttpCodeOf(status.code());
  response.body = ErrorJson(response.code, status) + "\n";
  return response;
}

RestResponse ErrorResponse(int http_code, absl::StatusCode status, std::string_view message) {
  RestResponse response;
  response.code = http_code;
  response.body =
      ErrorJson(http_code, absl::Status(status, {message.data(), message.size()})) + "\n";
  return response;
}

}  // namespace loadtest
