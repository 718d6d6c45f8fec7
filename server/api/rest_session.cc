// The one file with Boost.Beast's HTTP in it, since it takes long to compile.
#include "server/api/rest_session.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>  // boost/asio.hpp of 1.74 forgets it
#include <variant>

#include "absl/strings/str_format.h"
#include "server/api/rest_error.h"
#include "server/api/rest_event_stream.h"
#include "server/api/rest_stream.h"
#include "server/api/watch_subscription.h"

namespace loadtest {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr uint32_t kMaxHeadBytes = 64 << 10;

// The read buffer: a head and what a pipelining client sends behind it.
constexpr size_t kMaxBufferBytes = 2 * kMaxHeadBytes;

// How long a refused client may go on sending, so that it comes to read the refusal.
constexpr auto kLingerTimeout = std::chrono::seconds(1);

std::string ToString(beast::string_view text) { return std::string(text.data(), text.size()); }

// The response to bytes that are no acceptable request; nothing when the connection is just over.
std::optional<RestResponse> RefusalOf(error_code error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return ErrorResponse(431, absl::StatusCode::kInvalidArgument,
                         absl::StrFormat("header: got more than %d bytes, want at most %d",
                                         kMaxHeadBytes, kMaxHeadBytes));
  }
  if (error == http::error::body_limit) {
    return ErrorResponse(413, absl::StatusCode::kInvalidArgument,
                         "body: got more bytes than this request may have");
  }
  const bool is_http = error.category() == http::make_error_code(http::error{}).category();
  const bool closed = error == http::error::end_of_stream || error == http::error::partial_message;
  if (!is_http || closed) return std::nullopt;
  return ErrorResponse(
      absl::InvalidArgumentError(absl::StrFormat("request: not HTTP: %s", error.message())));
}

// All methods run on the REST thread. A request is read, served and answered before the next one is
// read, so a client that pipelines gets its answers in order.
template <typename Stream>
class RestSession final : public RestConnection,
                          public std::enable_shared_from_this<RestSession<Stream>> {
 public:
  RestSession(Stream stream, const RestContext& context)
      : RestConnection(context.connections),
        context_(context),
        stream_(std::move(stream)),
        reply_timer_(stream_.get_executor()),
        buffer_(kMaxBufferBytes) {}

  void Start() {
    this->SetIdle();
    TcpOf(stream_).expires_after(context_.options.io_timeout);
    AsyncHandshake(stream_, [self = this->shared_from_this()](error_code error) {
      error ? self->Abort() : self->ReadHead();
    });
  }

  void ReadHead() {
    this->SetIdle();
    head_only_ = false;
    match_.reset();
    parser_.emplace();
    parser_->header_limit(kMaxHeadBytes);
    // Which route it is, and so the true limit, is known after the head only.
    parser_->body_limit(RestRoutes::kMaxSpecBytes);
    TcpOf(stream_).expires_after(context_.options.io_timeout);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](error_code error, size_t) { self->OnHead(error); });
  }

  void Stop() override {
    keep_alive_ = false;
    stopping_ = true;
    if (this->is_idle()) Abort();
  }

  void Abort() override {
    TcpOf(stream_).close();
    reply_timer_.cancel();
  }

 private:
  void OnHead(error_code error) {
    this->SetBusy();
    if (error) return OnReadError(error);
    keep_alive_ = parser_->keep_alive() && !stopping_;
    head_only_ = parser_->get().method() == http::verb::head;

    const auto& head = parser_->get();
    const uint64_t announced = parser_->content_length().value_or(0);
    const bool has_body = announced > 0 || parser_->chunked();
    auto found = context_.routes.Match({.method = ToString(head.method_string()),
                                        .target = ToString(head.target()),
                                        .host = SingleHost(),
                                        .origin = ToString(head[http::field::origin]),
                                        .content_type = ToString(head[http::field::content_type]),
                                        .authorization =
                                            ToString(head[http::field::authorization]),
                                        .has_body = has_body});
    if (auto* refusal = std::get_if<RestResponse>(&found)) {
      return has_body ? RefuseUnread(*refusal) : Respond(*refusal);
    }
    match_ = std::get<RestMatch>(std::move(found));
    const uint64_t limit = match_->route->max_body_bytes;
    if (announced > limit) {
      return RefuseUnread(
          ErrorResponse(413, absl::StatusCode::kInvalidArgument,
                        absl::StrFormat("body: got %d bytes, want at most %d", announced, limit)));
    }
    parser_->body_limit(limit);
    if (beast::iequals(head[http::field::expect], "100-continue")) return WriteContinue();
    ReadBody();
  }

  // The Host header; empty, and so refused, when there are several.
  std::string SingleHost() const {
    const auto& head = parser_->get();
    return head.count(http::field::host) == 1 ? ToString(head[http::field::host]) : "";
  }

  // For clients such as curl that ask before they send a large body.
  void WriteContinue() {
    static constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
    TcpOf(stream_).expires_after(context_.options.io_timeout);
    asio::async_write(stream_, asio::buffer(kContinue, sizeof(kContinue) - 1),
                      [self = this->shared_from_this()](error_code error, size_t) {
                        if (!error) self->ReadBody();
                      });
  }

  void ReadBody() {
    TcpOf(stream_).expires_after(context_.options.io_timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](error_code error, size_t) {
                       if (error) return self->OnReadError(error);
                       self->Serve();
                     });
  }

  void OnReadError(error_code error) {
    if (const auto refusal = RefusalOf(error)) return RefuseUnread(*refusal);
    Abort();
  }

  void Serve() {
    if (match_->route->action == RestAction::kWatchLoadTest) return ServeWatch();
    WaitForReply();
    context_.routes.Serve(
        *match_, parser_->get().body(),
        [io = context_.io, weak = this->weak_from_this(), request = request_](RestRender render) {
          const auto alive = io.lock();
          if (alive == nullptr) return;
          asio::post(*alive, [weak, request, render = std::move(render)] {
            if (const auto self = weak.lock()) self->OnReply(request, render);
          });
        });
  }

  void ServeWatch() {
    if (head_only_) return Respond({.content_type = "text/event-stream"});
    if (stopping_) return Respond(ErrorResponse(absl::UnavailableError(kStopping)));
    v1::WatchLoadTestRequest request;
    request.set_name(match_->load_test_name);
    TcpOf(stream_).expires_never();
    StartRestEventStream(std::move(stream_), context_, request);
  }

  // Also holds the session while nothing is read or written.
  void WaitForReply() {
    waiting_ = true;
    reply_timer_.expires_after(context_.options.reply_timeout);
    reply_timer_.async_wait([self = this->shared_from_this(), request = request_](error_code error) {
      if (error) return;
      self->OnReply(request, [] {
        return ErrorResponse(absl::DeadlineExceededError("no reply came from the orchestrator"));
      });
    });
  }

  void OnReply(uint64_t request, const RestRender& render) {
    if (!waiting_ || request != request_) return;  // the other one of reply and time-out was first
    waiting_ = false;
    reply_timer_.cancel();
    Respond(render());
  }

  void Respond(const RestResponse& response) {
    auto message = std::make_shared<http::response<http::string_body>>();
    FillHead(response, *message);
    if (!head_only_) {
      message->body() = response.body;
      return Write(message);
    }
    // The head that a GET gets, with the length of the body that is left out.
    auto head = std::make_shared<http::response<http::empty_body>>(std::move(message->base()));
    Write(head);
  }

  // For a request that the client may still be sending: nothing can follow it on this connection.
  void RefuseUnread(const RestResponse& response) {
    keep_alive_ = false;
    unread_ = true;
    Respond(response);
  }

  void FillHead(const RestResponse& response, http::response<http::string_body>& message) {
    message.version(11);
    message.result(static_cast<unsigned>(response.code));
    message.set(http::field::content_type, response.content_type);
    SetSafetyHeaders(message);
    for (const auto& [name, value] : response.headers) message.set(name, value);
    message.content_length(response.body.size());
    message.keep_alive(keep_alive_);
  }

  // For browsers: the type is what it says, nothing of ours is framed, and no address leaks out.
  void SetSafetyHeaders(http::response<http::string_body>& message) {
    message.set("X-Content-Type-Options", "nosniff");
    message.set("X-Frame-Options", "DENY");
    message.set("Referrer-Policy", "no-referrer");
    message.set("Cross-Origin-Resource-Policy", "same-origin");
  }

  template <typename Message>
  void Write(std::shared_ptr<Message> message) {
    TcpOf(stream_).expires_after(context_.options.io_timeout);
    http::async_write(
        stream_, *message,
        [self = this->shared_from_this(), message](error_code error, size_t) { self->OnWritten(error); });
  }

  void OnWritten(error_code error) {
    if (error) return Abort();
    ++request_;
    if (keep_alive_ && !stopping_) return ReadHead();
    TcpOf(stream_).expires_after(kLingerTimeout);
    AsyncGoodbye(stream_, [self = this->shared_from_this()](error_code) {
      if (!self->unread_) return self->Abort();
      error_code ignored;
      TcpOf(self->stream_).socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
      self->Linger();
    });
  }

  // Reads on until the client closes: closing with its bytes unread would reset the connection, and
  // the response with it.
  void Linger() {
    buffer_.clear();
    TcpOf(stream_).async_read_some(buffer_.prepare(kMaxHeadBytes),
                            [self = this->shared_from_this()](error_code error, size_t) {
                              if (error) return self->Abort();
                              self->Linger();
                            });
  }

  const RestContext& context_;
  Stream stream_;
  asio::steady_timer reply_timer_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<RestMatch> match_;
  uint64_t request_ = 0;  // of this connection
  bool waiting_ = false;
  bool head_only_ = false;
  bool keep_alive_ = true;
  bool unread_ = false;
  bool stopping_ = false;
};

}  // namespace

void StartRestSession(asio::ip::tcp::socket socket, const RestContext& context) {
  if (context.tls == nullptr) {
    return std::make_shared<RestSession<PlainStream>>(PlainStream(std::move(socket)), context)
        ->Start();
  }
  std::make_shared<RestSession<TlsStream>>(TlsStream(std::move(socket), *context.tls), context)
      ->Start();
}

}  // namespace loadtest
