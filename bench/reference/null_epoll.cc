// null_epoll PORT CONNECTIONS SECONDS [--stamp]
//
// The ceiling for a closed loop over HTTP/1.1 on this machine: sends prebuilt bytes, and takes each
// read for a whole response. With --stamp it does what no honest load generator can leave out: two
// readings of the clock a request, the status and the length checked. Prints the requests it made.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

int64_t Now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec;
}

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Die("connect");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: null_epoll PORT CONNECTIONS SECONDS [--stamp]\n");
    return 2;
  }
  const int port = std::atoi(argv[1]);
  const int connections = std::atoi(argv[2]);
  const int64_t end = Now() + static_cast<int64_t>(std::atof(argv[3]) * 1e9);
  const bool stamp = argc > 4 && std::string(argv[4]) == "--stamp";
  const std::string request = "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::string(argv[1]) +
                              "\r\nUser-Agent: null\r\nAccept: */*\r\n\r\n";
  const int epoll = epoll_create1(0);
  std::vector<int64_t> sent_at(connections);
  std::vector<int> fds;
  for (int i = 0; i < connections; ++i) {
    fds.push_back(ConnectTo(port));
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<uint32_t>(i);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event);
    send(fds[i], request.data(), request.size(), MSG_NOSIGNAL);
    sent_at[i] = Now();
  }
  int64_t requests = 0;
  int64_t service_time = 0;
  ssize_t length = 0;
  static char buffer[64 * 1024];
  while (Now() < end) {
    epoll_event events[128];
    const int count = epoll_wait(epoll, events, 128, 1000);
    for (int i = 0; i < count; ++i) {
      const uint32_t c = events[i].data.u32;
      const ssize_t size = recv(fds[c], buffer, sizeof(buffer), 0);
      if (size <= 0) Die("recv");
      if (stamp) {
        if (length == 0) length = size;
        if (size != length || std::memcmp(buffer, "HTTP/1.1 200", 12) != 0) Die("response");
        service_time += Now() - sent_at[c];
        sent_at[c] = Now();
      }
      ++requests;
      send(fds[c], request.data(), request.size(), MSG_NOSIGNAL);
    }
  }
  std::printf("%ld requests, mean service time %ld ns\n", static_cast<long>(requests),
              static_cast<long>(stamp ? service_time / requests : 0));
}
