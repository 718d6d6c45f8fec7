// One client's watch of one test, as both doors use it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "server/api/control_plane.h"
#include "server/api/update_mailbox.h"

namespace loadtest {

// What watchers are told, with UNAVAILABLE, when the program ends.
inline constexpr char kStopping[] = "orchestrator is stopping";

// Fills a mailbox from the control plane for as long as it lives.
//
// `wake` is called whenever something can be taken again, by the core thread or by the one that
// constructs. It must not wait, and it may still be running when the destructor returns: capture
// nothing that the destructor's caller destroys.
class WatchSubscription {
 public:
  WatchSubscription(ControlPlane& control_plane, const v1::WatchLoadTestRequest& request,
                    std::function<void()> wake);
  ~WatchSubscription();
  WatchSubscription(const WatchSubscription&) = delete;
  WatchSubscription& operator=(const WatchSubscription&) = delete;

  std::optional<UpdateMailbox::Item> Take() { return mailbox_->Take(); }

  // Ends the watch from the door's side. What waits can still be taken, then `status`.
  void End(const absl::Status& status);

 private:
  ControlPlane& control_plane_;
  const std::shared_ptr<UpdateMailbox> mailbox_;
  const std::function<void()> wake_;
  uint64_t watch_;
};

}  // namespace loadtest
