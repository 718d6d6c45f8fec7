// The target's own count of what it received and sent: the truth that reports are checked against.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "target/endpoints.h"

namespace loadtest {

// Requests are counted when their headers are complete; responses when their first byte is about to
// be given to the kernel, so that a client that has read a response finds it counted.
//
// Requests of /metrics are kept apart: looking does not change what is looked at. Thread-safe.
class Counters {
 public:
  void RequestReceived(Endpoint endpoint) { ++Of(endpoint).received; }
  void ResponseSent(Endpoint endpoint) { ++Of(endpoint).sent; }
  // Takes one ResponseSent back: the kernel did not take all of it.
  void ResponseNotSent(Endpoint endpoint) { --Of(endpoint).sent; }
  // What came could not be read as a request; it was answered with status 400 or 414.
  void MalformedRequest() { ++malformed_; }
  void ConnectionOpened() { ++accepted_, ++open_; }
  void ConnectionClosed() { --open_; }
  // Answered with status 503 because of max_connections.
  void ConnectionRefused() { ++refused_; }

  // Prometheus text format 0.0.4.
  std::string PrometheusText() const;
  // The same numbers as a JSON object with a line break at its end.
  std::string Json() const;

 private:
  struct Requests {
    std::atomic<int64_t> received = 0;
    std::atomic<int64_t> sent = 0;
  };
  Requests& Of(Endpoint endpoint) { return requests_[static_cast<size_t>(endpoint)]; }
  const Requests& Of(Endpoint endpoint) const { return requests_[static_cast<size_t>(endpoint)]; }

  // Of all endpoints but /metrics.
  int64_t LoadReceived() const;
  int64_t LoadSent() const;

  std::array<Requests, kEndpoints> requests_;
  std::atomic<int64_t> malformed_ = 0;
  std::atomic<int64_t> accepted_ = 0;
  std::atomic<int64_t> open_ = 0;
  std::atomic<int64_t> refused_ = 0;
};

}  // namespace loadtest
