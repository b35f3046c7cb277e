#include "server/server.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <latch>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <martlet/version.h>

#include "auth/nkey.h"
#include "base/clock.h"
#include "base/cpu_quota.h"
#include "base/cpus.h"
#include "base/go_text.h"
#include "base/net_address.h"
#include "ops/log_options.h"
#include "ops/pid_file.h"
#include "ops/ports_file.h"
#include "ops/signals.h"

namespace martlet::server {
namespace {

// A large ring absorbs bursts; with many shards there are many rings. Any record must fit: its
// texts come from one control line, its payload is short or travels apart.
size_t RingBytes(unsigned shards, const Options& options) {
  const size_t usual = size_t{shards <= 8 ? 1024U : 256U} << 10;
  const auto line = static_cast<size_t>(options.max_control_line_bytes);
  return std::bit_ceil(std::max(usual, 4 * (line + session::MessageRecord::kInlineBytesMax)));
}

absl::Status ErrnoStatus(std::string_view call) {
  return absl::UnavailableError(std::string(call) + ": " + base::GoErrno(errno));
}

unsigned ShardCount(const Options& options, size_t cpus) {
  const size_t wanted = options.shards > 0 ? static_cast<size_t>(options.shards) : cpus;
  return static_cast<unsigned>(std::clamp<size_t>(wanted, 1, subject::kShardsMax));
}

control::ServiceManager ServiceManagerOf(config::Environment& environment) {
  return {.notify_socket = environment.Variable("NOTIFY_SOCKET").value_or(""),
          .watchdog_period = environment.Variable("WATCHDOG_USEC").value_or(""),
          .watchdog_pid = environment.Variable("WATCHDOG_PID").value_or("")};
}

}  // namespace

// Everything that lives as long as the shards run, in the order in which it must die.
struct Server::Running {
  Running(unsigned shards, const session::ServerFacts& server_facts, shard::Tuning tuning,
          base::Log& log)
      : index(shards),
        interconnect(shards, RingBytes(shards, server_facts.options)),
        placement(shards),
        facts(server_facts.options, server_facts.info, server_facts.bound_port,
              session::ClientUrls(server_facts.options, server_facts.bound_port)),
        shared{index,
               interconnect,
               placement,
               log,
               facts,
               std::move(tuning),
               base::UnixNanoseconds() - static_cast<int64_t>(base::MonotonicNanoseconds()),
               {},
               {}},
        opened(shards + 1),
        fallback(shards + 1),
        all_opened(shards),
        ended(shards + 1) {
    shared.wakers.resize(interconnect.members());
    shared.stats.resize(shards);
  }

  subject::SubjectIndex index;
  session::Interconnect interconnect;
  shard::Placement placement;
  const session::ServerFacts facts;
  shard::Shared shared;
  std::unique_ptr<control::ControlShard> control;

  // The threads meet twice before they serve: when their loops are made, and when it is known
  // whether all of them could be. By member, the control shard last.
  std::vector<absl::Status> opened;
  std::vector<std::string> fallback;  // why a loop is not what was hoped for
  std::string description;            // of the first shard's loop
  std::latch all_opened;
  std::latch decided{1};
  bool run = false;  // read after `decided`
  std::latch ended;  // no loop goes while another thread could still wake it
  std::vector<std::thread> threads;
};

Server::Server(Start start, std::string argv0)
    : start_(std::move(start)), options_(start_.options), argv0_(std::move(argv0)) {}

Server::~Server() = default;

int Server::Fail(std::string_view text) {
  log_->Write(base::LogLevel::kFatal, text);
  log_->Flush();
  return 1;
}

int Server::Run() {
  absl::StatusOr<base::UniqueFd> signals = ops::BlockAndWatchSignals();
  absl::StatusOr<std::unique_ptr<base::Log>> log =
      base::Log::Open(ops::LogOptionsOf(options_, argv0_));
  for (const absl::Status& status : {signals.status(), log.status()}) {
    if (status.ok()) continue;
    std::fprintf(stderr, "nats-server: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  log_ = *std::move(log);
  base::RaiseFileLimit();

  const auth::ServerIdentity identity = auth::NewServerIdentity();
  info_.server_id = identity.id;
  info_.server_name = options_.server_name.empty() ? identity.id : options_.server_name;
  info_.xkey = identity.xkey;
  info_.headers = options_.headers;
  info_.max_payload = options_.max_payload_bytes;
  control::ClusterStart cluster;
  if (options_.cluster.port != 0) {
    cluster.dynamic = options_.cluster.name.empty();
    cluster.name = cluster.dynamic ? auth::NewNuid() : options_.cluster.name;
    info_.cluster = cluster.name;
  }
  LogBanner();
  if (!options_.pid_file.empty()) {
    const absl::Status written = ops::WritePidFile(options_.pid_file, ::getpid());
    if (!written.ok()) return Fail("Could not write pidfile: " + std::string(written.message()));
  }

  // Whoever asks the monitor for readiness may do so before clients can come.
  Bound monitoring;
  if (options_.http_port != 0) {
    absl::StatusOr<Bound> bound =
        Listen(monitor_host(), options_.http_port, "Starting http monitor on ");
    if (!bound.ok()) {
      return Fail("Can't start monitoring: can't listen to the monitor port: " +
                  std::string(bound.status().message()));
    }
    monitoring = *std::move(bound);
    monitor_port_ = monitoring.port;
  }
  // It listens when there is somebody to accept.
  absl::StatusOr<Bound> clients = Bind(options_.host, options_.port);
  if (!clients.ok()) {
    return Fail(control::ListenError(options_.host, options_.port,
                                     std::string(clients.status().message())));
  }
  bound_port_ = clients->port;
  session::SetAddress(options_, bound_port_, info_);
  if (options_.cluster.port != 0) {
    absl::StatusOr<Bound> bound = Listen(options_.cluster.host, options_.cluster.port, {});
    if (!bound.ok()) {
      return Fail(
          "Error listening on router port: " + std::to_string(std::max(options_.cluster.port, 0)) +
          " - " + std::string(bound.status().message()));
    }
    cluster.fd = std::move(bound->fd);
    cluster.port = static_cast<uint16_t>(bound->port);
    cluster_port_ = bound->port;
  }

  const size_t cpus = base::AllowedCpus().size();
  const unsigned shards = ShardCount(options_, cpus);
  Running running(
      shards, session::ServerFacts(options_, info_, bound_port_),
      shard::TuningOf(options_.profile, shards, {.cpus = cpus, .quota = base::CpuQuota()}), *log_);
  running.control = std::make_unique<control::ControlShard>(
      running.shared, control::Reloader(start_.invocation, argv0_, start_.digest, environment_),
      *std::move(signals), std::move(clients->fd), std::move(monitoring.fd), std::move(cluster),
      ServiceManagerOf(environment_),
      [this](const std::string& directory) { MovePortsFile(directory); });
  const absl::Status started = StartShards(running);
  if (!started.ok()) return Fail(std::string(started.message()));

  const bool served = running.control->Run();
  running.ended.count_down();
  for (std::thread& thread : running.threads) thread.join();
  if (!ports_file_.empty()) (void)ops::RemovePortsFile(ports_file_);
  LOG_INFO(*log_, "Server Exiting..");
  return served ? 0 : 1;
}

void Server::LogBanner() const {
  LOG_INFO(*log_, "Starting nats-server");
  LOG_INFO(*log_, "  Version:  %s", kReferenceVersion);
  LOG_INFO(*log_, "  Git:      [not set]");
  LOG_INFO(*log_, "  Martlet:  %s", kVersion);
  LOG_DEBUG(*log_, "  Go build: %s", info_.go.c_str());
  if (!info_.cluster.empty()) LOG_INFO(*log_, "  Cluster:  %s", info_.cluster.c_str());
  LOG_INFO(*log_, "  Name:     %s", info_.server_name.c_str());
  LOG_INFO(*log_, "  ID:       %s", info_.server_id.c_str());
}

const std::string& Server::monitor_host() const {
  return options_.http_host.empty() ? options_.host : options_.http_host;
}

// One socket for all shards: bound once, so that a port in use is an error, also when another
// server of ours has it.
absl::StatusOr<Server::Bound> Server::Bind(const std::string& host, int port) {
  absl::StatusOr<base::SocketAddress> address = base::ResolveListen(host, port);
  if (!address.ok()) return address.status();
  const std::string where = control::ListenText(host, port);
  base::UniqueFd fd(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ErrnoStatus(where + ": socket");
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Accepted sockets inherit it.
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (address->family() == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (::bind(fd.get(), address->get(), address->length) != 0) return ErrnoStatus(where + ": bind");
  base::SocketAddress bound;
  if (::getsockname(fd.get(), bound.get(), &bound.length) != 0) return ErrnoStatus("getsockname");
  return Bound{std::move(fd), bound.port()};
}

absl::StatusOr<Server::Bound> Server::Listen(const std::string& host, int port,
                                             std::string_view line) {
  absl::StatusOr<Bound> bound = Bind(host, port);
  if (!bound.ok()) return bound;
  if (::listen(bound->fd.get(), base::kListenBacklog) != 0) {
    return ErrnoStatus(control::ListenText(host, port) + ": listen");
  }
  if (!line.empty()) {
    log_->Write(base::LogLevel::kInfo, std::string(line) + base::JoinHostPort(host, bound->port));
  }
  return bound;
}

absl::Status Server::StartShards(Running& running) {
  const unsigned count = running.interconnect.shards();
  const std::vector<int> cpus = base::AllowedCpus();
  for (unsigned id = 0; id < count; ++id) {
    running.threads.emplace_back([this, &running, id, cpus] {
      RunShard(running, id, {cpus[id % cpus.size()], cpus});
    });
  }
  running.opened[count] = running.control->Open(
      {.backend = options_.io_backend, .submission_entries = 64, .completion_entries = 1024},
      &running.fallback[count]);
  running.all_opened.wait();
  const auto failed = std::find_if_not(running.opened.begin(), running.opened.end(),
                                       [](const absl::Status& status) { return status.ok(); });
  running.run = failed == running.opened.end();
  if (running.run) {
    running.shared.wakers[count] = running.control->loop().waker();
    for (const std::string& reason : running.fallback) {
      if (reason.empty()) continue;
      LOG_WARN(*log_, "io_uring is not available, serving with epoll: %s", reason.c_str());
      break;
    }
    LOG_INFO(*log_, "Shards: %u on %zu CPUs; I/O: %s", count, cpus.size(),
             running.description.c_str());
    LOG_INFO(*log_, "Profile: %s", running.shared.tuning.Describe(options_.profile).c_str());
  }
  running.decided.count_down();
  if (running.run) return absl::OkStatus();
  for (std::thread& thread : running.threads) thread.join();
  return *failed;
}

void Server::RunShard(Running& running, unsigned id, shard::Seat seat) {
  base::NameThisThread(("shard-" + std::to_string(id)).c_str());
  base::PinThisThread(seat.cpu);
  shard::Shard shard(id, std::move(seat), running.shared);
  running.opened[id] = shard.Open({.backend = options_.io_backend}, &running.fallback[id]);
  if (running.opened[id].ok()) {
    running.shared.wakers[id] = shard.loop().waker();
    running.shared.stats[id] = &shard.context().stats;
    if (id == 0) running.description = shard.loop().Describe();
  }
  running.all_opened.count_down();
  running.decided.wait();
  if (!running.run) return;
  shard.Run();
  running.ended.arrive_and_wait();
}

bool Server::WritePortsFile(const std::string& directory) {
  if (directory.empty()) return true;
  ports_file_ = ops::PortsFilePath(directory, argv0_, ::getpid());
  ops::Ports ports;
  ports.nats = ops::ListenerUrls("nats", options_.host, bound_port_, base::InterfaceAddresses());
  if (monitor_port_ != 0) {
    ports.monitoring =
        ops::ListenerUrls("http", monitor_host(), monitor_port_, base::InterfaceAddresses());
  }
  if (cluster_port_ != 0) {
    ports.cluster =
        ops::ListenerUrls("nats", options_.cluster.host, cluster_port_, base::InterfaceAddresses());
  }
  const absl::Status written = ops::WritePortsFile(ports_file_, ports);
  if (written.ok()) return true;
  LOG_ERROR(*log_, "Error writing ports file (%s): %s", ports_file_.c_str(),
            std::string(written.message()).c_str());
  return false;
}

void Server::MovePortsFile(const std::string& directory) {
  if (!ports_file_.empty()) (void)ops::RemovePortsFile(std::exchange(ports_file_, {}));
  WritePortsFile(directory);
}

}  // namespace martlet::server
