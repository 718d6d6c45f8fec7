// What the bytes of a REST connection go through: TCP, or TLS over it.
#pragma once

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <utility>

namespace loadtest {

using PlainStream = boost::beast::tcp_stream;
using TlsStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

inline PlainStream& TcpOf(PlainStream& stream) { return stream; }
inline PlainStream& TcpOf(TlsStream& stream) { return stream.next_layer(); }

// Calls `on_done(error)` when the connection may carry requests.
template <typename Done>
void AsyncHandshake(PlainStream&, Done on_done) {
  on_done(boost::system::error_code());
}
template <typename Done>
void AsyncHandshake(TlsStream& stream, Done on_done) {
  stream.async_handshake(boost::asio::ssl::stream_base::server, std::move(on_done));
}

// Says, where the protocol has a word for it, that nothing more will be sent: without it a client
// cannot tell the end of an event stream from a connection that was cut.
template <typename Done>
void AsyncGoodbye(PlainStream&, Done on_done) {
  on_done(boost::system::error_code());
}
template <typename Done>
void AsyncGoodbye(TlsStream& stream, Done on_done) {
  stream.async_shutdown(std::move(on_done));
}

}  // namespace loadtest
