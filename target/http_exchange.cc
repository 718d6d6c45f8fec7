#include "target/http_exchange.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

constexpr int kMaxStallMs = 3'600'000;

bool ReadsBodyItself(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

// Adapts what httplib would do with a request to what a target should do: take any body of any type
// and size as plain bytes, and answer the whole of what the path asks for, uncompressed.
void Plain(httplib::Request& request) {
  request.headers.erase("Accept-Encoding");
  request.headers.erase("Content-Encoding");
  request.headers.erase("Content-Type");
  request.ranges.clear();
  // Without a length httplib would read to the end of the connection.
  if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) {
    request.set_header("Content-Length", "0");
  }
  // httplib matches paths by std::regex, which recurses once a character: a long path would
  // overflow the stack. So every request has the same short path here, and the endpoints look at
  // `target`.
  request.path = "/";
}

std::optional<uint64_t> ContentLength(const httplib::Request& request) {
  const std::string text = request.get_header_value("Content-Length");
  uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return length;
}

}  // namespace

HttpExchange::HttpExchange(Endpoints& endpoints, Counters& counters)
    : endpoints_(endpoints), counters_(counters) {
  // httplib gives a chunked response up as soon as its listening socket is gone; there never is
  // one.
  svr_sock_ = 0;
  set_keep_alive_max_count(1'000'000'000);
  set_keep_alive_timeout(3'600);

  const Handler answer = [this](const httplib::Request& request, httplib::Response& response) {
    if (EndpointOf(request.target) == Endpoint::kMetrics) return AnswerMetrics(request, response);
    endpoints_.Answer(request, response);
  };
  const HandlerWithContentReader read_and_answer = [answer](const httplib::Request& request,
                                                            httplib::Response& response,
                                                            const httplib::ContentReader& reader) {
    if (!reader([](const char*, size_t) { return true; })) return;
    answer(request, response);
  };
  Get("/", answer);
  Options("/", answer);
  Post("/", read_and_answer);
  Put("/", read_and_answer);
  Patch("/", read_and_answer);
  Delete("/", read_and_answer);
}

bool HttpExchange::ServeOne(SocketStream& stream) {
  if (!stream.WaitReadable()) return false;
  std::optional<Endpoint> endpoint;
  stream.BeginExchange([&] {
    if (endpoint) counters_.ResponseSent(*endpoint);
  });
  bool close_after = false;

  const auto on_headers = [&](httplib::Request& request) {
    endpoint = EndpointOf(request.target);
    counters_.RequestReceived(*endpoint);
    if (*endpoint == Endpoint::kStall) stream.WaitForEnd(kMaxStallMs);
    if (*endpoint == Endpoint::kStall || *endpoint == Endpoint::kClose) stream.Break();

    Plain(request);
    const std::optional<uint64_t> length = ContentLength(request);
    if (!ReadsBodyItself(request.method)) {
      if (length) {
        stream.Discard(*length);
      } else {
        // The end of such a body is not known here.
        close_after = true;
      }
    }
  };

  bool whole = process_request(stream, /*close_connection=*/false, close_after, on_headers);
  whole = stream.Flush() && whole;
  if (!stream.has_written()) return false;
  if (!endpoint) {
    counters_.MalformedRequest();
    return false;
  }
  if (!whole) counters_.ResponseNotSent(*endpoint);
  return whole && !close_after;
}

void HttpExchange::AnswerMetrics(const httplib::Request& request,
                                 httplib::Response& response) const {
  const std::string format = request.get_param_value("format");
  const bool asks_for_json =
      request.get_header_value("Accept").find("application/json") != std::string::npos;
  if (format == "json" || (format.empty() && asks_for_json)) {
    response.set_content(counters_.Json(), "application/json");
  } else if (format.empty() || format == "prometheus") {
    response.set_content(counters_.PrometheusText(), "text/plain; version=0.0.4");
  } else {
    response.status = 400;
    response.set_content(absl::StrFormat("format: got \"%s\", want json or prometheus\n", format),
                         "text/plain");
  }
}

}  // namespace loadtest
