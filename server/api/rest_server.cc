#include "server/api/rest_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>
#include <utility>  // boost/asio.hpp of 1.74 forgets it

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "server/api/listen_address.h"
#include "server/api/rest_connection.h"
#include "server/api/rest_error.h"
#include "server/api/rest_plain_response.h"
#include "server/api/rest_routes.h"
#include "server/api/rest_session.h"

namespace loadtest {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr char kSetting[] = "orchestrator.http_address";

// Pause after a failed accept (descriptors are used up), instead of a busy loop.
constexpr auto kAcceptRetry = std::chrono::milliseconds(100);

using TlsContext = std::unique_ptr<asio::ssl::context>;

// Null for plain text.
absl::StatusOr<TlsContext> MakeTlsContext(const DoorSecurity& security) {
  if (!security.tls()) return nullptr;
  ASSIGN_OR_RETURN(const TlsServerContext context, MakeTlsServerContext(security));
  SSL_CTX_up_ref(context.get());  // asio frees its own
  return std::make_unique<asio::ssl::context>(context.get());
}

}  // namespace

// The thread, its io_context and the listening socket. All but Create, Run and Stop happens on the
// thread.
class RestServer::Listener {
 public:
  Listener(ControlPlane& control_plane, const RestOptions& options, const DoorSecurity& security,
           const OriginRules& rules, TlsContext tls)
      : routes_(control_plane, security, rules),
        options_(options),
        tls_(std::move(tls)),
        context_{io_, control_plane, routes_, options_, connections_, tls_.get()} {}
  ~Listener() { Stop(std::chrono::milliseconds(0)); }

  absl::Status Listen(const ListenAddress& address) {
    const tcp::endpoint endpoint(asio::ip::make_address(address.host),
                                 static_cast<uint16_t>(address.port));
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return absl::UnavailableError(absl::StrFormat("%s: cannot listen on %s: %s", kSetting,
                                                    address.ToString(), error.message()));
    }
    port_ = acceptor_.local_endpoint().port();
    return absl::OkStatus();
  }

  void Run() {
    Accept();
    thread_ = std::thread([io = io_] { io->run(); });
  }

  void Stop(std::chrono::milliseconds drain) {
    if (!thread_.joinable()) return;
    asio::post(*io_, [this, drain] { BeginStop(drain); });
    // Returns when nothing is pending any more: no acceptor, no connection, no timer.
    thread_.join();
    connections_.OnEmpty(nullptr);
  }

  int port() const { return port_; }

 private:
  void Accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (error) {
        connections_.AbortAnIdleOne();  // descriptors are used up: it gives one back
        return AcceptLater();
      }
      Serve(std::move(socket));
      Accept();
    });
  }

  void AcceptLater() {
    timer_.expires_after(kAcceptRetry);
    timer_.async_wait([this](error_code error) {
      if (!error && acceptor_.is_open()) Accept();
    });
  }

  void Serve(tcp::socket socket) {
    error_code ignored;
    // Without it a response of two writes waits for the client's delayed acknowledgement, 40 ms.
    socket.set_option(tcp::no_delay(true), ignored);
    if (connections_.size() < options_.max_connections || connections_.AbortAnIdleOne()) {
      return StartRestSession(std::move(socket), context_);
    }
    if (tls_ != nullptr) return;  // a refusal would need a handshake first
    const std::string refusal = PlainResponse(ErrorResponse(absl::UnavailableError(
        absl::StrFormat("connections: got one more than %d, want at most %d at once",
                        options_.max_connections, options_.max_connections))));
    // Fits into the empty send buffer of a new connection; if not, the client sees a close.
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(refusal), ignored);
  }

  void BeginStop(std::chrono::milliseconds drain) {
    error_code ignored;
    acceptor_.close(ignored);
    timer_.expires_after(drain);
    timer_.async_wait([this](error_code error) {
      if (!error) connections_.AbortAll();
    });
    connections_.OnEmpty([this] { timer_.cancel(); });
    connections_.StopAll();
    if (connections_.size() == 0) timer_.cancel();
  }

  // Connections leave connections_ when io_ destroys the last of their operations, so it is
  // declared first.
  RestConnections connections_;
  const std::shared_ptr<asio::io_context> io_ = std::make_shared<asio::io_context>(1);
  const RestRoutes routes_;
  const RestOptions options_;
  const TlsContext tls_;
  const RestContext context_;
  tcp::acceptor acceptor_{*io_};
  asio::steady_timer timer_{*io_};
  std::thread thread_;
  int port_ = 0;
};

absl::StatusOr<std::unique_ptr<RestServer>> RestServer::Start(std::string_view address,
                                                              ControlPlane& control_plane,
                                                              const RestOptions& options,
                                                              const DoorSecurity& security) {
  ASSIGN_OR_RETURN(const ListenAddress listen, ParseListenAddress(address, kSetting));
  RETURN_IF_ERROR(CheckExposure(security, listen, kSetting));
  ASSIGN_OR_RETURN(TlsContext tls, MakeTlsContext(security));
  const OriginRules rules = {.tls = security.tls(),
                             .any_host = security.tls() || !security.token.empty(),
                             .beyond_loopback = !IsLoopbackHost(listen.host)};
  auto listener =
      std::make_unique<Listener>(control_plane, options, security, rules, std::move(tls));
  RETURN_IF_ERROR(listener->Listen(listen));
  listener->Run();
  return std::unique_ptr<RestServer>(new RestServer(std::move(listener)));
}

RestServer::RestServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}

RestServer::~RestServer() = default;

int RestServer::port() const { return listener_->port(); }

void RestServer::Stop(std::chrono::milliseconds drain) { listener_->Stop(drain); }

}  // namespace loadtest
