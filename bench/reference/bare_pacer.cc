// bare_pacer PORT CONNECTIONS DELAY_NS SECONDS [SPIN_NS]
//
// The best pace that this machine allows: one request every DELAY_NS, start + k * DELAY_NS, on
// connections in turn. Sleeps until each, sends, and takes whatever responses are there by then.
// Does nothing else: no parser, no statistics. What its gaps are off by is the machine's own noise.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

int64_t Now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec;
}

void SleepUntil(int64_t ns, int64_t spin_ns) {
  const timespec t = {.tv_sec = (ns - spin_ns) / 1'000'000'000,
                      .tv_nsec = (ns - spin_ns) % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
  }
  while (spin_ns > 0 && Now() < ns) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: bare_pacer PORT CONNECTIONS DELAY_NS SECONDS [SPIN_NS]\n");
    return 2;
  }
  const int connections = std::atoi(argv[2]);
  const int64_t delay = std::atoll(argv[3]);
  const int64_t spin = argc > 5 ? std::atoll(argv[5]) : 0;
  const std::string request =
      "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::string(argv[1]) + "\r\n\r\n";
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  const int epoll = epoll_create1(0);
  std::vector<int> fds;
  for (int i = 0; i < connections; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[1])));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      std::perror("connect");
      return 1;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    fds.push_back(fd);
  }
  const int64_t start = Now() + 100'000'000;
  const auto requests = static_cast<int64_t>(std::atof(argv[4]) * 1e9) / delay;
  static char buffer[64 * 1024];
  for (int64_t k = 0; k < requests; ++k) {
    SleepUntil(start + k * delay, spin);
    send(fds[k % connections], request.data(), request.size(), MSG_NOSIGNAL);
    epoll_event events[128];
    const int count = epoll_wait(epoll, events, 128, 0);
    for (int i = 0; i < count; ++i) {
      if (recv(events[i].data.fd, buffer, sizeof(buffer), 0) <= 0) return 1;
    }
  }
  std::printf("%ld requests\n", static_cast<long>(requests));
}
