// stamping_server PORT [--delay-us N] [--stall-at-ms N --stall-for-ms N] [--log FILE]
//
// An HTTP/1.1 server that knows when each request came: by the kernel's own stamp. Answers 101
// bytes after the delay; a stall, counted from the first request, holds all answers back until its
// end. On SIGTERM it writes the log, a line a request: arrival and answer in nanoseconds since
// 1970, in order of arrival; requests must have no body. Port 0 takes a free one; the port is
// printed first.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

volatile sig_atomic_t g_end = 0;

int64_t WallNow() {
  timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec;
}

struct Request {
  int64_t arrived = 0;
  int64_t answered = 0;
};

struct Answer {
  int fd = -1;
  size_t request = 0;
  int64_t due = 0;
};

struct Options {
  int port = 0;
  int64_t delay_ns = 0;
  int64_t stall_at_ns = 0;
  int64_t stall_for_ns = 0;
  std::string log;
};

class Server {
 public:
  explicit Server(const Options& options) : options_(options) {
    const std::string body(100, 'x');
    response_ =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 101\r\n\r\n" + body + "\n";
    requests_.reserve(4 << 20);
  }

  bool Listen() {
    listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(options_.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return false;
    if (listen(listen_fd_, 4096) != 0) return false;
    socklen_t size = sizeof(address);
    getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    epoll_ = epoll_create1(0);
    Watch(listen_fd_);
    return true;
  }

  void Run() {
    while (!g_end) {
      timespec timeout = {.tv_sec = 0, .tv_nsec = 100'000'000};
      if (!answers_.empty()) {
        const int64_t wait = std::max<int64_t>(0, DueOf(answers_.front()) - WallNow());
        timeout = {.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
      }
      epoll_event events[256];
      const int count = epoll_pwait2(epoll_, events, 256, &timeout, nullptr);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == listen_fd_) {
          Accept();
        } else {
          Read(events[i].data.fd);
        }
      }
      while (!answers_.empty() && DueOf(answers_.front()) <= WallNow()) {
        Send(answers_.front());
        answers_.pop_front();
      }
    }
  }

  void WriteLog() const {
    if (options_.log.empty()) return;
    FILE* file = std::fopen(options_.log.c_str(), "w");
    if (file == nullptr) return std::perror(options_.log.c_str());
    std::vector<Request> in_order = requests_;
    std::sort(in_order.begin(), in_order.end(),
              [](const Request& a, const Request& b) { return a.arrived < b.arrived; });
    for (const Request& request : in_order) {
      std::fprintf(file, "%ld %ld\n", static_cast<long>(request.arrived),
                   static_cast<long>(request.answered));
    }
    std::fclose(file);
  }

 private:
  void Watch(int fd) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void Accept() {
    int fd;
    while ((fd = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
      if (fd >= static_cast<int>(partial_.size())) partial_.resize(fd + 1024);
      partial_[fd].clear();
      Watch(fd);
    }
  }

  void Read(int fd) {
    static char buffer[64 * 1024];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
    iovec iov = {.iov_base = buffer, .iov_len = sizeof(buffer)};
    msghdr message = {};
    message.msg_iov = &iov;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t size = recvmsg(fd, &message, 0);
    if (size <= 0) {
      close(fd);
      return;
    }
    int64_t stamp = WallNow();
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_type != SCM_TIMESTAMPNS) continue;
      timespec t;
      std::memcpy(&t, CMSG_DATA(part), sizeof(t));
      stamp = t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec;
    }
    std::string& text = partial_[fd];
    text.append(buffer, static_cast<size_t>(size));
    size_t end;
    while ((end = text.find("\r\n\r\n")) != std::string::npos) {
      text.erase(0, end + 4);
      if (first_ == 0) first_ = stamp;
      requests_.push_back({.arrived = stamp, .answered = 0});
      const Answer answer = {
          .fd = fd, .request = requests_.size() - 1, .due = stamp + options_.delay_ns};
      if (options_.delay_ns == 0 && options_.stall_for_ns == 0) {
        Send(answer);
      } else {
        answers_.push_back(answer);
      }
    }
  }

  // All answers wait for the end of the stall once it has begun.
  int64_t DueOf(const Answer& answer) const {
    const int64_t from = first_ + options_.stall_at_ns;
    const int64_t to = from + options_.stall_for_ns;
    return options_.stall_for_ns > 0 && answer.due >= from ? std::max(answer.due, to) : answer.due;
  }

  void Send(const Answer& answer) {
    requests_[answer.request].answered = WallNow();
    if (send(answer.fd, response_.data(), response_.size(), MSG_NOSIGNAL) < 0) close(answer.fd);
  }

  const Options options_;
  std::string response_;
  int listen_fd_ = -1;
  int epoll_ = -1;
  int64_t first_ = 0;
  std::vector<std::string> partial_;
  std::vector<Request> requests_;
  std::deque<Answer> answers_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: stamping_server PORT [--delay-us N] [--stall-at-ms N --stall-for-ms N] "
                 "[--log FILE]\n");
    return 2;
  }
  Options options;
  options.port = std::atoi(argv[1]);
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--delay-us") options.delay_ns = std::atoll(argv[i + 1]) * 1'000;
    if (flag == "--stall-at-ms") options.stall_at_ns = std::atoll(argv[i + 1]) * 1'000'000;
    if (flag == "--stall-for-ms") options.stall_for_ns = std::atoll(argv[i + 1]) * 1'000'000;
    if (flag == "--log") options.log = argv[i + 1];
  }
  const auto end = [](int) { g_end = 1; };
  signal(SIGTERM, end);
  signal(SIGINT, end);
  signal(SIGPIPE, SIG_IGN);
  Server server(options);
  if (!server.Listen()) {
    std::perror("listen");
    return 1;
  }
  server.Run();
  server.WriteLog();
}
