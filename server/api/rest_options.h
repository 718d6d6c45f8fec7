// Limits of the REST door; the defaults are for use, tests shorten them.
#pragma once

#include <chrono>
#include <cstddef>

namespace loadtest {

struct RestOptions {
  // Each in full: waiting for a request's head, reading its body, writing a response or one event.
  std::chrono::milliseconds io_timeout = std::chrono::seconds(30);
  // For the control plane's reply; then 504.
  std::chrono::milliseconds reply_timeout = std::chrono::seconds(30);
  // Silence on an event stream after which a comment line is sent, so that proxies keep it open.
  std::chrono::milliseconds stream_keep_alive = std::chrono::seconds(15);
  // Event streams included. A further one takes the place of one whose client has nothing under way;
  // if there is none it gets 503.
  size_t max_connections = 1'024;
};

}  // namespace loadtest
