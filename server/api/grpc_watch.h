// The open WatchLoadTest streams of the gRPC door.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "common/base/bounded_queue.h"
#include "loadtest/v1/service.pb.h"
#include "server/api/control_plane.h"

namespace loadtest {

class GrpcWatchStream;

// Opens streams and moves updates from their mailboxes to gRPC, on one thread of its own: gRPC
// serialises a message in the thread that starts the write, and that must not be the core thread. A
// client that does not read keeps one write pending and its newest update in its mailbox, and
// nobody waits for it.
//
// Thread-safe. Must outlive the streams: destroy it after the server.
class GrpcWatches {
 public:
  using StreamQueue = BoundedQueue<std::weak_ptr<GrpcWatchStream>>;

  // Further streams are refused with RESOURCE_EXHAUSTED.
  static constexpr size_t kMaxStreams = 1'024;

  explicit GrpcWatches(ControlPlane& control_plane);
  ~GrpcWatches();
  GrpcWatches(const GrpcWatches&) = delete;
  GrpcWatches& operator=(const GrpcWatches&) = delete;

  // A stream that ends at once with `allowed` when that is an error.
  grpc::ServerWriteReactor<v1::LoadTestUpdate>* Open(const v1::WatchLoadTestRequest& request,
                                                     const absl::Status& allowed);

  // Ends all streams with `status`, after the update that waits for each; streams opened later end
  // the same way.
  void EndAll(const absl::Status& status);

 private:
  friend class GrpcWatchStream;

  // Called when gRPC is done with `stream`.
  void Forget(const GrpcWatchStream* stream);
  std::optional<absl::Status> EndedWith();

  ControlPlane& control_plane_;
  std::mutex mutex_;
  std::map<const GrpcWatchStream*, std::weak_ptr<GrpcWatchStream>> streams_;
  std::optional<absl::Status> ended_with_;
  // Streams that have something to write. Shared with the wakes, the last of which may run when
  // this object is gone.
  const std::shared_ptr<StreamQueue> scheduled_;
  std::thread writer_;
};

}  // namespace loadtest
