// Measures the time from the start of sasd until it serves a large machine, settled, beside `lsscsi
// -tgL` on the same sysfs tree. Then measures `sasctl tree`, and the CPU use of sasd while nothing
// happens.
//
//   cold_start_bench SASD SASCTL [--runs N]
//
// The tree has two HBAs, 50 expanders and 816 drives with two paths each. With the rights for a
// mount namespace, lsscsi finds the device nodes of the disks in /dev, and the idle sasd follows
// this tree as /sys. Without them, lsscsi has less to do, and the idle sasd follows the machine's
// own /sys.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "driver/base/clock.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/real_layouts.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/node_service.grpc.pb.h"
#include "sas/v1/topology_service.grpc.pb.h"
#include "tests/bench/ready_socket.h"
#include "tests/bench/subprocess.h"

namespace sasd::bench {
namespace {

namespace fs = std::filesystem;

constexpr char kLsscsi[] = "/usr/bin/lsscsi";
constexpr int kPaths = 1632, kEnclosures = 18;
constexpr absl::Duration kTimeout = absl::Seconds(60);
// Contains one look at the links of a host, which sasd takes every 30 s by default.
constexpr absl::Duration kIdle = absl::Seconds(32);

void Require(bool ok, const std::string& what) {
  if (ok) return;
  std::cerr << "cold_start_bench: " << what << "\n";
  exit(1);
}

// A temporary folder of this run, in memory if possible.
class WorkFolder {
 public:
  WorkFolder() {
    Require(mkdtemp(folder_) != nullptr, "cannot make a folder in /tmp");
    // Mounts from here on are private to this process, and end with it.
    isolated_ = unshare(CLONE_NEWNS) == 0 &&
                mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                mount("tmpfs", folder_, "tmpfs", 0, nullptr) == 0;
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (isolated_) umount2(folder_, MNT_DETACH);
    fs::remove_all(folder_, ignored);
  }

  bool isolated() const { return isolated_; }
  std::string path(const std::string& name) const { return absl::StrCat(folder_, "/", name); }

 private:
  char folder_[24] = "/tmp/sasd-bench.XXXXXX";
  bool isolated_ = false;
};

// Makes the nodes of all disks of the tree in a new /dev. Returns whether that was possible.
bool MakeNodes(const WorkFolder& work, const std::string& tree) {
  if (!work.isolated()) return false;
  const std::string nodes = work.path("dev");
  fs::create_directory(nodes);
  bool ok = mknod((nodes + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0;
  for (const char* name : {"block", "scsi_generic"}) {
    const mode_t kind = *name == 'b' ? S_IFBLK : S_IFCHR;
    for (const auto& entry : fs::directory_iterator(tree + "/class/" + name)) {
      unsigned int major = 0, minor = 0;
      char colon = 0;
      std::ifstream(entry.path() / "dev") >> major >> colon >> minor;
      const std::string node = nodes + "/" + entry.path().filename().string();
      ok = ok && mknod(node.c_str(), kind | 0600, makedev(major, minor)) == 0;
    }
  }
  return ok && mount(nodes.c_str(), "/dev", nullptr, MS_BIND, nullptr) == 0;
}

double Median(std::vector<absl::Duration> times) {
  std::sort(times.begin(), times.end());
  return absl::ToDoubleMilliseconds(times[times.size() / 2]);
}

// ------------------------------------------------------------------------------------ lsscsi

// Requires that lsscsi has listed every path, with its address and its long form.
void CheckListing(const std::string& file, bool with_nodes) {
  int disks = 0, enclosures = 0, generic = 0, transports = 0;
  std::ifstream listing(file);
  for (std::string line; std::getline(listing, line);) {
    if (line == "  transport=sas") ++transports;
    if (!absl::StrContains(line, " sas:0x5")) continue;
    if (absl::StrContains(line, "] ") && absl::StrContains(line, " disk ")) ++disks;
    if (absl::StrContains(line, " enclosu ")) ++enclosures;
    if (absl::StrContains(line, "/dev/sg")) ++generic;
  }
  Require(disks == kPaths && enclosures == kEnclosures && transports == kPaths + kEnclosures &&
              (!with_nodes || generic == kPaths + kEnclosures),
          absl::StrFormat("lsscsi lists %d disks, %d enclosures, %d long entries and %d sg nodes",
                          disks, enclosures, transports, generic));
}

// ------------------------------------------------------------------------------------ sasd

// A sasd that has just been started.
class Sasd {
 public:
  Sasd(std::vector<std::string> command, const std::string& socket, const ReadySocket& ready)
      : start_(SystemClock().Monotonic()), process_(std::move(command)) {
    const absl::Status serves = ready.Await();
    Require(serves.ok(), std::string(serves.message()));
    const auto channel = grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials());
    const auto node = sas::v1::NodeService::NewStub(channel);
    topology_ = sas::v1::TopologyService::NewStub(channel);
    grpc::ClientContext context;
    sas::v1::WaitSettledResponse settled;
    const grpc::Status status = node->WaitSettled(&context, {}, &settled);
    Require(status.ok(), "WaitSettled: " + status.error_message());
    took_ = SystemClock().Monotonic() - start_;
  }

  // The time from its start until a client knows that it is settled.
  absl::Duration took() const { return took_; }
  const Subprocess& process() const { return process_; }

  // Requires that sasd knows every device of the machine.
  void CheckDevices() {
    int devices = 0;
    sas::v1::ListEndDevicesRequest request;
    do {
      grpc::ClientContext context;
      sas::v1::ListEndDevicesResponse response;
      const grpc::Status status = topology_->ListEndDevices(&context, request, &response);
      Require(status.ok(), "ListEndDevices: " + status.error_message());
      devices += response.end_devices_size();
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    Require(devices == kPaths + kEnclosures, absl::StrCat("sasd knows ", devices, " devices"));
  }

 private:
  const absl::Duration start_;
  Subprocess process_;
  std::unique_ptr<sas::v1::TopologyService::Stub> topology_;
  absl::Duration took_;
};

// The CPU use of sasd while nothing happens, in percent of one CPU.
double IdleCpu(const Sasd& sasd) {
  const double before = sasd.process().CpuSeconds();
  absl::SleepFor(kIdle);
  return 100 * (sasd.process().CpuSeconds() - before) / absl::ToDoubleSeconds(kIdle);
}

// ------------------------------------------------------------------------------------ the whole

void Print(const char* what, double ms, double floor_ms) {
  std::cout << absl::StrFormat("%-34s %8.1f ms  %5.2f of lsscsi\n", what, ms, ms / floor_ms);
}

int Main(const std::string& sasd_program, const std::string& sasctl_program, int runs) {
  Require(access(kLsscsi, X_OK) == 0, "lsscsi is missing; bazel/setup.sh bench installs it");
  const WorkFolder work;
  const std::string tree = work.path("sys"), socket = work.path("s"), output = work.path("out");
  const absl::Status written = sysfs::WriteFakeSysfs(tree, sysfs::FullOakInstallation());
  Require(written.ok(), std::string(written.message()));
  const bool with_nodes = MakeNodes(work, tree);

  ReadySocket ready;
  const absl::Status opened = ready.Open(work.path("notify"), kTimeout);
  Require(opened.ok(), std::string(opened.message()));
  const std::vector<std::string> sasd_command = {sasd_program, "--log-level", "error", "--listen",
                                                 "unix:" + socket};
  std::vector<std::string> on_tree = sasd_command;
  on_tree.insert(on_tree.end(), {"--sysfs-root", tree});
  std::vector<absl::Duration> lsscsi, sasd, sasctl;
  const auto once = [&] {
    lsscsi.push_back(RunToEnd({kLsscsi, "--sysfsroot=" + tree, "-tgL"}, output));
    CheckListing(output, with_nodes);
    Sasd daemon(on_tree, socket, ready);
    sasd.push_back(daemon.took());
    daemon.CheckDevices();
    sasctl.push_back(RunToEnd({sasctl_program, "--addr", "unix:" + socket, "tree"}, output));
    Require(fs::file_size(output) > 0, "sasctl tree prints nothing");
  };
  once();  // loads all programs into memory
  for (auto* times : {&lsscsi, &sasd, &sasctl}) times->clear();
  for (int i = 0; i < runs; ++i) once();

  const double floor = Median(lsscsi);
  std::cout << std::unitbuf
            << absl::StrFormat(
                   "%d paths (2 HBAs, 50 expanders, 816 drives), medians of %d; lsscsi %s\n",
                   kPaths, runs, with_nodes ? "with device nodes" : "without device nodes");
  Print("lsscsi -tgL", floor, floor);
  Print("sasd, until served and settled", Median(sasd), floor);
  Print("sasctl tree", Median(sasctl), floor);

  const bool mounted =
      work.isolated() && mount(tree.c_str(), "/sys", nullptr, MS_BIND, nullptr) == 0;
  const Sasd live(sasd_command, socket, ready);
  std::cout << absl::StrFormat("idle sasd, live on %s: %.2f %% of a CPU over %s\n",
                               mounted ? "this tree" : "this machine's /sys", IdleCpu(live),
                               absl::FormatDuration(kIdle));
  return 0;
}

}  // namespace
}  // namespace sasd::bench

int main(int argc, char** argv) {
  if (argc != 3 && !(argc == 5 && std::string(argv[3]) == "--runs" && atoi(argv[4]) > 0)) {
    std::cerr << "usage: cold_start_bench SASD SASCTL [--runs N]\n";
    return 2;
  }
  return sasd::bench::Main(argv[1], argv[2], argc == 5 ? atoi(argv[4]) : 9);
}
