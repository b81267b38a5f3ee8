#include "daemon/daemon.h"

#include <unistd.h>

#include <random>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "daemon/backend/sysfs_backend.h"
#include "daemon/backend/virtual_backend.h"
#include "rpc/version.h"

namespace sasd {
namespace {

uint64_t Random() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

registry::Registry::Options RegistryOptions() {
  registry::Registry::Options options;
  options.epoch = registry::MakeEpoch(Random);
  return options;
}

std::string NodeName() {
  char name[256] = "";
  if (gethostname(name, sizeof(name) - 1) != 0) return "localhost";
  return name;
}

absl::StatusOr<std::unique_ptr<Backend>> StartBackend(const DaemonOptions& options, Clock& clock,
                                                      ObservationSink& sink) {
  if (!options.fabric.empty() && !options.sysfs_root.empty()) {
    return absl::InvalidArgumentError(
        "use either a fabric for virtual HBAs or a sysfs tree, not both");
  }
  if (!options.fabric.empty()) {
    return StartVirtualBackend(options.fabric, options.seed, clock, sink);
  }
  if (!options.sysfs_root.empty()) return StartSysfsBackend(options.sysfs_root, clock, sink);
  return StartLinuxBackend(options.live, clock, sink);
}

}  // namespace

Daemon::Daemon(const DaemonOptions& options, Clock& clock)
    : registry_(RegistryOptions()),
      health_(options.health, registry_, clock),
      encoder_(registry_.epoch()),
      log_(registry_, options.log),
      publisher_(log_, encoder_, {&health_listener_}),
      pump_(std::make_unique<watch::Pump>(publisher_)) {}

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const DaemonOptions& options, Clock& clock) {
  auto daemon = absl::WrapUnique(new Daemon(options, clock));
  absl::StatusOr<std::unique_ptr<Backend>> backend = StartBackend(options, clock, *daemon->pump_);
  if (!backend.ok()) return backend.status();
  daemon->backend_ = *std::move(backend);
  daemon->pump_->AwaitPublished();

  service::NodeInfo node;
  node.node_name = NodeName();
  node.version = rpc::kVersion;
  node.backend = daemon->backend_->description();
  node.start_time = clock.Now();
  node.diagnose = [&backend = *daemon->backend_, &registry = daemon->registry_] {
    return backend.Diagnose(*registry.Snapshot());
  };
  daemon->services_ = std::make_unique<service::Services>(
      options.service, daemon->registry_, daemon->log_, daemon->health_, std::move(node));
  daemon->health_.Start();
  std::vector<rpc::ServedService> services = daemon->services_->served();
  for (rpc::ServedService& more : daemon->backend_->services()) services.push_back(std::move(more));
  absl::StatusOr<std::unique_ptr<rpc::Server>> server =
      rpc::Server::Start(options.listen, std::move(services));
  if (!server.ok()) return server.status();
  daemon->server_ = *std::move(server);
  return daemon;
}

}  // namespace sasd
