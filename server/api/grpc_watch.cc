#include "server/api/grpc_watch.h"

#include <atomic>
#include <chrono>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_format.h"
#include "server/api/grpc_status.h"
#include "server/api/watch_subscription.h"

namespace loadtest {
namespace {

using UpdateReactor = grpc::ServerWriteReactor<v1::LoadTestUpdate>;

// A stream that ends before it began.
class RefusedStream final : public UpdateReactor {
 public:
  explicit RefusedStream(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

// One client's stream: at most one write is under way, and Finish is called once.
//
// Calls come from the writer thread of GrpcWatches and from gRPC's threads. Holds itself alive
// until OnDone.
class GrpcWatchStream final : public UpdateReactor,
                              public std::enable_shared_from_this<GrpcWatchStream> {
 public:
  explicit GrpcWatchStream(GrpcWatches& watches) : watches_(watches) {}

  void Begin(ControlPlane& control_plane, const v1::WatchLoadTestRequest& request) {
    self_ = shared_from_this();
    auto subscription = std::make_shared<WatchSubscription>(
        control_plane, request, [queue = watches_.scheduled_, weak = weak_from_this()] {
          if (auto stream = weak.lock()) stream->ScheduleIn(*queue);
        });
    std::lock_guard lock(mutex_);
    subscription_ = std::move(subscription);
    WriteNextLocked();
  }

  void End(const absl::Status& status) {
    // Null before Begin has stored it; Open looks again after Begin. Ended outside the lock, since
    // that wakes this stream.
    if (const auto subscription = Subscription()) subscription->End(status);
  }

  void WriteNext() {
    scheduled_ = false;
    std::lock_guard lock(mutex_);
    WriteNextLocked();
  }

  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    writing_ = nullptr;
    if (!ok || cancelled_) return FinishLocked(grpc::Status::CANCELLED);
    WriteNextLocked();
  }

  void OnCancel() override {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    // A write under way fails soon and finishes the stream then.
    if (writing_ == nullptr) FinishLocked(grpc::Status::CANCELLED);
  }

  void OnDone() override {
    watches_.Forget(this);
    std::shared_ptr<WatchSubscription> subscription = Subscription();
    {
      std::lock_guard lock(mutex_);
      subscription_ = nullptr;
    }
    // Outside the lock: the control plane may be calling `wake` and take locks of its own.
    subscription = nullptr;
    self_ = nullptr;
  }

 private:
  std::shared_ptr<WatchSubscription> Subscription() {
    std::lock_guard lock(mutex_);
    return subscription_;
  }

  void ScheduleIn(GrpcWatches::StreamQueue& queue) {
    // A stream waits in the queue once, so the queue is full only when hundreds of streams closed
    // while they waited in it; then this thread writes, rather than lose the wake.
    if (scheduled_.exchange(true)) return;
    if (!queue.TryPush(weak_from_this())) WriteNext();
  }

  void WriteNextLocked() {
    // Woken before Begin has stored the subscription: Begin itself looks then.
    if (subscription_ == nullptr || finished_ || writing_ != nullptr) return;
    std::optional<UpdateMailbox::Item> item = subscription_->Take();
    if (!item) return;
    if (const auto* ended = std::get_if<UpdateMailbox::Ended>(&*item)) {
      return FinishLocked(ToGrpcStatus(ended->status));
    }
    writing_ = std::get<UpdateMailbox::Update>(*std::move(item));
    StartWrite(writing_.get());
  }

  void FinishLocked(const grpc::Status& status) {
    if (finished_) return;
    finished_ = true;
    Finish(status);
  }

  GrpcWatches& watches_;
  std::shared_ptr<GrpcWatchStream> self_;
  std::atomic<bool> scheduled_ = false;
  std::mutex mutex_;
  std::shared_ptr<WatchSubscription> subscription_;
  UpdateMailbox::Update writing_;  // what gRPC is writing, null when nothing
  bool cancelled_ = false;
  bool finished_ = false;
};

namespace {

// The writer thread.
void WriteScheduled(GrpcWatches::StreamQueue& queue) {
  while (!queue.closed()) {
    const auto next = queue.Pop(std::chrono::hours(1));
    if (!next) continue;
    if (const auto stream = next->lock()) stream->WriteNext();
  }
}

}  // namespace

GrpcWatches::GrpcWatches(ControlPlane& control_plane)
    : control_plane_(control_plane),
      scheduled_(std::make_shared<StreamQueue>(kMaxStreams)),
      writer_([queue = scheduled_] { WriteScheduled(*queue); }) {}

GrpcWatches::~GrpcWatches() {
  scheduled_->Close();
  writer_.join();
}

UpdateReactor* GrpcWatches::Open(const v1::WatchLoadTestRequest& request,
                                 const absl::Status& allowed) {
  if (!allowed.ok()) return new RefusedStream(allowed);
  std::shared_ptr<GrpcWatchStream> stream;
  {
    std::lock_guard lock(mutex_);
    if (ended_with_) return new RefusedStream(*ended_with_);
    if (streams_.size() >= kMaxStreams) {
      return new RefusedStream(absl::ResourceExhaustedError(absl::StrFormat(
          "watches: got one more than %d, want at most %d at once", kMaxStreams, kMaxStreams)));
    }
    stream = std::make_shared<GrpcWatchStream>(*this);
    streams_.emplace(stream.get(), stream);
  }
  stream->Begin(control_plane_, request);
  // EndAll may have come between and found no subscription to end.
  if (const auto status = EndedWith()) stream->End(*status);
  return stream.get();
}

void GrpcWatches::EndAll(const absl::Status& status) {
  std::vector<std::shared_ptr<GrpcWatchStream>> streams;
  {
    std::lock_guard lock(mutex_);
    if (ended_with_) return;
    ended_with_ = status;
    for (const auto& [unused, weak] : streams_) {
      if (auto stream = weak.lock()) streams.push_back(std::move(stream));
    }
  }
  for (const auto& stream : streams) stream->End(status);
}

std::optional<absl::Status> GrpcWatches::EndedWith() {
  std::lock_guard lock(mutex_);
  return ended_with_;
}

void GrpcWatches::Forget(const GrpcWatchStream* stream) {
  std::lock_guard lock(mutex_);
  streams_.erase(stream);
}

}  // namespace loadtest
