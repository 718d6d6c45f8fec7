#include "server/api/rest_connection.h"

namespace loadtest {

// Both go over a copy: a connection may end, and leave the set, while it is told.
void RestConnections::StopAll() {
  for (RestConnection* connection : std::set(open_)) {
    if (open_.contains(connection)) connection->Stop();
  }
}

void RestConnections::AbortAll() {
  for (RestConnection* connection : std::set(open_)) {
    if (open_.contains(connection)) connection->Abort();
  }
}

bool RestConnections::AbortAnIdleOne() {
  RestConnection* longest = nullptr;
  for (RestConnection* connection : open_) {
    if (!connection->is_idle()) continue;
    if (longest == nullptr || connection->idle_since_ < longest->idle_since_) longest = connection;
  }
  if (longest == nullptr) return false;
  // It leaves the set only when its last operation has ended.
  longest->SetBusy();
  longest->Abort();
  return true;
}

RestConnection::~RestConnection() {
  all_.open_.erase(this);
  if (all_.open_.empty() && all_.on_empty_) all_.on_empty_();
}

}  // namespace loadtest
