// sashba: starts a QEMU with the virtual HBAs of a fabric as its PCI functions. See README.md.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>  // NOLINT: one owned thread per link
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "driver/base/clock.h"
#include "emulator/emulator.h"
#include "emulator/emulator_runner.h"
#include "emulator/fabric/fabric_loader.h"
#include "emulator/pci/function_dma.h"
#include "emulator/pci/link_server.h"
#include "emulator/pci/pci_front_end.h"
#include "emulator/pci/pci_identity.h"
#include "emulator/pci/qtest_channel.h"
#include "emulator/pci/vtd_iommu.h"
#include "emulator/qemu/check_command.h"
#include "emulator/qemu/qemu_process.h"
#include "emulator/rebuild/from_tree.h"
#include "emulator/service/emulator_service.h"
#include "rpc/edge.h"
#include "rpc/server.h"
#include "rpc/version.h"

namespace sasd {
namespace {

namespace pci = emulator::pci;
using emulator::MpiGeneration;

struct CommandLine {
  std::string fabric, listen, qemu_log, hba = "fabric";
  bool msix = false, intx = false, iommu = false;
  uint64_t seed = 1;
  std::vector<std::string> qemu;
  std::vector<std::string> check;  // fabrics
  std::string tree, output = "-";  // of from-tree
};

void Declare(CLI::App& app, CommandLine& line) {
  app.set_version_flag("--version", absl::StrCat("sashba ", rpc::kVersion));
  app.add_option(
      "--fabric", line.fabric,
      "Fabric: name of a shipped fabric, or path of a .textproto file (required to start "
      "QEMU)");
  app.add_option("--listen", line.listen,
                 "Address for EmulatorService (sasctl emulator): unix:PATH or HOST:PORT");
  app.add_option("--hba", line.hba,
                 "HBA model of all hosts; \"fabric\" keeps the model of each host")
      ->capture_default_str()
      ->check(CLI::IsMember({"fabric", "sas2008", "sas3008", "sas3508"}));
  auto* msix = app.add_flag("--msix", line.msix, "Interrupt with MSI-X (the default)");
  app.add_flag("--intx", line.intx, "Interrupt with INTx, without MSI-X")->excludes(msix);
  app.add_flag("--iommu", line.iommu,
               "Translate the HBAs' addresses by the tables of QEMU's \"-device intel-iommu\"");
  app.add_option("--seed", line.seed, "Seed of the order of device handles after a reset")
      ->capture_default_str();
  app.add_option("--qemu-log", line.qemu_log, "Write QEMU's standard error to this file");
  app.add_option("qemu", line.qemu, "QEMU and its arguments, after --");
  CLI::App* check = app.add_subcommand(
      "check", "Check fabrics: print every error with its line and remedy, or what is in them");
  check->add_option("fabric", line.check, "Names of shipped fabrics, or paths of .textproto files")
      ->required();
  CLI::App* from_tree = app.add_subcommand(
      "from-tree",
      "Make a fabric from a recorded sysfs tree (sasctl capture), and print to standard error what "
      "it cannot have of it");
  from_tree
      ->add_option("tree", line.tree,
                   "A .tar.gz, or a folder that has class/ and devices/, or sys/")
      ->required();
  from_tree->add_option("-o,--output", line.output, "File to write; \"-\" is standard output")
      ->capture_default_str();
  app.require_subcommand(0, 1);
  // A subcommand needs no QEMU.
  app.final_callback([&app, &line] {
    if (!app.get_subcommands().empty()) return;
    if (line.fabric.empty()) throw CLI::RequiredError("--fabric");
    if (line.qemu.empty()) throw CLI::RequiredError("qemu");
  });
  app.footer(
      "QEMU needs a q35 machine with shared memory (-object memory-backend-memfd,share=on) and "
      "one\n"
      "processor at a time (-accel tcg,thread=single). sashba gives it one PCI function per host "
      "of\n"
      "the fabric, from slot 4 of pcie.0 on. sashba ends with QEMU and returns its exit code.");
}

int Fail(const absl::Status& status) {
  std::cerr << "sashba: " << status.message() << "\n";
  return 1;
}

int FromTree(const CommandLine& line) {
  const absl::StatusOr<emulator::FabricOfTree> made = emulator::FabricFromTree(line.tree);
  if (!made.ok()) return Fail(made.status());
  for (const std::string& note : made->notes) std::cerr << "sashba: " << note << "\n";
  if (line.output == "-") {
    std::cout << made->text << std::flush;
    return std::cout ? 0 : Fail(absl::UnknownError("cannot write the fabric"));
  }
  std::ofstream file(line.output, std::ios::binary | std::ios::trunc);
  file << made->text << std::flush;
  return file ? 0 : Fail(absl::UnknownError(absl::StrCat("cannot write \"", line.output, "\"")));
}

absl::StatusOr<emulator::FabricSpec> LoadHosts(const CommandLine& line) {
  absl::StatusOr<emulator::FabricSpec> fabric = emulator::LoadFabric(line.fabric);
  if (!fabric.ok()) return fabric;
  if (fabric->hosts.size() > kMaxHosts) {
    return absl::InvalidArgumentError(absl::StrCat("fabric ", line.fabric, " has ",
                                                   fabric->hosts.size(),
                                                   " hosts; sashba supports at most ", kMaxHosts));
  }
  for (emulator::HostSpec& host : fabric->hosts) {
    if (line.hba == "sas2008") host.generation = MpiGeneration::k2_0;
    if (line.hba == "sas3008") host.generation = MpiGeneration::k2_5;
    if (line.hba == "sas3508") host.generation = MpiGeneration::k2_6;
  }
  return fabric;
}

// The emulator, its front ends, and their links and interrupts into QEMU.
class Machine {
 public:
  static absl::StatusOr<std::unique_ptr<Machine>> Create(emulator::FabricSpec fabric,
                                                         const CommandLine& line) {
    auto machine = std::make_unique<Machine>();
    absl::StatusOr<SocketPair> qtest = MakeSocketPair();
    if (!qtest.ok()) return qtest.status();
    machine->qtest_ = *std::move(qtest);
    const bool vtd = std::any_of(line.qemu.begin(), line.qemu.end(), [](const std::string& word) {
      return absl::StartsWith(word, "intel-iommu");
    });
    if (line.iommu && !vtd) {
      return absl::InvalidArgumentError(
          "--iommu needs \"-device intel-iommu\" in QEMU's arguments");
    }
    for (size_t i = 0; i < fabric.hosts.size(); ++i) {
      absl::StatusOr<SocketPair> link = MakeSocketPair();
      if (!link.ok()) return link.status();
      machine->links_.push_back(*std::move(link));
    }
    machine->channel_ = std::make_unique<pci::QtestChannel>(std::move(machine->qtest_.own));
    emulator::EmulatorOptions options;
    options.seed = line.seed;
    const std::vector<emulator::HostSpec> hosts = fabric.hosts;
    machine->registers_ =
        std::make_unique<pci::QtestVtdRegisters>(*machine->channel_, SystemClock());
    options.make_front_end = [&](emulator::VirtualHba& hba, uint32_t host) {
      return machine->MakeFrontEnd(hba, host, hosts[host], line);
    };
    auto emulator = emulator::Emulator::Create(std::move(fabric), options, SystemClock());
    if (!emulator.ok()) return emulator.status();
    machine->emulator_ = *std::move(emulator);
    return machine;
  }

  ~Machine() {
    for (std::thread& thread : threads_) thread.join();
  }

  emulator::Emulator& emulator() { return *emulator_; }

  absl::StatusOr<pid_t> Start(const CommandLine& line, const sigset_t& mask) {
    absl::StatusOr<pid_t> pid =
        StartProcess(WithProxies(line.qemu, links_, qtest_), mask, line.qemu_log);
    qtest_.inherited.Close();
    for (SocketPair& link : links_) link.inherited.Close();
    return pid;
  }

  // Serves the links of QEMU. Stops QEMU if one of them fails.
  void Serve(pid_t qemu) {
    for (size_t i = 0; i < links_.size(); ++i) {
      threads_.emplace_back([this, i, qemu] {
        const absl::Status status = pci::ServeLink(links_[i].own, *front_ends_[i]);
        if (status.ok()) return;
        Fail(status);
        failed_ = true;
        kill(qemu, SIGTERM);
      });
    }
  }

  bool failed() const { return failed_; }

 private:
  std::unique_ptr<emulator::HbaFrontEnd> MakeFrontEnd(emulator::VirtualHba& hba, uint32_t host,
                                                      const emulator::HostSpec& spec,
                                                      const CommandLine& line) {
    pci::PciFrontEnd::Options options{pci::IdentityOf(spec.generation), !line.intx};
    if (line.iommu) {
      const auto function = static_cast<uint8_t>(SlotOf(host) << 3);
      iommus_.push_back(std::make_unique<pci::VtdIommu>(*registers_, 0, function));
      options.iommu = iommus_.back().get();
    }
    options.on_dma_fault = [id = spec.id](const pci::DmaFault& fault) {
      std::cerr << absl::StrCat("sashba: ", id, ": DMA ", pci::Describe(fault), "\n");
    };
    interrupts_.push_back(std::make_unique<pci::QtestInterrupts>(*channel_, SlotOf(host)));
    auto front_end =
        std::make_unique<pci::PciFrontEnd>(hba, SystemClock(), options, *interrupts_.back());
    front_ends_.push_back(front_end.get());
    return front_end;
  }

  SocketPair qtest_;
  std::vector<SocketPair> links_;
  std::unique_ptr<pci::QtestChannel> channel_;
  std::vector<std::unique_ptr<pci::QtestInterrupts>> interrupts_;
  std::unique_ptr<pci::QtestVtdRegisters> registers_;
  std::vector<std::unique_ptr<pci::VtdIommu>> iommus_;
  std::vector<pci::PciFrontEnd*> front_ends_;  // the emulator's
  std::unique_ptr<emulator::Emulator> emulator_;
  std::atomic<bool> failed_{false};
  std::vector<std::thread> threads_;
};

// Waits for QEMU's end and passes signals on to it. Returns the exit code.
int Wait(pid_t qemu, const sigset_t& signals) {
  while (true) {
    int status = 0;
    if (waitpid(qemu, &status, WNOHANG) == qemu) {
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    int signal = 0;
    if (sigwait(&signals, &signal) == 0 && signal != SIGCHLD) kill(qemu, signal);
  }
}

int Run(const CommandLine& line, const sigset_t& signals, const sigset_t& mask) {
  absl::StatusOr<emulator::FabricSpec> fabric = LoadHosts(line);
  if (!fabric.ok()) return Fail(fabric.status());
  absl::StatusOr<std::unique_ptr<Machine>> created = Machine::Create(*std::move(fabric), line);
  if (!created.ok()) return Fail(created.status());
  Machine& machine = **created;
  rpc::Edge edge{rpc::AccessPolicy()};
  emulator::EmulatorService service(machine.emulator().fabric(), edge.access);
  std::unique_ptr<rpc::Server> server;
  if (!line.listen.empty()) {
    rpc::ServerOptions options;
    options.listen = {line.listen};
    absl::StatusOr<std::unique_ptr<rpc::Server>> listening = rpc::Server::Open(
        std::move(options), edge,
        {{&service, sas::emulator::v1::EmulatorService::service_full_name(), nullptr,
          emulator::EmulatorService::Roles(), emulator::EmulatorService::Changes()}},
        SystemClock());
    if (!listening.ok()) return Fail(listening.status());
    server = *std::move(listening);
    server->Serve();
  }
  const emulator::EmulatorRunner runner(machine.emulator(), SystemClock());
  const absl::StatusOr<pid_t> qemu = machine.Start(line, mask);
  if (!qemu.ok()) return Fail(qemu.status());
  machine.Serve(*qemu);
  const int code = Wait(*qemu, signals);
  server.reset();
  return machine.failed() ? 1 : code;
}

int Main(int argc, char** argv) {
  CLI::App app("Start a QEMU with the virtual HBAs of a fabric as PCI devices.", "sashba");
  CommandLine line;
  Declare(app, line);
  CLI11_PARSE(app, argc, argv);
  if (!line.check.empty()) return CheckFabrics(line.check, std::cout, std::cerr);
  if (!line.tree.empty()) return FromTree(line);
  setenv("GRPC_VERBOSITY", "NONE", 0);  // the error below reports an address in use, in one line
  // Only Wait() takes signals.
  sigset_t signals, mask;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, &mask);
  signal(SIGPIPE, SIG_IGN);
  return Run(line, signals, mask);
}

}  // namespace
}  // namespace sasd

int main(int argc, char** argv) { return sasd::Main(argc, argv); }
