#include "server/api/open_connections.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace loadtest {
namespace {

// 0: it is no socket, or no descriptor at all.
ino_t InodeOf(int fd) {
  struct stat found {};
  return fstat(fd, &found) == 0 && S_ISSOCK(found.st_mode) ? found.st_ino : 0;
}

bool IsSilent(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return info.tcpi_bytes_received == 0;
}

}  // namespace

void OpenConnections::Add(int fd) { connections_.push_back({fd, InodeOf(fd)}); }

bool OpenConnections::IsOpen(const Connection& connection) {
  return InodeOf(connection.fd) == connection.inode;
}

bool OpenConnections::HasAsManyAs(size_t count) {
  if (connections_.size() < count) return false;
  std::erase_if(connections_, [](const Connection& c) { return !IsOpen(c); });
  return connections_.size() >= count;
}

bool OpenConnections::EndASilentOne() {
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    // A descriptor of our own: what is looked at cannot become another connection meanwhile.
    const int copy = fcntl(it->fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) continue;
    const bool is_it = InodeOf(copy) == it->inode && IsSilent(copy);
    if (is_it) shutdown(copy, SHUT_RDWR);
    close(copy);
    if (!is_it) continue;
    connections_.erase(it);
    return true;
  }
  return false;
}

}  // namespace loadtest
