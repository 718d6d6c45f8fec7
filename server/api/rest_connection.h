// What the connections of the REST door have in common: they end when it does.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "server/api/control_plane.h"
#include "server/api/rest_options.h"
#include "server/api/rest_routes.h"

namespace loadtest {

class RestConnection;

// The open connections. Used by the REST thread only.
class RestConnections {
 public:
  size_t size() const { return open_.size(); }
  // Asks all to end: after the response under way, after the last event.
  void StopAll();
  // Closes all at once.
  void AbortAll();
  // Closes the one that has been waiting longest for its client to send a request, or to finish its
  // head; false when none waits.
  bool AbortAnIdleOne();
  // `on_empty` is called whenever the last connection is gone.
  void OnEmpty(std::function<void()> on_empty) { on_empty_ = std::move(on_empty); }

 private:
  friend class RestConnection;

  std::set<RestConnection*> open_;
  std::function<void()> on_empty_;
};

// One client's connection. Lives as long as one of its operations is pending; each operation holds
// it.
class RestConnection {
 public:
  explicit RestConnection(RestConnections& all) : all_(all) { all_.open_.insert(this); }
  virtual ~RestConnection();
  RestConnection(const RestConnection&) = delete;
  RestConnection& operator=(const RestConnection&) = delete;

  virtual void Stop() = 0;
  virtual void Abort() = 0;

 protected:
  // From now on nothing is asked of this connection, until SetBusy.
  void SetIdle() { idle_since_ = std::chrono::steady_clock::now(); }
  void SetBusy() { idle_since_.reset(); }
  bool is_idle() const { return idle_since_.has_value(); }

 private:
  friend class RestConnections;

  RestConnections& all_;
  std::optional<std::chrono::steady_clock::time_point> idle_since_;
};

// What a connection needs from its server, which outlives it.
struct RestContext {
  // Weak: the control plane may reply when the server is gone already.
  std::weak_ptr<boost::asio::io_context> io;
  ControlPlane& control_plane;
  const RestRoutes& routes;
  const RestOptions& options;
  RestConnections& connections;
  // Null: plain text.
  boost::asio::ssl::context* tls = nullptr;
};

}  // namespace loadtest
