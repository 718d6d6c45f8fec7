// A network and a target that exist only in the mind of a ManualClock.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "driver/engine/error_kinds.h"
#include "driver/engine/transport.h"

namespace loadtest {

// Time passes only in Poll, from event to event, so a test knows to the nanosecond when what
// happens.
class SimulatedTransport final : public Transport {
 public:
  static constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  // What the target does about a request.
  struct Reply {
    int64_t after_ns = kNanosPerMilli;
    std::string bytes = kOk;   // empty: nothing is said
    bool close = false;        // closes after the bytes
    bool peer_closed = false;  // the end of the connection comes with the bytes
    int reset = 0;             // or resets, with this errno value
  };

  explicit SimulatedTransport(ManualClock& clock) : clock_(clock) {}

  // Settings; may be changed at any time.
  std::function<Reply(int request)> reply = [](int) { return Reply(); };
  int64_t connect_ns = 100 * kNanosPerMicro;
  int connect_error = 0;           // every attempt fails with this errno value ...
  bool connect_fails_late = true;  // ... through OnConnectFailed, or else at once
  bool connect_hangs = false;
  std::set<int> dead_addresses;  // attempts to these are refused

  // What was done to it.
  std::vector<MonotonicTime> connect_times;
  std::vector<int> connect_addresses;
  std::vector<MonotonicTime> send_times;
  std::vector<int> send_connections;
  int wakes = 0;

  // Does something at a time of the test's choice.
  void At(int64_t ns, std::function<void()> what) { events_.emplace(ns, std::move(what)); }

  // The peer of an open connection closes it.
  void CloseByPeer(int connection) { FinishConnection(connection, 0); }

  // The rest of a request is taken only at the end of this time.
  int64_t write_blocks_ns = 0;

  int Connect(int connection, int address) override {
    connect_times.push_back(clock_.Now());
    connect_addresses.push_back(address);
    const int error = dead_addresses.count(address) > 0 ? 111 /* ECONNREFUSED */ : connect_error;
    if (error != 0 && !connect_fails_late) return error;
    const int life = ++lives_[connection];
    if (connect_hangs) return 0;
    Later(connect_ns, connection, life, [this, connection, error] {
      if (error == 0) {
        return sink_->OnConnected(connection,
                                  {.connected_at = clock_.Now(), .secured_at = clock_.Now()});
      }
      ++lives_[connection];
      const std::string text = ErrnoText(error);
      sink_->OnConnectFailed(connection, {.kind = ConnectErrorKind(error), .text = text});
    });
    return 0;
  }

  SendState Send(int connection, std::string_view) override {
    send_times.push_back(clock_.Now());
    send_connections.push_back(connection);
    const Reply answer = reply(static_cast<int>(send_times.size()) - 1);
    const int life = lives_[connection];
    if (write_blocks_ns > 0) {
      Later(write_blocks_ns, connection, life, [this, connection] { sink_->OnSent(connection); });
    }
    Later(write_blocks_ns + answer.after_ns, connection, life, [this, connection, life, answer] {
      if (answer.reset != 0) return FinishConnection(connection, answer.reset);
      if (!answer.bytes.empty()) {
        sink_->OnRead(
            connection,
            {.bytes = answer.bytes, .received_at = event_time_, .peer_closed = answer.peer_closed});
      }
      if (answer.close && lives_[connection] == life) FinishConnection(connection, 0);
    });
    return write_blocks_ns > 0 ? SendState::kPending : SendState::kSent;
  }

  void Close(int connection) override { ++lives_[connection]; }

  MonotonicTime Poll(MonotonicTime until, TransportEvents& events) override {
    sink_ = &events;
    if (++polls_ > 1'000'000) {
      ADD_FAILURE() << "the loop turns in circles";
      std::abort();
    }
    const int64_t next = events_.empty() ? until.ns : std::min(until.ns, events_.begin()->first);
    if (next > clock_.Now().ns) clock_.Advance(next - clock_.Now().ns);
    const MonotonicTime returned = clock_.Now();
    while (!events_.empty() && events_.begin()->first <= returned.ns) {
      event_time_ = {events_.begin()->first};
      const std::function<void()> event = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      event();
    }
    return returned;
  }

  void Wake() override { ++wakes; }

 private:
  void Later(int64_t ns, int connection, int life, std::function<void()> what) {
    At(clock_.Now().ns + ns, [this, connection, life, what = std::move(what)] {
      if (lives_[connection] == life) what();
    });
  }

  void FinishConnection(int connection, int error) {
    ++lives_[connection];
    sink_->OnClosed(connection, {.error = error});
  }

  ManualClock& clock_;
  TransportEvents* sink_ = nullptr;
  std::multimap<int64_t, std::function<void()>> events_;
  // Counts openings and closings, so that events of an earlier connection are known as such.
  std::map<int, int> lives_;
  int64_t polls_ = 0;
  // Of the event being reported; the loop may hear of it later.
  MonotonicTime event_time_;
};

}  // namespace loadtest
