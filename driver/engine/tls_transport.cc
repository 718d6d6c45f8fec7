#include "driver/engine/tls_transport.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "driver/engine/error_kinds.h"

namespace loadtest {
namespace {

// What one read of the transport below (64 KiB) and the part of a record before it (16 KiB) can
// hold.
constexpr size_t kPlainBytes = 96 * 1024;
// Encrypted at once; a large request goes on when the transport below has taken that.
constexpr size_t kPieceBytes = 64 * 1024;
constexpr size_t kOutgoingBytes = kPieceBytes + 4 * 1024;

}  // namespace

TlsTransport::TlsTransport(std::unique_ptr<Transport> below, std::unique_ptr<TlsContext> context,
                           int max_connections)
    : below_(std::move(below)),
      context_(std::move(context)),
      bio_method_(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport")),
      connections_(max_connections),
      plain_(new char[kPlainBytes]) {
  BIO_meth_set_read(bio_method_, &TlsTransport::ReadBio);
  BIO_meth_set_write(bio_method_, &TlsTransport::WriteBio);
  BIO_meth_set_ctrl(bio_method_, &TlsTransport::ControlBio);
  outgoing_.reserve(kOutgoingBytes);
}

TlsTransport::~TlsTransport() {
  connections_.clear();
  BIO_meth_free(bio_method_);
}

int TlsTransport::ReadBio(bio_st* bio, char* to, int size) {
  auto* const self = static_cast<TlsTransport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self->incoming_.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t taken = std::min(self->incoming_.size(), static_cast<size_t>(size));
  std::memcpy(to, self->incoming_.data(), taken);
  self->incoming_.remove_prefix(taken);
  return static_cast<int>(taken);
}

int TlsTransport::WriteBio(bio_st* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  static_cast<TlsTransport*>(BIO_get_data(bio))->outgoing_.append(from, static_cast<size_t>(size));
  return size;
}

long TlsTransport::ControlBio(bio_st*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int TlsTransport::Connect(int connection, int address) {
  const int error = below_->Connect(connection, address);
  if (error == 0) connections_[connection].state = State::kConnecting;
  return error;
}

SendState TlsTransport::Send(int connection, std::string_view bytes) {
  Connection& c = connections_[connection];
  if (c.state != State::kOpen) {
    // It broke while a callback was told of what it had brought before.
    Reset(c);
    return SendState::kFailed;
  }
  c.unsent = bytes;
  switch (Pump(connection)) {
    case Flushed::kSent:
      return SendState::kSent;
    case Flushed::kPending:
      c.is_sending = true;
      return SendState::kPending;
    case Flushed::kFailed:
      break;
  }
  // A part of a request in several pieces may be with the kernel; then this is not the place to say
  // that it failed.
  if (c.unsent.data() == bytes.data()) {
    Reset(c);
    return SendState::kFailed;
  }
  broken_.push_back(connection);
  return SendState::kPending;
}

TlsTransport::Flushed TlsTransport::Pump(int connection) {
  Connection& c = connections_[connection];
  while (!c.unsent.empty() && !c.is_busy) {
    std::string_view rest = c.unsent;
    ERR_clear_error();
    while (!rest.empty() && outgoing_.size() < kPieceBytes) {
      size_t written = 0;
      if (SSL_write_ex(c.ssl.get(), rest.data(), rest.size(), &written) != 1) {
        outgoing_.clear();
        CloseBelow(connection);
        return Flushed::kFailed;
      }
      rest.remove_prefix(written);
    }
    if (Flush(connection) == Flushed::kFailed) return Flushed::kFailed;
    c.unsent = rest;
  }
  return c.unsent.empty() && !c.is_busy ? Flushed::kSent : Flushed::kPending;
}

TlsTransport::Flushed TlsTransport::Flush(int connection) {
  Connection& c = connections_[connection];
  if (outgoing_.empty()) return Flushed::kSent;
  if (c.is_busy) {
    c.queued += outgoing_;
    outgoing_.clear();
    return Flushed::kPending;
  }
  switch (below_->Send(connection, outgoing_)) {
    case SendState::kSent:
      outgoing_.clear();
      return Flushed::kSent;
    case SendState::kPending:
      // The transport below looks at these bytes until it has sent them. A moved string keeps its
      // place in memory, being longer than what fits into the object itself.
      c.in_kernel = std::move(outgoing_);
      outgoing_ = std::string();
      outgoing_.reserve(kOutgoingBytes);
      c.is_busy = true;
      return Flushed::kPending;
    case SendState::kFailed:
      break;
  }
  outgoing_.clear();
  c.state = State::kBroken;
  return Flushed::kFailed;
}

void TlsTransport::CloseBelow(int connection) {
  Connection& c = connections_[connection];
  if (c.state != State::kBroken) below_->Close(connection);
  c.state = State::kBroken;
}

void TlsTransport::Close(int connection) {
  Connection& c = connections_[connection];
  if (c.state == State::kClosed) return;
  if (c.state == State::kOpen && !c.is_busy) {
    // Tells the server that nothing is missing; what happens to it is of no interest.
    SSL_shutdown(c.ssl.get());
    Flush(connection);
  }
  CloseBelow(connection);
  Reset(c);
}

void TlsTransport::Reset(Connection& c) {
  // Without this a session would be thrown away with its connection.
  if (c.ssl != nullptr) {
    SSL_set_shutdown(c.ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ERR_clear_error();
  }
  c.ssl.reset();
  c.state = State::kClosed;
  c.is_busy = false;
  c.is_sending = false;
  ++c.life;
  c.unsent = {};
  c.in_kernel = std::string();
  c.queued = std::string();
}

MonotonicTime TlsTransport::Poll(MonotonicTime until, TransportEvents& events) {
  events_ = &events;
  const std::vector<int> broken = std::exchange(broken_, {});
  for (const int connection : broken) {
    if (connections_[connection].state != State::kBroken) continue;
    Break(connection, {.error = ECONNRESET});
  }
  return below_->Poll(broken.empty() ? until : MonotonicTime(), *this);
}

void TlsTransport::OnConnected(int connection, const ConnectedEvent& event) {
  Connection& c = connections_[connection];
  c.connected_at = event.connected_at;
  c.ssl = context_->NewConnection();
  BIO* const bio = c.ssl == nullptr ? nullptr : BIO_new(bio_method_);
  if (bio == nullptr) {
    FailHandshake(connection, {.kind = v1::TLS_FAILED, .text = "out of memory"});
    return;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(c.ssl.get(), bio, bio);
  c.state = State::kHandshaking;
  incoming_ = {};
  Handshake(connection, event.connected_at);
}

void TlsTransport::OnConnectFailed(int connection, const ConnectFailure& failure) {
  connections_[connection].state = State::kBroken;
  FailHandshake(connection, failure);
}

void TlsTransport::Handshake(int connection, MonotonicTime now) {
  Connection& c = connections_[connection];
  ERR_clear_error();
  const int result = SSL_do_handshake(c.ssl.get());
  if (result != 1 && SSL_get_error(c.ssl.get(), result) != SSL_ERROR_WANT_READ) {
    const ConnectFailure failure = context_->Explain(c.ssl.get());
    Flush(connection);  // the alert
    FailHandshake(connection, failure);
    return;
  }
  if (Flush(connection) == Flushed::kFailed) {
    FailHandshake(connection, {.kind = v1::TLS_FAILED, .text = "reset by the server"});
    return;
  }
  if (result != 1) return;
  if (!context_->AgreedOnProtocol(c.ssl.get())) {
    FailHandshake(connection,
                  {.kind = v1::HTTP2_NOT_OFFERED, .text = "the server does not offer HTTP/2"});
    return;
  }
  context_->Describe(c.ssl.get());
  c.state = State::kOpen;
  events_->OnConnected(connection, {.connected_at = c.connected_at,
                                    .secured_at = {std::max(now.ns, c.connected_at.ns + 1)},
                                    .tls_resumed = SSL_session_reused(c.ssl.get()) == 1});
}

void TlsTransport::FailHandshake(int connection, const ConnectFailure& failure) {
  CloseBelow(connection);
  Reset(connections_[connection]);
  events_->OnConnectFailed(connection, failure);
}

void TlsTransport::OnSent(int connection) {
  Connection& c = connections_[connection];
  c.is_busy = false;
  c.in_kernel = std::string();
  if (!c.queued.empty()) {
    outgoing_ += c.queued;
    c.queued = std::string();
    if (Flush(connection) == Flushed::kFailed) return Break(connection, {.error = ECONNRESET});
  }
  // What was sent may have been of TLS itself: the end of a handshake, an answer to new keys.
  if (!c.is_sending) return;
  switch (Pump(connection)) {
    case Flushed::kSent:
      c.is_sending = false;
      events_->OnSent(connection);
      return;
    case Flushed::kPending:
      return;
    case Flushed::kFailed:
      Break(connection, {.error = ECONNRESET});
      return;
  }
}

void TlsTransport::OnRead(int connection, const ReadEvent& event) {
  Connection& c = connections_[connection];
  incoming_ = event.bytes;
  if (c.state == State::kHandshaking) {
    const uint32_t life = c.life;
    Handshake(connection, event.received_at);
    if (c.life != life || c.state == State::kHandshaking) return;
    // What the server sent after its handshake is still here.
  }
  Read(connection, event);
}

int TlsTransport::Decrypt(Connection& c, size_t& size) {
  ERR_clear_error();
  while (size < kPlainBytes) {
    size_t read = 0;
    const int result = SSL_read_ex(c.ssl.get(), plain_.get() + size, kPlainBytes - size, &read);
    if (result != 1) return SSL_get_error(c.ssl.get(), result);
    size += read;
  }
  return SSL_ERROR_NONE;
}

void TlsTransport::Read(int connection, const ReadEvent& event) {
  Connection& c = connections_[connection];
  const uint32_t life = c.life;
  int result = SSL_ERROR_NONE;
  // Until OpenSSL has taken all of it and has nothing left to give: nobody would come back for
  // that.
  while (result == SSL_ERROR_NONE && c.state == State::kOpen) {
    size_t size = 0;
    result = Decrypt(c, size);
    const bool goes_on = result == SSL_ERROR_NONE || result == SSL_ERROR_WANT_READ;
    ConnectFailure failure;
    std::string why;
    if (!goes_on && result != SSL_ERROR_ZERO_RETURN) {
      failure = context_->Explain(c.ssl.get());
      why = std::string(failure.text);
    }
    Flush(connection);
    if (size > 0) {
      // Callbacks send on any connection, and OpenSSL must not find these bytes there.
      const std::string_view rest = std::exchange(incoming_, {});
      events_->OnRead(connection,
                      {.bytes = {plain_.get(), size},
                       .received_at = event.received_at,
                       .peer_closed = event.peer_closed || !goes_on || c.state == State::kBroken});
      if (c.life != life) return;
      incoming_ = rest;
    }
    if (result == SSL_ERROR_ZERO_RETURN) return Break(connection, {.error = 0});
    if (!goes_on) {
      return Break(connection, {.error = EPROTO, .kind = failure.kind, .text = why});
    }
  }
  if (c.state == State::kBroken) Break(connection, {.error = ECONNRESET});
}

void TlsTransport::Break(int connection, const ClosedEvent& event) {
  CloseBelow(connection);
  Reset(connections_[connection]);
  events_->OnClosed(connection, event);
}

void TlsTransport::OnClosed(int connection, const ClosedEvent& event) {
  Connection& c = connections_[connection];
  const bool was_open = c.state == State::kOpen;
  c.state = State::kBroken;
  if (was_open) return Break(connection, event);
  const std::string text = event.error == 0 ? "closed by the server in the TLS handshake"
                                            : "TLS handshake: " + ErrnoText(event.error);
  FailHandshake(connection, {.kind = v1::TLS_FAILED, .text = text});
}

}  // namespace loadtest
