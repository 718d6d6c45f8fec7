#include "server/api/watch_subscription.h"

#include <utility>

namespace loadtest {

WatchSubscription::WatchSubscription(ControlPlane& control_plane,
                                     const v1::WatchLoadTestRequest& request,
                                     std::function<void()> wake)
    : control_plane_(control_plane),
      mailbox_(std::make_shared<UpdateMailbox>()),
      wake_(std::move(wake)) {
  // The sink shares the mailbox instead of pointing to this object: a call of it that began before
  // Unwatch may outlive the subscription.
  WatchSink sink;
  sink.on_update = [mailbox = mailbox_, wake = wake_](UpdateMailbox::Update update) {
    if (mailbox->Put(std::move(update))) wake();
  };
  sink.on_end = [mailbox = mailbox_, wake = wake_](const absl::Status& status) {
    if (mailbox->Close(status)) wake();
  };
  watch_ = control_plane_.Watch(request, std::move(sink));
}

WatchSubscription::~WatchSubscription() { control_plane_.Unwatch(watch_); }

void WatchSubscription::End(const absl::Status& status) {
  if (mailbox_->Close(status)) wake_();
}

}  // namespace loadtest
