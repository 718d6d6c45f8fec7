#include "server/api/rest_event_stream.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>  // boost/asio.hpp of 1.74 forgets it
#include <variant>

#include "absl/strings/str_format.h"
#include "common/json/proto_json.h"
#include "server/api/rest_error.h"
#include "server/api/rest_plain_response.h"
#include "server/api/rest_stream.h"
#include "server/api/watch_subscription.h"

namespace loadtest {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr char kHead[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/event-stream\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n\r\n";
constexpr auto kGoodbyeTimeout = std::chrono::seconds(1);
constexpr char kKeepAlive[] = ": keep-alive\n\n";

std::string FormatEvent(std::string_view type, std::string_view data) {
  return absl::StrFormat("event: %s\ndata: %s\n\n", type, data);
}

std::string FormatEnd(const absl::Status& status) {
  return FormatEvent("end", status.ok() ? "{}" : ErrorJson(HttpCodeOf(status.code()), status));
}

// All methods run on the REST thread. At most one write is under way; what comes meanwhile waits in
// the mailbox.
template <typename Stream>
class RestEventStream final : public RestConnection,
                              public std::enable_shared_from_this<RestEventStream<Stream>> {
 public:
  RestEventStream(Stream stream, const RestContext& context)
      : RestConnection(context.connections),
        context_(context),
        stream_(std::move(stream)),
        write_timer_(stream_.get_executor()),
        keep_alive_timer_(stream_.get_executor()) {}

  void Start(const v1::WatchLoadTestRequest& request) {
    WaitForClose();
    WaitForSilence();
    subscription_ = std::make_unique<WatchSubscription>(
        context_.control_plane, request, [io = context_.io, weak = this->weak_from_this()] {
          const auto alive = io.lock();
          if (alive == nullptr) return;
          asio::post(*alive, [weak] {
            if (const auto stream = weak.lock()) stream->WriteNext();
          });
        });
    WriteNext();
  }

  void Stop() override {
    if (subscription_) subscription_->End(absl::UnavailableError(kStopping));
  }

  void Abort() override {
    TcpOf(stream_).close();
    write_timer_.cancel();
    keep_alive_timer_.cancel();
    subscription_.reset();
  }

 private:
  // A watcher sends nothing more, so whatever the read tells but data is its end.
  void WaitForClose() {
    stream_.async_read_some(asio::buffer(unexpected_),
                            [self = this->shared_from_this()](error_code error, size_t) {
                              if (error) return self->Abort();
                              self->WaitForClose();
                            });
  }

  void WaitForSilence() {
    keep_alive_timer_.expires_after(context_.options.stream_keep_alive);
    keep_alive_timer_.async_wait([weak = this->weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (error || self == nullptr || self->writing_) return;
      self->Write(kKeepAlive);
    });
  }

  void WriteNext() {
    if (writing_ || closing_ || subscription_ == nullptr) return;
    std::optional<UpdateMailbox::Item> item = subscription_->Take();
    if (!item) return;
    if (const auto* ended = std::get_if<UpdateMailbox::Ended>(&*item)) {
      closing_ = true;
      if (head_sent_ || ended->status.ok()) return Write(FormatEnd(ended->status));
      head_sent_ = true;
      return Write(PlainResponse(ErrorResponse(ended->status)));
    }
    Write(FormatEvent("update", ProtoToJson(*std::get<UpdateMailbox::Update>(*item), 0,
                                            /*defaults=*/true)));
  }

  void Write(std::string text) {
    out_ = head_sent_ ? std::move(text) : kHead + text;
    head_sent_ = true;
    writing_ = true;
    AbortAfter(context_.options.io_timeout);
    asio::async_write(
        stream_, asio::buffer(out_),
        [self = this->shared_from_this()](error_code error, size_t) { self->OnWritten(error); });
  }

  void OnWritten(error_code error) {
    writing_ = false;
    write_timer_.cancel();
    // What was written is on its way: closing does not take it back, since nothing is left unread.
    if (error) return Abort();
    if (closing_) return SayGoodbye();
    WaitForSilence();
    WriteNext();
  }

  void SayGoodbye() {
    AbortAfter(kGoodbyeTimeout);
    AsyncGoodbye(stream_, [self = this->shared_from_this()](error_code) { self->Abort(); });
  }

  void AbortAfter(std::chrono::milliseconds delay) {
    write_timer_.expires_after(delay);
    write_timer_.async_wait([weak = this->weak_from_this()](error_code error) {
      const auto self = weak.lock();
      // The timer may have been set anew after this call was already on its way.
      if (error || self == nullptr) return;
      if (self->write_timer_.expiry() <= std::chrono::steady_clock::now()) self->Abort();
    });
  }

  const RestContext& context_;
  Stream stream_;
  asio::steady_timer write_timer_;
  asio::steady_timer keep_alive_timer_;
  std::unique_ptr<WatchSubscription> subscription_;
  std::array<char, 256> unexpected_;
  std::string out_;
  bool head_sent_ = false;
  bool writing_ = false;
  bool closing_ = false;
};

}  // namespace

template <typename Stream>
void StartRestEventStream(Stream stream, const RestContext& context,
                          const v1::WatchLoadTestRequest& request) {
  std::make_shared<RestEventStream<Stream>>(std::move(stream), context)->Start(request);
}

template void StartRestEventStream(PlainStream, const RestContext&,
                                   const v1::WatchLoadTestRequest&);
template void StartRestEventStream(TlsStream, const RestContext&, const v1::WatchLoadTestRequest&);

}  // namespace loadtest
