// HTTP requests and responses as the REST door's rules see them, without sockets.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace loadtest {

// A request before its body: enough to refuse it.
struct RestHead {
  std::string method = {};  // as it came: "GET"
  std::string target = {};  // "/v1/loadTests?page_size=5"
  // Header values; empty when the header was not there.
  std::string host = {};
  std::string origin = {};
  std::string content_type = {};
  std::string authorization = {};
  bool has_body = false;
};

struct RestResponse {
  int code = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers =
      {};  // besides content type, length and connection
};

}  // namespace loadtest
